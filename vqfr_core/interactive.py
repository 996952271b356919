"""Restore one image repeatedly while the user tries settings: only what a change affects is redone."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from torch import Tensor

from .networks.upscalers import Upscaler
from .options import FindOptions, RestoreOptions, option_specs
from .pipeline import KeptFaces, crop_faces, select_faces
from .pipeline.blending.background import output_size
from .pipeline.enlarging.enlarger import Enlarger
from .pipeline.restoring.restore import Progress, ShouldStop
from .restoration import Restoration
from .restorer import FaceRestorer
from .timing import Stopwatch
from .types import ImageFaces

_DEFAULT_BYTES = 1 << 30


class Compared(NamedTuple):
    """A column of a comparison."""

    label: str
    """The model and, if it has one, the fidelity."""
    result: Restoration


class InteractiveImage:
    """An image, the faces found in it, and the network's results for them.

    The results equal those of `FaceRestorer.restore` with the same settings. Not thread-safe.
    """

    def __init__(self, image: Tensor, max_bytes: int = _DEFAULT_BYTES) -> None:
        """image: (3, H, W), RGB in [0, 1]. max_bytes: limit for cached faces; the oldest go first, 0 keeps none."""
        self.image = image
        self._cache = KeptFaces(max_bytes)
        self._keeps = max_bytes > 0
        self._found: dict[tuple[object, ...], ImageFaces] = {}
        self._backgrounds: dict[tuple[int, int], Tensor] = {}
        self._enlarged_by: Upscaler | None = None

    @property
    def num_bytes(self) -> int:
        """Of the image and the cache."""
        images = (self.image, *self._backgrounds.values())
        return sum(image.numel() * image.element_size() for image in images) + self._cache.num_bytes

    def forget(self) -> None:
        """Drop the cached faces; they are computed again when needed."""
        self._cache.clear()
        self._found.clear()
        self._backgrounds.clear()

    def detect(
        self, restorer: FaceRestorer, options: RestoreOptions, should_stop: ShouldStop | None = None
    ) -> ImageFaces:
        """All faces, chosen and skipped. The detector runs only if its settings have changed."""
        found = self._found_with(restorer, options, should_stop)
        chosen = found if found.is_aligned else select_faces([found], options)[0]
        if options.only_degraded:
            chosen = self._crop(chosen, restorer, options)
        return restorer.without_sharp([chosen], options)[0]

    def is_kept(self, restorer: FaceRestorer, options: RestoreOptions, background: Enlarger | None = None) -> bool:
        """Whether `restore` can do without the whole networks."""
        if background is not None and not self._has_background(background, options):
            return False
        model = restorer.model_for(options)
        crops = [face.crop for face in self.detect(restorer, options).used]
        kept = [None if crop is None else self._cache.get(model, crop) for crop in crops]
        fidelities = (model.most_realistic_at, model.settles_at) if options.auto_fidelity else (options.fidelity,)
        return all(part is not None and all(model.can_render(part, own) for own in fidelities) for part in kept)

    def restore(
        self,
        restorer: FaceRestorer,
        options: RestoreOptions,
        *,
        background: Enlarger | None = None,
        progress: Progress | None = None,
        should_stop: ShouldStop | None = None,
    ) -> Restoration:
        """Restore the image; arguments and errors as for `FaceRestorer.restore`."""
        (result,) = self.sweep(
            restorer,
            [options.fidelity],
            options,
            background=background,
            progress=progress,
            should_stop=should_stop,
        )
        return result

    def sweep(
        self,
        restorer: FaceRestorer,
        fidelities: Sequence[float],
        options: RestoreOptions,
        *,
        background: Enlarger | None = None,
        progress: Progress | None = None,
        should_stop: ShouldStop | None = None,
    ) -> list[Restoration]:
        """Restore the image at several fidelities. A model without fidelity gives the same for all."""
        watch = Stopwatch()
        with watch.stage("detect"):
            chosen = self.detect(restorer, options, should_stop)
        with watch.stage("align"):
            cropped = self._crop(chosen, restorer, options)
        cache = self._cache if self._keeps else None
        swept = restorer.restore_chosen(
            [cropped],
            options,
            fidelities,
            watch,
            cache=cache,
            background=self._keeping(background),
            progress=progress,
            should_stop=should_stop,
        )
        return [result for (result,) in swept]

    def _keeping(self, background: Enlarger | None) -> Enlarger | None:
        """The same, its latest result kept here."""
        if background is None or not self._keeps:
            return background
        if background.upscaler is not self._enlarged_by:
            self._backgrounds.clear()
            self._enlarged_by = background.upscaler
        return replace(background, kept=self._backgrounds)

    def _has_background(self, background: Enlarger, options: RestoreOptions) -> bool:
        size = output_size((self.image.shape[1], self.image.shape[2]), options.scale)
        return background.upscaler is self._enlarged_by and size in self._backgrounds

    def _found_with(
        self, restorer: FaceRestorer, options: RestoreOptions, should_stop: ShouldStop | None
    ) -> ImageFaces:
        key = _key(restorer, options)
        if key not in self._found:
            self._found.clear()
            (self._found[key],) = restorer.find([self.image], options, should_stop)
        return self._found[key]

    def _crop(self, chosen: ImageFaces, restorer: FaceRestorer, options: RestoreOptions) -> ImageFaces:
        """Cut out faces that have no crop yet, and remember the crops: they are the cache's keys."""
        (cropped,) = crop_faces([chosen], restorer.model_for(options).crop_px)
        key = _key(restorer, options)
        found = self._found[key]
        faces = [
            replace(face, crop=other.crop, measures=other.measures)
            for face, other in zip(found.faces, cropped.faces, strict=True)
        ]
        self._found[key] = replace(found, faces=tuple(faces))
        return cropped


def compare(
    image: InteractiveImage,
    openers: Sequence[Callable[[], FaceRestorer]],
    fidelities: Sequence[float],
    options: RestoreOptions,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> list[Compared]:
    """Restore an image by several restorers, each at several fidelities, or once if it has none.

    openers: give the restorers, each when its turn comes; the first one finds the faces for all. Other arguments and
    errors as for `FaceRestorer.restore`.
    """
    columns: list[Compared] = []
    for index, opener in enumerate(openers):
        restorer = opener()
        model = restorer.model_for(options)
        own = fidelities if model.has_fidelity else [options.fidelity]
        told = _share_of(progress, index, len(openers))
        results = image.sweep(restorer, own, options, progress=told, should_stop=should_stop)
        columns += [Compared(model.label(fidelity), result) for fidelity, result in zip(own, results, strict=True)]
    return columns


def _share_of(progress: Progress | None, index: int, count: int) -> Progress | None:
    """Counts each face once for each restorer."""
    return progress and (lambda done, total: progress(index * total + done, count * total))


def _key(restorer: FaceRestorer, options: RestoreOptions) -> tuple[object, ...]:
    """What determines which faces are found."""
    if options.aligned:
        return ("aligned", restorer.model_for(options).crop_px)
    return tuple(getattr(options, spec.name) for spec in option_specs(FindOptions))
