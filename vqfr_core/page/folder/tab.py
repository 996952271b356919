"""The tab for several pictures: a folder, or uploaded files. The settings are those of the other tab."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from ...errors import InputError
from ..controls import read_controls
from ..gradio_compat import file_paths, import_gradio, make_html, warn, with_client
from ..host import PageHost
from ..saving import Saving, add_saving_controls
from ..session import Sessions
from ..words import say
from .actions import Step, Wanted, work_on_pictures
from .archives import is_picture
from .words import progress_html

_HINT = "Uses the settings of the tab Photograph: try them on one picture first."


class FolderTab:
    """Create it inside the gr.Tab that it fills."""

    def __init__(self, host: PageHost, sessions: Sessions, key: Any, settings: Sequence[Any]) -> None:
        """key: the gr.State with the session's key. settings: the components for model, background, settings."""
        self._host, self._sessions, self._key = host, sessions, key
        gr = import_gradio()
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                self._add_inputs()
            with gr.Column(scale=3, min_width=320):
                self._progress = make_html(say(_HINT), f"{host.id_prefix}_progress")
                self._results = gr.File(
                    label="Results to download",
                    interactive=False,
                    file_count="multiple",
                    visible=False,
                    elem_id=f"{host.id_prefix}_results",
                )
        wanted = [self._uploads, self._folder, self._output, *self._choices]
        outputs = [key, self._progress, self._results]
        self._start.click(with_client(self._run), [*wanted, key, *settings], outputs, show_progress="hidden")
        self._stop.click(with_client(self._end), [key], [], queue=False)
        self._sent.upload(self._of_folder, [self._sent], [self._uploads], show_progress="hidden")

    def _add_inputs(self) -> None:
        gr, prefix, may_name = import_gradio(), self._host.id_prefix, self._host.folders.may_name
        self._uploads = gr.File(
            label="Pictures, or a ZIP file of them", file_count="multiple", elem_id=f"{prefix}_uploads"
        )
        self._sent = gr.UploadButton("Upload a folder", file_count="directory", elem_id=f"{prefix}_upload_folder")
        self._folder = gr.Textbox(
            label="Or a folder on this machine", visible=may_name, max_lines=1, elem_id=f"{prefix}_folder"
        )
        self._output = gr.Textbox(
            label="Folder for its results",
            placeholder=self._default_output(),
            visible=may_name,
            max_lines=1,
            elem_id=f"{prefix}_output",
        )
        self._choices = [
            gr.Checkbox(label="With sub-folders", visible=may_name, elem_id=f"{prefix}_recursive"),
            gr.Checkbox(label="Redo results that already exist", visible=may_name),
            *add_saving_controls(f"{prefix}_pictures"),
        ]
        with gr.Row():
            self._start = gr.Button("Restore all", variant="primary", elem_id=f"{prefix}_start", scale=3)
            self._stop = gr.Button("Stop", elem_id=f"{prefix}_stop_pictures", scale=1, min_width=80)

    def _of_folder(self, files: Any) -> list[str] | None:
        """What is to be restored of an uploaded folder."""
        paths = [str(path) for path in file_paths(files) if is_picture(path.name)]
        if not paths:
            warn("There are no pictures in this folder.")
        return paths or None

    def _default_output(self) -> str:
        output = self._host.folders.output
        return str(output()) if output else "a folder named restored inside it"

    def _run(
        self,
        client: str,
        uploads: Any,
        folder: str,
        output: str,
        is_recursive: bool,
        overwrite: bool,
        format: str,
        quality: float,
        mark: bool,
        key: str | None,
        model: str,
        background: str,
        *settings: Any,
    ) -> Iterator[list[Any]]:
        key, session = self._sessions.open(key, client)
        paths = file_paths(uploads)
        saving = Saving(format, int(quality), mark)
        wanted = Wanted(paths, folder or "", output or "", is_recursive, bool(overwrite), saving)
        try:
            options = read_controls(settings)
        except InputError as error:
            yield self._values(key, Step(0, 0, [], str(error), is_failed=True))
            return
        opener = partial(self._host.open_restorer, model)
        steps = work_on_pictures(self._host, session, wanted, options, opener, background)
        for step in steps:
            if step.is_failed:
                warn(step.message)
            yield self._values(key, step)

    def _values(self, key: str, step: Step) -> list[Any]:
        paths = [str(path) for path in step.results] or None
        return [key, progress_html(step), import_gradio().update(value=paths, visible=paths is not None)]

    def _end(self, client: str, key: str | None) -> None:
        self._sessions.open(key, client)[1].stop_pictures.set()
