"""The tab for one photograph: its layout and its events."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ...options import option_specs
from ..backgrounds import HELP, NONE
from ..controls import Controls, add_basic_controls, add_other_controls, in_order
from ..gradio_compat import (
    file_paths,
    import_gradio,
    make_html,
    make_image,
    on_change,
    on_click_at,
    warn,
    with_client,
)
from ..host import PageHost
from ..presets import Presets
from ..progress import with_bar
from ..samples import samples_html
from ..saving import Saving, add_saving_controls
from ..session import Sessions
from ..shown import SAME, Shown
from ..words import welcome
from .actions import Asked, Desk


class PhotoTab:
    """The components for the values of `Shown`, by name, and the controls."""

    def __init__(self, host: PageHost, sessions: Sessions, key: Any) -> None:
        """Create it inside the gr.Tab that it fills. key: the gr.State with the session's key."""
        self._host, self._sessions, self._desk = host, sessions, Desk(host, sessions)
        self._controls: Controls = {}
        self._places: dict[str, Any] = {"key": key}
        self._add_components()
        self.settings = [self._model, self._background, *in_order(self._controls)]
        self._inputs = [key, *self.settings]
        self._connect()

    def _add_components(self) -> None:
        gr, prefix = import_gradio(), self._host.id_prefix
        with gr.Row(elem_classes=["vqfr-desk"]):  # in this order on a narrow screen, else with the views on the right
            with gr.Column(min_width=300):
                self._file = gr.File(label="Photograph", elem_id=f"{prefix}_photo", elem_classes=["vqfr-photo"])
                make_html(samples_html(), f"{prefix}_samples")
                with gr.Row():
                    self._restore = gr.Button(
                        "Restore", variant="primary", elem_id=f"{prefix}_restore", elem_classes=["vqfr-waits"], scale=3
                    )
                    self._stop = gr.Button("Stop", elem_id=f"{prefix}_stop", scale=1, min_width=80)
                self._places["said"] = make_html(welcome(), f"{prefix}_said")
            with gr.Column(min_width=300, elem_classes=["vqfr-views"]):
                self._add_views()
            with gr.Column(min_width=300):
                self._add_controls()

    def _add_controls(self) -> None:
        gr, prefix, first_value = import_gradio(), self._host.id_prefix, self._host.first_value
        names = self._host.model_names()
        first = self._host.first_model() if self._host.first_model else names[0]
        add_basic_controls(self._controls, prefix, ("restore",), first_value)
        self._places["fidelity_note"] = make_html("", f"{prefix}_fidelity_note")
        with gr.Row():
            self._model = gr.Dropdown(choices=names, value=first, label="Model", elem_id=f"{prefix}_model", scale=4)
            self._refresh = gr.Button(
                "Refresh", size="sm", elem_id=f"{prefix}_refresh", scale=0, min_width=80, elem_classes=["vqfr-small"]
            )
        self._better = self._host.better_model()
        self._download = gr.Button(
            f"Download {self._better}, a better model",
            size="sm",
            visible=bool(self._better),
            elem_id=f"{prefix}_download",
        )
        with gr.Accordion("Faces", open=True, elem_id=f"{prefix}_faces_settings"):
            add_basic_controls(self._controls, prefix, ("select", "detect"), first_value)
        with gr.Accordion("Result", open=True, elem_id=f"{prefix}_result_settings"):
            add_basic_controls(self._controls, prefix, ("blend",), first_value)
        self._background = self._make_background()
        add_other_controls(self._controls, prefix, first_value)
        self._presets = Presets(prefix, in_order(self._controls))
        self._places["select"] = self._controls["select"]

    def _make_background(self) -> Any:
        gr, offered = import_gradio(), self._host.backgrounds
        if offered is None:
            return gr.State(NONE)
        return gr.Dropdown(
            choices=[NONE, *offered.names()],
            value=NONE,
            label="Background",
            info=HELP,
            elem_id=f"{self._host.id_prefix}_background",
        )

    def _add_views(self) -> None:
        gr, prefix = import_gradio(), self._host.id_prefix
        with gr.Tabs(selected="faces", elem_id=f"{prefix}_views") as self._places["tab"]:
            with gr.Tab("Faces", id="faces"):
                self._places["drawing"] = make_image("Faces", f"{prefix}_drawing", elem_classes=["vqfr-faces"])
                self._places["chosen"] = gr.CheckboxGroup(
                    choices=[], label="Faces to restore", visible=False, elem_id=f"{prefix}_chosen"
                )
            with gr.Tab("Before and after", id="result"):
                self._places["comparison"] = make_html("", f"{prefix}_comparison")
                self._closer = gr.Button("Closer", elem_id=f"{prefix}_closer", elem_classes=["vqfr-closer"])
                self._places["file"] = gr.File(
                    label="Result to download", interactive=False, visible=False, elem_id=f"{prefix}_file"
                )
                with gr.Accordion("How it is saved", open=False, elem_id=f"{prefix}_saving"):
                    self._saving = add_saving_controls(prefix)
                self._add_send_buttons()
            with gr.Tab("Crops", id="crops"):
                self._places["crops"] = make_html("", f"{prefix}_crops")
            with gr.Tab("Compare", id="sweep"):
                self._sweep = gr.Button("Compare fidelities", elem_id=f"{prefix}_sweep", elem_classes=["vqfr-waits"])
                with gr.Row():
                    self._models = gr.Dropdown(
                        choices=self._host.model_names(),
                        value=[],
                        multiselect=True,
                        label="Models to compare",
                        elem_id=f"{prefix}_models",
                        scale=4,
                    )
                    self._compare = gr.Button(
                        "Compare models",
                        elem_id=f"{prefix}_compare",
                        elem_classes=["vqfr-waits"],
                        scale=1,
                        min_width=120,
                    )
                self._places["sweep"] = make_image("The faces side by side", f"{prefix}_sweep_sheet")
            with gr.Tab("Report", id="report"):
                self._places["report"] = make_html("", f"{prefix}_report")
                self._places["json"] = gr.JSON(label="The whole report", elem_id=f"{prefix}_json")

    def _add_send_buttons(self) -> None:
        gr, prefix = import_gradio(), self._host.id_prefix
        if not self._host.send_to:
            return
        with gr.Row():
            buttons = [gr.Button(target.label) for target in self._host.send_to]
        with gr.Accordion("The whole result", open=False):
            whole = make_image("Whole result", f"{prefix}_whole", type="pil")
        self._places["whole"] = whole
        for target, button in zip(self._host.send_to, buttons, strict=True):
            target.connect(button, whole)

    def _connect(self) -> None:
        outputs = list(self._places.values())

        def open_file(client: str, file: Any, *values: Any) -> list[Any]:
            return self._values(self._desk.open(_asked(values, client), _first_path(file)))

        def restore(client: str, file: Any, *values: Any) -> Iterator[list[Any]]:
            asked = _asked(values, client, file)
            for shown in with_bar(lambda progress: self._desk.restore(asked, progress)):
                yield self._values(shown)

        def sweep(client: str, file: Any, *values: Any) -> Iterator[list[Any]]:
            asked = _asked(values, client, file)
            for shown in with_bar(lambda progress: self._desk.sweep(asked, progress)):
                yield self._values(shown)

        def compare(client: str, models: Sequence[str], file: Any, *values: Any) -> Iterator[list[Any]]:
            asked = _asked(values, client, file)
            for shown in with_bar(lambda progress: self._desk.compare(asked, models or [], progress)):
                yield self._values(shown)

        def download(client: str, *values: Any) -> Iterator[list[Any]]:
            asked = _asked(values, client)._replace(model=self._better)
            for shown in with_bar(lambda progress: self._desk.download(asked, progress)):
                yield self._values(shown)

        def stop(client: str, key: str | None) -> None:
            self._desk.stop(key, client)

        def click(point: tuple[float, float], *values: Any) -> list[Any]:
            return self._values(self._desk.click(_asked(values), point))

        def choose(faces: Sequence[str], *values: Any) -> list[Any]:
            return self._values(self._desk.choose(_asked(values), faces))

        def look_closer(*values: Any) -> list[Any]:
            return self._values(self._desk.look_closer(_asked(values)), ["comparison"])

        inputs = [self._file, *self._inputs]
        self._file.change(with_client(open_file), inputs, outputs)
        self._then_save([self._restore.click(with_client(restore), inputs, outputs, show_progress="hidden")])
        self._sweep.click(with_client(sweep), inputs, outputs, show_progress="hidden")
        self._compare.click(with_client(compare), [self._models, *inputs], outputs, show_progress="hidden")
        fetched = self._download.click(with_client(download), self._inputs, outputs, show_progress="hidden")
        fetched.then(self._chosen, [], [self._model, self._models, self._download], show_progress="hidden")
        self._closer.click(look_closer, self._inputs, [self._places["comparison"]], show_progress="hidden")
        self._stop.click(with_client(stop), [self._places["key"]], [], queue=False)
        self._refresh.click(self._look_again, [], [self._model, self._models, self._background])
        inputs = [self._places["chosen"], *self._inputs]
        self._then_save(on_change(self._places["chosen"], choose, inputs, outputs))
        self._then_save(on_click_at(self._places["drawing"], click, self._inputs, outputs))
        self._connect_settings(outputs)

    def _chosen(self) -> list[Any]:
        """The menus after a download: the model is chosen if it is here."""
        update, names = import_gradio().update, self._host.model_names()
        if self._host.better_model():
            return [update(), update(), update()]
        return [update(choices=names, value=self._better), update(choices=names), update(visible=False)]

    def _look_again(self) -> list[Any]:
        """The lists of files as they are now."""
        update, offered = import_gradio().update, self._host.backgrounds
        models = update(choices=self._host.model_names())
        return [models, models, update(choices=[NONE, *offered.names()]) if offered else NONE]

    def _connect_settings(self, outputs: Sequence[Any]) -> None:
        for spec in option_specs():
            is_redrawn = spec.group in ("detect", "select") or spec.name in ("aligned", "only_degraded")
            changer = self._changer(is_redrawn)
            self._then_save(on_change(self._controls[spec.name], changer, self._inputs, outputs))
        for control in self._saving:
            self._then_save(on_change(control, lambda: None, [], []))
        on_change(self._model, lambda *v: self._values(self._desk.choose_model(_asked(v))), self._inputs, outputs)
        self._then_save([self._presets.used.then(self._changer(is_redrawn=True), self._inputs, outputs)])
        if self._host.backgrounds is not None:
            self._then_save(on_change(self._background, self._changer(is_redrawn=False), self._inputs, outputs))

    def _changer(self, is_redrawn: bool) -> Callable[..., list[Any]]:
        return lambda *values: self._values(self._desk.change(_asked(values), is_redrawn))

    def _then_save(self, events: Sequence[Any]) -> None:
        """The picture is shown first; writing it may take longer."""
        names = ["key", "said", "file", "report", "json", *(["whole"] if self._host.send_to else [])]

        def save(format: str, quality: float, mark: bool, *values: Any) -> list[Any]:
            return self._values(self._desk.save(_asked(values), Saving(format, int(quality), mark)), names)

        for event in events:
            outputs = [self._places[name] for name in names]
            event.then(save, [*self._saving, *self._inputs], outputs, show_progress="hidden")

    def _values(self, shown: Shown, names: Sequence[str] | None = None) -> list[Any]:
        """One value for each output."""
        update, values = import_gradio().update, shown.changes()
        if shown.warning is not None:
            warn(shown.warning)
        if shown.file is not SAME:
            values["file"] = update(value=shown.file, visible=shown.file is not None)
        if shown.chosen is not SAME:
            choices, ticked = map(list, shown.chosen)
            values["chosen"] = update(choices=choices, value=ticked, visible=bool(choices))
        if shown.tab is not SAME:
            values["tab"] = update(selected=shown.tab)
        return [values.get(name, update()) for name in (names or self._places)]


def _asked(values: Sequence[Any], client: str = "", file: Any = None) -> Asked:
    key, model, background, *settings = values
    return Asked(key, model, settings, background, _first_path(file), client)


def _first_path(file: Any) -> Path | None:
    return next(iter(file_paths(file)), None)
