"""The whole pipeline: image in, image out. Each step is a function of `pipeline` that hosts may call separately."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .errors import InputError
from .loaded import LoadedNetworks
from .networks.base import Parser
from .options import BlendOptions, NetworkOptions, RestoreOptions
from .pictures import to_tensor
from .pipeline import (
    KeptFaces,
    aligned_faces,
    blend_faces,
    crop_faces,
    find_faces,
    finish_faces,
    given_faces,
    measure_drift,
    restore_by_degradation,
    select_faces,
    skip_sharp_faces,
    sweep_faces,
)
from .pipeline.blending.background import Background, output_size
from .pipeline.blending.masks import check_mask, needs_parser, uses_parser
from .pipeline.enlarging.enlarger import Enlarger
from .pipeline.restoring.restore import Progress, ShouldStop
from .report import make_report
from .restoration import Restoration, restored_faces
from .timing import Stopwatch
from .types import Box, Detections, FaceDetection, ImageFaces
from .weights.folders import PathLike
from .weights.store import WeightStore
from .weights.transfer import Progress as DownloadProgress

ImageLike = Image.Image | np.ndarray | Tensor
"""What `to_tensor` takes."""


class FaceRestorer(LoadedNetworks):
    """Networks, loaded once, and the steps that use them.

    >>> with FaceRestorer() as restorer:
    ...     result = restorer.restore(image, RestoreOptions(fidelity=0.3))
    >>> result.to_pil(), result.report.summary()

    Thread-safe: calls from several threads take turns. `restore_iter` locks for one image at a time.
    """

    def __init__(
        self,
        model: PathLike = "auto",
        *,
        device: str | torch.device | None = None,
        precision: str = "auto",
        folder: PathLike | None = None,
        search: Iterable[PathLike] = (),
        download: bool = True,
        download_progress: DownloadProgress | None = None,
        store: WeightStore | None = None,
    ) -> None:
        """Load the restoration network; the others are loaded when first needed. Arguments as for `LoadedNetworks`.

        Raises:
            InputError, WeightsError, DownloadError: see `load_model`.
        """
        super().__init__(
            model,
            device=device,
            precision=precision,
            folder=folder,
            search=search,
            download=download,
            download_progress=download_progress,
            store=store,
        )
        self.model_for(NetworkOptions())

    def restore(
        self,
        image: ImageLike,
        options: RestoreOptions | None = None,
        *,
        faces: Sequence[FaceDetection] | None = None,
        boxes: Sequence[Box] | None = None,
        area: Tensor | None = None,
        background: Background | None = None,
        progress: Progress | None = None,
        should_stop: ShouldStop | None = None,
    ) -> Restoration:
        """Restore the faces of one image. Arguments as for `restore_many`."""
        (result,) = self.restore_many(
            [image],
            options,
            faces=None if faces is None else [faces],
            boxes=boxes,
            area=area,
            background=background,
            progress=progress,
            should_stop=should_stop,
        )
        return result

    def restore_many(
        self,
        images: Sequence[ImageLike],
        options: RestoreOptions | None = None,
        *,
        faces: Sequence[Sequence[FaceDetection]] | None = None,
        boxes: Sequence[Box] | None = None,
        area: Tensor | None = None,
        background: Background | None = None,
        progress: Progress | None = None,
        should_stop: ShouldStop | None = None,
    ) -> list[Restoration]:
        """Restore the faces of several images, of any sizes; all their faces share network batches.

        Args:
            images: each a PIL image, an array (H, W, 3) or a tensor (3, H, W) in [0, 1]; never modified.
            options: the settings; defaults when None.
            faces: for each image the faces to use, instead of detection.
            boxes: only faces in one of these boxes are used.
            area: (H, W) mask; only faces inside it are used.
            background: what the faces are put onto: an image of the output's size, a function (image, (height, width))
            that makes it, or an `enlarger`.
            progress: called with (faces done, faces in all).
            should_stop: checked between steps of detection and between batches of faces; True raises `Cancelled`.

        Returns:
            One result for each image, in order. An image without faces comes back unchanged, and its report says so.

        Raises:
            InputError, OutOfMemoryError, RestorationError, Cancelled: see the steps.
        """
        settings, watch = options or RestoreOptions(), Stopwatch()
        with self._lock:
            chosen = self._choose(images, settings, faces, boxes, area, should_stop, watch)
            (results,) = self.restore_chosen(
                chosen,
                settings,
                [settings.fidelity],
                watch,
                background=background,
                progress=progress,
                should_stop=should_stop,
            )
            return results

    def restore_iter(
        self,
        images: Iterable[ImageLike],
        options: RestoreOptions | None = None,
        *,
        should_stop: ShouldStop | None = None,
    ) -> Iterator[Restoration]:
        """Restore images one by one, in order, each when its result is requested. Errors as for `restore_many`."""
        for image in images:
            yield self.restore(image, options, should_stop=should_stop)

    def sweep(
        self,
        image: ImageLike,
        fidelities: Sequence[float],
        options: RestoreOptions | None = None,
        *,
        progress: Progress | None = None,
        should_stop: ShouldStop | None = None,
    ) -> list[Restoration]:
        """Restore one image at several fidelities at about the cost of one. InputError if the model has no fidelity."""
        settings, watch = options or RestoreOptions(), Stopwatch()
        with self._lock:
            self.model_for(settings).require_fidelity()
            chosen = self._choose([image], settings, None, None, None, should_stop, watch)
            swept = self.restore_chosen(chosen, settings, fidelities, watch, progress=progress, should_stop=should_stop)
            return [result for (result,) in swept]

    def enlarger(self, name: PathLike, precision: str = "auto", progress: Progress | None = None) -> Enlarger:
        """A background for `restore`, made by an upscaler or cleaner: its file, or the name of one in the folders.

        >>> background = restorer.enlarger("RealESRGAN_x4plus.pth")
        >>> result = restorer.restore(image, RestoreOptions(scale=2), background=background)

        precision: see `NetworkOptions`. progress: called with (tiles done, tiles in all). Raises InputError and
        WeightsError.
        """
        return Enlarger(self.upscaler(name, precision), progress)

    def detect(
        self,
        images: Sequence[Tensor],
        options: RestoreOptions | None = None,
        *,
        boxes: Sequence[Box] | None = None,
        area: Tensor | None = None,
    ) -> list[Detections]:
        """Find and select the faces of images (3, H, W) in [0, 1]; skipped ones come with their reasons."""
        settings = options or RestoreOptions()
        with self._lock:
            chosen = self._choose(images, settings, None, boxes, area, None, Stopwatch())
            return [entry.detections for entry in chosen]

    def find(
        self, images: Sequence[Tensor], options: RestoreOptions, should_stop: ShouldStop | None = None
    ) -> list[ImageFaces]:
        """The first step: all faces of images (3, H, W) in [0, 1]; an aligned image is its own face."""
        with self._lock:
            if options.aligned:
                return aligned_faces(images, self.model_for(options).crop_px)
            return find_faces(images, self.detector(options.detector), options, should_stop=should_stop)

    def without_sharp(self, images: Sequence[ImageFaces], options: RestoreOptions) -> list[ImageFaces]:
        """If only degraded faces are wanted, the images with their faces cut out and sharp ones skipped."""
        if not options.only_degraded:
            return list(images)
        with self._lock:
            return skip_sharp_faces(crop_faces(images, self.model_for(options).crop_px))

    def restore_chosen(
        self,
        chosen: Sequence[ImageFaces],
        options: RestoreOptions,
        fidelities: Sequence[float],
        watch: Stopwatch,
        *,
        cache: KeptFaces | None = None,
        background: Background | None = None,
        progress: Progress | None = None,
        should_stop: ShouldStop | None = None,
    ) -> list[list[Restoration]]:
        """The steps after selection: for each fidelity the results of all images.

        A single fidelity gives way to `auto_fidelity`.
        watch: has the seconds of the stages before, which the results share. cache: see `restore_faces`.
        """
        if options.aligned and background is not None:
            raise InputError("aligned: there is nothing around the face, so a background cannot be given with it")
        with self._lock:
            model = self.model_for(options)
            with watch.stage("align"):
                cropped = crop_faces(chosen, model.crop_px)
            parser = self._parser_for(options, cropped)
            sweep = partial(
                sweep_faces,
                cropped,
                model,
                batch_size=options.batch_size,
                cache=cache,
                progress=progress,
                should_stop=should_stop,
            )
            with watch.stage("restore"):
                if options.auto_fidelity and len(fidelities) == 1:
                    swept = [restore_by_degradation(cropped, model, self.small_detector(), sweep)]
                else:
                    swept = sweep(fidelities)
            with watch.stage("measure"):
                swept = [measure_drift(own, self.small_detector()) for own in swept]
            num_results = max(1, len(chosen) * len(fidelities))
            shared = {stage: seconds / num_results for stage, seconds in watch.seconds.items()}
            settings = [options.replace(fidelity=fidelity) for fidelity in fidelities]
            return [
                [self._finish(entry, own, parser, background, shared, should_stop) for entry in restored]
                for own, restored in zip(settings, swept, strict=True)
            ]

    def _finish(
        self,
        restored: ImageFaces,
        options: RestoreOptions,
        parser: Parser | None,
        background: Background | None,
        shared_s: Mapping[str, float],
        should_stop: ShouldStop | None,
    ) -> Restoration:
        """Masks, colours, blending and the report of one image."""
        watch = Stopwatch()
        watch.seconds = dict(shared_s)
        with watch.stage("mask"):
            (finished,) = finish_faces([restored], options, parser)
        enlarger = background if isinstance(background, Enlarger) else None
        if enlarger is not None:
            with watch.stage("background"):
                finished, background = _enlarged(finished, options.scale, enlarger, should_stop)
        with watch.stage("blend"):
            # A background that nobody else has is written to: it may be large.
            out = [background] if isinstance(background, Tensor) and enlarger and enlarger.kept is None else None
            ((image, mask),) = blend_faces([finished], scale=options.scale, background=background, out=out)
        report = make_report(finished, options, watch.seconds, enlarger.describe() if enlarger else None)
        return Restoration(image, mask, restored_faces(finished), report, found=finished)

    def _parser_for(self, options: BlendOptions, images: Sequence[ImageFaces]) -> Parser | None:
        """The parser for the masks, if any. InputError for a mask that cannot be made, before the network runs."""
        if not any(entry.used and not entry.is_aligned for entry in images):
            return None
        parser = self.parser(fetch=needs_parser(options.mask)) if uses_parser(options.mask) else None
        check_mask(options, parser)
        return parser

    def _choose(
        self,
        images: Sequence[ImageLike],
        settings: RestoreOptions,
        faces: Sequence[Sequence[FaceDetection]] | None,
        boxes: Sequence[Box] | None,
        area: Tensor | None,
        should_stop: ShouldStop | None,
        watch: Stopwatch,
    ) -> list[ImageFaces]:
        tensors = [to_tensor(image) for image in images]
        if settings.aligned:
            if faces is not None or boxes is not None or area is not None:
                raise InputError("aligned: the whole image is the face; faces, boxes and area cannot be given with it")
            with watch.stage("align"):
                return self.without_sharp(self.find(tensors, settings), settings)
        with watch.stage("detect"):
            found = self.find(tensors, settings, should_stop) if faces is None else given_faces(tensors, faces)
            chosen = _select(found, settings, boxes, area)
        with watch.stage("align"):
            return self.without_sharp(chosen, settings)


def _enlarged(
    entry: ImageFaces, scale: float, enlarger: Enlarger, should_stop: ShouldStop | None
) -> tuple[ImageFaces, Tensor]:
    """The image with the notes about its background, and the background."""
    assert entry.image is not None
    background = enlarger(entry.image, output_size(entry.size, scale), should_stop)
    return replace(entry, notes=(*entry.notes, *enlarger.notes(scale))), background


def _select(
    found: Sequence[ImageFaces], settings: RestoreOptions, boxes: Sequence[Box] | None, area: Tensor | None
) -> list[ImageFaces]:
    """The same boxes and area for every image."""
    return select_faces(
        found, settings, boxes=None if boxes is None else [boxes], areas=None if area is None else [area]
    )
