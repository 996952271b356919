"""One image restored again and again while somebody tries settings: only what a change touches is done anew."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from .errors import Cancelled
from .finish import Restoration, finish_image
from .networks.vqfr import Network
from .options import RestoreOptions, option_specs
from .pipeline.align import align_face, aligned_crop
from .pipeline.finding.find import choose_faces, find_faces
from .pipeline.finding.select import sort_faces
from .pipeline.restoring.cache import KeptFace, develop_face, keep_face
from .pipeline.restoring.restore import Progress, ShouldStop
from .report import Stopwatch
from .restorer import FaceRestorer
from .types import Detections, FaceCrop, FaceDetection, RestoredFace

_DEFAULT_BYTES = 1 << 30


class _Key(NamedTuple):
    """Which network made something of which face."""

    sha256: str
    precision: str
    face: FaceDetection


class Rework:
    """The image, what was found in it, and what the network made of its faces.

    The results equal those of `FaceRestorer.restore` with the same settings. Not for several threads at once.
    """

    def __init__(self, image: Tensor, max_bytes: int = _DEFAULT_BYTES) -> None:
        """image: (3, H, W), RGB in [0, 1]. max_bytes: for what is kept of its faces; the first ones go first."""
        self.image = image
        self._max_bytes = max_bytes
        self._found_with: tuple[object, ...] | None = None
        self._found = Detections([], [])
        self._kept: OrderedDict[_Key, KeptFace] = OrderedDict()

    @property
    def num_bytes(self) -> int:
        """Of the image and of what is kept."""
        image = self.image.numel() * self.image.element_size()
        return image + sum(kept.num_bytes for kept in self._kept.values())

    def forget(self) -> None:
        """Drop what is kept of the faces; it is made again when it is needed."""
        self._kept.clear()

    def detect(
        self, restorer: FaceRestorer, options: RestoreOptions, should_stop: ShouldStop | None = None
    ) -> Detections:
        """The faces chosen and those left alone. The detector runs only when its settings have changed."""
        if options.aligned:
            return Detections([aligned_crop(self.image).detection], [])
        return choose_faces(self.image, self._all_faces(restorer, options, should_stop), options)

    def numbers(self, restorer: FaceRestorer, options: RestoreOptions) -> list[FaceDetection]:
        """The faces by the numbers that `select` knows them by, chosen or not."""
        if options.aligned:
            return self.detect(restorer, options).faces
        size = (self.image.shape[1], self.image.shape[2])
        return sort_faces(self._all_faces(restorer, options).faces, size, options.sort)

    def is_kept(self, restorer: FaceRestorer, options: RestoreOptions) -> bool:
        """Whether `restore` would not need the whole network."""
        network = restorer.network_for(options)
        return all(_key(face, network) in self._kept for face in self.detect(restorer, options).faces)

    def restore(
        self,
        restorer: FaceRestorer,
        options: RestoreOptions,
        *,
        progress: Progress | None = None,
        should_stop: ShouldStop | None = None,
    ) -> Restoration:
        """The finished image; arguments and errors as for `FaceRestorer.restore`."""
        return self.sweep(restorer, [options.fidelity], options, progress=progress, should_stop=should_stop)[0]

    def sweep(
        self,
        restorer: FaceRestorer,
        fidelities: Sequence[float],
        options: RestoreOptions,
        *,
        progress: Progress | None = None,
        should_stop: ShouldStop | None = None,
    ) -> list[Restoration]:
        """The finished image at several fidelities. A v1 model gives the same for all: it has no fidelity."""
        watch = Stopwatch()
        with watch.stage("detect"):
            detections = self.detect(restorer, options, should_stop)
        network = restorer.network_for(options)
        rows: list[list[RestoredFace]] = []
        with watch.stage("restore"):
            for done, face in enumerate(detections.faces):
                _report_progress(done, len(detections.faces), progress, should_stop)
                kept = self._keep(face, network, options)
                rows.append([develop_face(kept, network, fidelity) for fidelity in fidelities])
        _report_progress(len(rows), len(rows), progress, None)
        return [
            finish_image(
                self.image,
                detections,
                [row[index] for row in rows],
                restorer.networks,
                network,
                options.replace(fidelity=fidelity),
                timings_s={stage: seconds / len(fidelities) for stage, seconds in watch.seconds.items()},
            )
            for index, fidelity in enumerate(fidelities)
        ]

    def _all_faces(
        self, restorer: FaceRestorer, options: RestoreOptions, should_stop: ShouldStop | None = None
    ) -> Detections:
        asked = tuple(getattr(options, spec.name) for spec in option_specs() if spec.group == "detect")
        if asked != self._found_with:
            everything = options.replace(select="all", max_faces=0)
            detector = restorer.networks.detector(options.detector)
            (self._found,) = find_faces([self.image], detector, everything, should_stop=should_stop)
            self._found_with = asked
        return self._found

    def _keep(self, face: FaceDetection, network: Network, options: RestoreOptions) -> KeptFace:
        key = _key(face, network)
        if key not in self._kept:
            made = keep_face(self._crop(face, options), network)
            while self._kept and self.num_bytes + made.num_bytes > self._max_bytes:
                self._kept.popitem(last=False)
            self._kept[key] = made
        return self._kept[key]

    def _crop(self, face: FaceDetection, options: RestoreOptions) -> FaceCrop:
        return aligned_crop(self.image) if options.aligned else align_face(self.image, face)


def _key(face: FaceDetection, network: Network) -> _Key:
    return _Key(network.info.sha256, str(network.dtype), face)


def _report_progress(done: int, total: int, progress: Progress | None, should_stop: ShouldStop | None) -> None:
    if should_stop is not None and should_stop():
        raise Cancelled(f"stopped by the user after {done} of {total} faces")
    if progress is not None:
        progress(done, total)
