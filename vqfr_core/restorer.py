"""The whole way: image in, image out. Each step is a function of its own in `pipeline`, which hosts may call alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .errors import InputError
from .finish import Restoration, finish_image
from .loaded import Networks
from .networks.devices import pick_batch_size
from .networks.vqfr import Network
from .options import RestoreOptions
from .pictures import to_tensor
from .pipeline.align import align_face, aligned_crop
from .pipeline.blending.paste import Background
from .pipeline.finding.find import choose_faces, find_faces
from .pipeline.restoring.restore import Progress, ShouldStop, restore_faces, sweep_faces
from .report import Stopwatch
from .types import Box, Detections, FaceCrop, FaceDetection, RestoredFace
from .weights.folders import PathLike
from .weights.transfer import Progress as DownloadProgress

ImageLike = Image.Image | np.ndarray | Tensor
"""What `to_tensor` takes."""


@dataclass(frozen=True, eq=False)
class _Job:
    """One image on its way."""

    image: Tensor
    detections: Detections
    crops: list[FaceCrop]


class FaceRestorer:
    """Networks, loaded once, and the steps that use them.

    >>> restorer = FaceRestorer()
    >>> result = restorer.restore(image, RestoreOptions(fidelity=0.3))
    >>> result.image, result.report.summary()
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
    ) -> None:
        """Load the restoration network; the others are loaded when first needed.

        Args:
            model: "auto" (the best one present, else the embedded small model), a known name, or a file.
            device: None takes the best one.
            precision: what `RestoreOptions.precision` "auto" means here: auto, fp32, bf16 or fp16.
            folder, search: where weights are, see `load_model`.
            download: whether missing weights that were asked for by name may be downloaded.
            download_progress: called with (bytes done, total bytes or None).

        Raises:
            InputError, WeightsError, DownloadError: see `load_model`.
        """
        self.networks = Networks(
            model, device=device, folder=folder, search=search, download=download, progress=download_progress
        )
        self._precision = precision
        self.networks.restorer(precision)

    @property
    def network(self) -> Network:
        """The restoration network, in the precision given at first."""
        return self.networks.restorer(self._precision)

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
            faces: for each image the faces to use, in place of detection.
            boxes: only faces in one of these boxes are used.
            area: (H, W) mask; only faces inside it are used.
            background: image of the output's size, or function (image, (height, width)), for a scale above 1.
            progress: called with (faces done, faces in all).
            should_stop: asked between pieces of detection and between batches of faces; True raises `Cancelled`.

        Returns:
            One result for each image, in order. An image without faces comes back as it was, and its report says so.

        Raises:
            InputError, OutOfMemoryError, RestorationError, Cancelled: see the steps.
        """
        settings = options or RestoreOptions()
        tensors = [to_tensor(image) for image in images]
        watch = Stopwatch()
        jobs = self._prepare(tensors, settings, faces, boxes, area, should_stop, watch)
        with watch.stage("restore"):
            restored = restore_faces(
                [crop for job in jobs for crop in job.crops],
                self.network_for(settings),
                fidelity=settings.fidelity,
                batch_size=self._batch_size(settings),
                progress=progress,
                should_stop=should_stop,
            )
        shared, results, start = dict(watch.seconds), [], 0
        for job in jobs:
            own = restored[start : start + len(job.crops)]
            start += len(own)
            results.append(self._finish(job, own, settings, background, shared, len(jobs)))
        return results

    def sweep(
        self,
        image: ImageLike,
        fidelities: Sequence[float],
        options: RestoreOptions | None = None,
        *,
        progress: Progress | None = None,
        should_stop: ShouldStop | None = None,
    ) -> list[Restoration]:
        """One image at several fidelities for about the price of one. InputError when the model is a v1."""
        settings = options or RestoreOptions()
        watch = Stopwatch()
        (job,) = self._prepare([to_tensor(image)], settings, None, None, None, should_stop, watch)
        with watch.stage("restore"):
            restored = sweep_faces(
                job.crops,
                self.network_for(settings),
                fidelities,
                batch_size=self._batch_size(settings),
                progress=progress,
                should_stop=should_stop,
            )
        return [
            self._finish(job, faces, settings.replace(fidelity=fidelity), None, watch.seconds, len(fidelities))
            for fidelity, faces in zip(fidelities, restored, strict=True)
        ]

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
        return find_faces(images, self.networks.detector(settings.detector), settings, boxes=boxes, area=area)

    def network_for(self, options: RestoreOptions) -> Network:
        """The restoration network in the precision of the options."""
        return self.networks.restorer(self._precision if options.precision == "auto" else options.precision)

    def _batch_size(self, settings: RestoreOptions) -> int:
        return pick_batch_size(settings.batch_size, self.networks.device)

    def _prepare(
        self,
        images: list[Tensor],
        settings: RestoreOptions,
        faces: Sequence[Sequence[FaceDetection]] | None,
        boxes: Sequence[Box] | None,
        area: Tensor | None,
        should_stop: ShouldStop | None,
        watch: Stopwatch,
    ) -> list[_Job]:
        if settings.aligned:
            with watch.stage("align"):
                crops = [aligned_crop(image) for image in images]
            return [_Job(i, Detections([c.detection], []), [c]) for i, c in zip(images, crops, strict=True)]
        with watch.stage("detect"):
            if faces is None:
                detector = self.networks.detector(settings.detector)
                found = find_faces(images, detector, settings, boxes=boxes, area=area, should_stop=should_stop)
            else:
                found = _choose_among(faces, images, settings, boxes, area)
        with watch.stage("align"):
            return [
                _Job(image, detections, [align_face(image, face) for face in detections.faces])
                for image, detections in zip(images, found, strict=True)
            ]

    def _finish(
        self,
        job: _Job,
        faces: list[RestoredFace],
        settings: RestoreOptions,
        background: Background | None,
        shared_seconds: dict[str, float],
        num_sharing: int,
    ) -> Restoration:
        seconds = {stage: seconds / num_sharing for stage, seconds in shared_seconds.items()}
        return finish_image(
            job.image,
            job.detections,
            faces,
            self.networks,
            self.network_for(settings),
            settings,
            background=background,
            timings_s=seconds,
        )


def _choose_among(
    faces: Sequence[Sequence[FaceDetection]],
    images: Sequence[Tensor],
    settings: RestoreOptions,
    boxes: Sequence[Box] | None,
    area: Tensor | None,
) -> list[Detections]:
    if len(faces) != len(images):
        raise InputError(f"faces were given for {len(faces)} images, but there are {len(images)}")
    return [
        choose_faces(image, Detections(list(given), []), settings, boxes, area)
        for image, given in zip(images, faces, strict=True)
    ]
