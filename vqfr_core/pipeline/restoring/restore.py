"""Send aligned faces through a restorer, in batches."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...errors import Cancelled, InputError, OutOfMemoryError, RestorationError, is_out_of_memory
from ...networks.base import Fidelity, Kept, Restored, Restorer
from ...networks.devices import free_memory, pick_batch_size
from ...options import NetworkOptions
from ...types import Face, FaceCrop, ImageFaces, all_used, with_all_used
from .cache import KeptFaces

Progress = Callable[[int, int], None]
"""Called with (faces done, faces in all)."""
ShouldStop = Callable[[], bool]
"""Checked before each batch; True ends the work with `Cancelled`."""
Seen = Callable[[Tensor], None]
"""Called with the last face of each batch, (3, S, S) in [0, 1], at the first fidelity."""
Strength = float | Sequence[float] | Tensor
"""A fidelity for all faces, one per face, or a map per face, (N, 1, S, S) in crop pixels; in [0, 1]."""


def restore_faces(
    images: Sequence[ImageFaces],
    restorer: Restorer,
    fidelity: Strength = NetworkOptions.fidelity,
    *,
    batch_size: int = 0,
    cache: KeptFaces | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> list[ImageFaces]:
    """Restore the used faces of all images, `batch_size` at a time.

    Args:
        images: with crops of the restorer's size, see `crop_faces`.
        restorer: the network.
        fidelity: for the used faces of all images in order. A restorer without fidelity ignores it; a note says so
        unless it is the default.
        batch_size: faces at once, 0 for what suits the device. If the device runs out of memory it is halved and the
        batch repeated.
        cache: faces it has are only rendered; the others are added.
        progress: called before the first and after each batch.
        should_stop: checked before each batch.

    Returns:
        The images with restored faces, on the CPU.

    Raises:
        InputError: a fidelity out of range or of the wrong number, or a crop of another size.
        OutOfMemoryError: a single face does not fit.
        RestorationError: the network gives no finite image for a face, even in float32.
        Cancelled: `should_stop` said so.
    """
    (result,) = sweep_faces(
        images, restorer, [fidelity], batch_size=batch_size, cache=cache, progress=progress, should_stop=should_stop
    )
    return result


def sweep_faces(
    images: Sequence[ImageFaces],
    restorer: Restorer,
    fidelities: Sequence[Strength],
    *,
    batch_size: int = 0,
    cache: KeptFaces | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
    seen: Seen | None = None,
) -> list[list[ImageFaces]]:
    """Restore at several fidelities at about the cost of one; gives the images for each fidelity.

    Arguments and errors as for `restore_faces`. seen: for whoever shows the work as it goes.
    """
    faces = all_used(images)
    strengths = _strengths(fidelities, len(faces), restorer)
    run = _Run(
        restorer,
        [_crop(face, restorer) for face in faces],
        strengths,
        batch_size or pick_batch_size(0, restorer.device),
        cache,
    )
    answers = run.all(progress, should_stop, seen)
    return [
        [
            _told(entry, restorer, fidelity)
            for entry in with_all_used(
                images,
                [
                    replace(face, restored=own[index], fidelity=number, drift=None, warning=None)
                    for face, own, number in zip(faces, answers, _numbers(strengths[index], restorer), strict=True)
                ],
            )
        ]
        for index, fidelity in enumerate(fidelities)
    ]


class _Run(NamedTuple):
    """The work on all faces at all fidelities."""

    restorer: Restorer
    crops: list[FaceCrop]
    strengths: list[Tensor]
    """For each fidelity (N,) or (N, 1, S, S)."""
    batch_size: int
    cache: KeptFaces | None

    def all(self, progress: Progress | None, should_stop: ShouldStop | None, seen: Seen | None) -> list[list[Tensor]]:
        """The results for each face, (3, S, S) in [0, 1] on the CPU."""
        done: list[list[Tensor]] = []
        total, size = len(self.crops), self.batch_size
        if progress is not None and total:
            progress(0, total)
        while len(done) < total:
            if should_stop is not None and should_stop():
                raise Cancelled(f"Stopped after {len(done)} of {total} faces")
            rendered = self._rendered(len(done))
            if rendered is not None:
                done.append(rendered)
            else:
                part = self._part(len(done), size)
                answers, size = self._restored(part, size)
                done += answers
            if seen is not None:
                seen(done[-1][0])
            if progress is not None:
                progress(len(done), total)
        return done

    def _part(self, start: int, size: int) -> slice:
        """The next faces that are not in the cache."""
        stop = start + 1
        while stop < min(start + size, len(self.crops)) and self._kept(stop) is None:
            stop += 1
        return slice(start, stop)

    def _kept(self, index: int) -> Kept | None:
        """What the cache has of a face, if it is enough."""
        kept = None if self.cache is None else self.cache.get(self.restorer, self.crops[index])
        is_enough = kept is not None and all(self.restorer.can_render(kept, f) for f in self._fidelities(index))
        return kept if is_enough else None

    def _fidelities(self, index: int) -> list[Fidelity]:
        """Those of one face."""
        return [_uniform(strength[index : index + 1]) for strength in self.strengths]

    def _rendered(self, index: int) -> list[Tensor] | None:
        """The results from the cache for a face; None if it has nothing usable."""
        kept = self._kept(index)
        if kept is None:
            return None
        with torch.inference_mode():
            answers = [self.restorer.render(kept, fidelity).cpu() for fidelity in self._fidelities(index)]
        return [answer.clamp(0, 1) for answer in answers] if all(a.isfinite().all() for a in answers) else None

    def _restored(self, part: slice, size: int) -> tuple[list[list[Tensor]], int]:
        """The results for some faces, fewer if memory was short, and how many to take from now on."""
        while True:
            try:
                return self._ask(part, keep=self.cache is not None), size
            except RuntimeError as error:
                self._raise_unless_less_may_do(part, error)
            # Only here, with the error gone, nothing holds the memory of the failed attempt.
            free_memory(self.restorer.device)
            if part.stop - part.start == 1:
                return self._replace(cache=None)._restored(part, 1)[0], size
            size = (part.stop - part.start) // 2
            part = slice(part.start, part.start + size)

    def _raise_unless_less_may_do(self, part: slice, error: RuntimeError) -> None:
        """Continue if memory was short and there are several faces, or one whose kept work may have been too much."""
        if not is_out_of_memory(error):
            raise RestorationError(f"the network failed on face {part.start} to {part.stop - 1}: {error}") from error
        if part.stop - part.start == 1 and self.cache is None:
            raise OutOfMemoryError(
                f"not enough memory on {self.restorer.device} for a single face. Close other programs or unload other "
                "models, choose fp16 or bf16 precision, or use the CPU (device cpu)."
            ) from error

    def _ask(self, part: slice, keep: bool) -> list[list[Tensor]]:
        restorer, crops = self.restorer, self.crops[part]
        x = torch.stack([crop.image for crop in crops]).to(restorer.device)
        with torch.inference_mode():
            if restorer.auto is not None:
                restorer.auto.settle(restorer, x[:1], self._fidelities(part.start))
            restored = restorer.restore(x, [_uniform(strength[part]) for strength in self.strengths], keep)
            columns = self._checked(restored, x, part)
        for crop, kept in zip(crops, restored.kept or [], strict=False):
            if self.cache is not None:
                self.cache.put(restorer, crop, kept)
        return [[column[i] for column in columns] for i in range(len(crops))]

    def _checked(self, restored: Restored, x: Tensor, part: slice) -> list[Tensor]:
        """The results on the CPU, in [0, 1]; non-finite faces are redone in float32."""
        columns = [answer.float().cpu() for answer in restored.answers]
        bad = [i for i in range(len(x)) if not all(column[i].isfinite().all() for column in columns)]
        if bad and self.restorer.precision != "fp32":
            exact = self.restorer.in_float32()
            for i in bad:
                face = slice(part.start + i, part.start + i + 1)
                again = exact.restore(x[i : i + 1], [_uniform(strength[face]) for strength in self.strengths])
                for column, answer in zip(columns, again.answers, strict=True):
                    column[i] = answer[0].float().cpu()
            bad = [i for i in bad if not all(column[i].isfinite().all() for column in columns)]
        if bad:
            raise RestorationError(
                f"the network gave no usable image for face {part.start + bad[0]}, even in float32. "
                "Are the weights damaged? `python -m vqfr_core models verify` checks them."
            )
        return [column.clamp(0, 1) for column in columns]


def _strengths(fidelities: Sequence[Strength], num_faces: int, restorer: Restorer) -> list[Tensor]:
    strengths = [_strength_by_face(fidelity, num_faces) for fidelity in fidelities]
    if restorer.fidelity == "number" and any(strength.ndim > 1 for strength in strengths):
        raise InputError(f"{restorer.full_name} takes one fidelity per face, not a map")
    return strengths


def _crop(face: Face, restorer: Restorer) -> FaceCrop:
    if face.crop is None or face.crop.image.shape != (3, restorer.crop_px, restorer.crop_px):
        got = "none" if face.crop is None else tuple(face.crop.image.shape)
        raise InputError(f"{restorer.name} needs crops (3, {restorer.crop_px}, {restorer.crop_px}), got {got}")
    return face.crop


def _strength_by_face(fidelity: Strength, num_faces: int) -> Tensor:
    """(N,) or (N, 1, S, S) float32 on the CPU, checked."""
    values = torch.as_tensor(fidelity, dtype=torch.float32).cpu()
    if not values.isfinite().all() or (values.numel() and (values.min() < 0 or values.max() > 1)):
        raise InputError("fidelity must be from 0 to 1: 0 is the texture alone, 1 closest to the input")
    if values.ndim == 0:
        values = values.expand(num_faces)
    if values.shape[0] != num_faces:
        raise InputError(f"{values.shape[0]} fidelities were given for {num_faces} faces; give one, or one for each")
    return values


def _numbers(strength: Tensor, restorer: Restorer) -> list[float | None]:
    """Each face's fidelity, where it is one number and has an effect."""
    if strength.ndim > 1 or not restorer.has_fidelity:
        return [None] * len(strength)
    return [round(value, 6) for value in strength.tolist()]


