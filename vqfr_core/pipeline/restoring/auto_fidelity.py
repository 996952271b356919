"""Choose the fidelity of each face: as realistic as its likeness allows.

The more degraded a face is, the less of its input is worth following, so it starts nearer to the network's most
realistic fidelity. If the result has drifted too far from the input, a higher fidelity is taken.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ...networks.base import Detector, Restorer
from ...networks.fidelity import AUTO_FIDELITY
from ...types import Face, ImageFaces, all_used, with_all_used
from .drift import drifts, has_drifted, with_drift
from .restore import Strength

_FAITHFUL_SHARPNESS = 0.3
"""From this sharpness on the input is followed as closely as the network can."""
_STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)

Sweep = Callable[[Sequence[Strength]], list[list[ImageFaces]]]
"""`sweep_faces` with everything but the fidelities."""


def restore_by_degradation(
    images: Sequence[ImageFaces], restorer: Restorer, detector: Detector, sweep: Sweep
) -> list[ImageFaces]:
    """Restore the used faces of all images, each at a fidelity of its own, and fill in their drift.

    Where each fidelity costs a whole pass, the first choice stands. A restorer without fidelity ignores all this, and a
    note says so.

    Args:
        images: with crops of the restorer's size.
        restorer: the network.
        detector: measures the drift.
        sweep: restores these images by this restorer.
    """
    first = [first_fidelity(face, restorer) for face in all_used(images)]
    swept = sweep([[low + step * (restorer.settles_at - low) for low in first] for step in steps_of(restorer)])
    chosen = [_least_drifted(same, detector) for same in zip(*map(all_used, swept), strict=True)]
    return [_told(entry, restorer) for entry in with_all_used(swept[0], chosen)]


def steps_of(restorer: Restorer) -> Sequence[float]:
    """The parts of the way from a first fidelity to the highest that are tried."""
    return _STEPS if restorer.sweeps_fast and restorer.most_realistic_at < restorer.settles_at else _STEPS[:1]


def first_fidelity(face: Face, restorer: Restorer) -> float:
    """From the sharpness of the crop alone; the highest if that was not measured."""
    sharpness = _FAITHFUL_SHARPNESS if face.measures is None else face.measures.sharpness
    low, high = restorer.most_realistic_at, restorer.settles_at
    return low + min(1.0, sharpness / _FAITHFUL_SHARPNESS) * (high - low)


def _least_drifted(ways: Sequence[Face], detector: Detector) -> Face:
    """The first that has not drifted too far, else the last, which follows the input most closely."""
    crop, results = ways[0].crop, [face.restored for face in ways if face.restored is not None]
    assert crop is not None  # it has been restored
    pairs = list(zip(ways, drifts(crop.image, results, detector), strict=True))
    return with_drift(*next((pair for pair in pairs if not has_drifted(pair[1])), pairs[-1]))


def _told(entry: ImageFaces, restorer: Restorer) -> ImageFaces:
    made_by = replace(
        entry.made_by, model={**entry.made_by.model, "fidelity": AUTO_FIDELITY if restorer.has_fidelity else None}
    )
    if not restorer.has_fidelity or restorer.most_realistic_at < restorer.settles_at:
        return replace(entry, made_by=made_by)
    note = f"{restorer.full_name} looks best at fidelity {restorer.settles_at:g}, so every face has that"
    made_by = replace(made_by, model_notes=(*made_by.model_notes, note))
    return replace(entry, made_by=made_by, notes=(*entry.notes, note))