def _uniform(strength: Tensor) -> Fidelity:
    """A plain number if all faces share it, which lets the network skip what fidelity 0 does not need."""
    values = strength.unique()
    return float(values) if values.numel() == 1 else strength


def _told(entry: ImageFaces, restorer: Restorer, fidelity: Strength) -> ImageFaces:
    """With the restorer and its notes, instead of an earlier one's."""
    notes = tuple(_notes(restorer, fidelity))
    made_by = replace(entry.made_by, model=_describe(restorer, fidelity), model_notes=notes)
    others = (note for note in entry.notes if note not in entry.made_by.model_notes)
    return replace(entry, made_by=made_by, notes=(*others, *notes))


def _notes(restorer: Restorer, fidelity: Strength) -> list[str]:
    """Nobody who left the fidelity alone needs to hear that it has no effect."""
    is_left_alone = isinstance(fidelity, int | float) and fidelity == NetworkOptions.fidelity
    notes = [None if is_left_alone else restorer.fidelity_note(), restorer.precision_note()]
    return [note for note in notes if note is not None]


def _describe(restorer: Restorer, fidelity: Strength) -> dict[str, Any]:
    shown: Any = "a map" if isinstance(fidelity, Tensor) else fidelity
    return {
        **restorer.describe(),
        "device": str(restorer.device),
        "precision": restorer.precision,
        "precision_reason": restorer.precision_reason,
        "fidelity": shown if restorer.has_fidelity else None,
    }
