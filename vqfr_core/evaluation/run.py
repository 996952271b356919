"""The evaluation itself: every contestant restores every face at every level, and every result is measured."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from torch import Tensor

from ..networks.base import Detector
from .contestants import Contestant, Row
from .distribution import frechet_distance, kernel_distance
from .faces import Case, Face, load_face, read_face
from .features import Describe
from .metrics import Metric

Progress = Callable[[int, int], None]
"""Called with (results measured, results in all)."""


@dataclass(frozen=True)
class Plan:
    """What to evaluate."""

    cases: Sequence[Case]
    levels: Sequence[str]
    contestants: Sequence[Contestant]
    metrics: Sequence[Metric]
    seed: int = 0
    align: Detector | None = None
    batch_size: int = 1
    num_shown: int = 6
    """How many faces of each level are kept for the sheet."""
    describe: Describe | None = None
    """Features for FID and KID."""
    reference: Sequence[Path] = ()
    """Pictures FID and KID compare with."""


@dataclass(frozen=True)
class Measurement:
    """One answer."""

    level: str
    row: Row
    picture: str
    values: dict[str, float | None]
    """By metric; None if the metric has no number for this picture, e.g. because no face was found."""


@dataclass
class Outcome:
    """Everything measured."""

    measurements: list[Measurement] = field(default_factory=list)
    distances: dict[tuple[str, Row], dict[str, float]] = field(default_factory=dict)
    """FID and KID by level and row."""
    shown: dict[tuple[str, str], dict[str, Tensor]] = field(default_factory=dict)
    """By level and picture: images by column name."""


def evaluate(plan: Plan, progress: Progress | None = None) -> Outcome:
    """Measure everything. Raises what reading, restoring and measuring raise."""
    outcome = Outcome()
    reference = None
    if plan.describe is not None:
        reference = np.stack([plan.describe(read_face(path)) for path in plan.reference])
    described: dict[tuple[str, Row], list[np.ndarray]] = defaultdict(list)
    total = len(plan.cases) * len(plan.levels) * sum(len(contestant.rows) for contestant in plan.contestants)
    for level, row, face, image in _answers(plan):
        if progress is not None:
            progress(len(outcome.measurements), total)
        outcome.measurements.append(
            Measurement(level, row, face.case.name, measure(plan.metrics, image, face.original))
        )
        if plan.describe is not None:
            described[level, row].append(plan.describe(image))
        _show(outcome, plan, level, row, face, image)
    if reference is not None:
        outcome.distances = {key: _distances(np.stack(own), reference) for key, own in described.items()}
    return outcome


def measure(metrics: Sequence[Metric], image: Tensor, original: Tensor | None) -> dict[str, float | None]:
    """Every metric of one image. Without an original, only metrics that need none are allowed."""
    return {m.kind.name: m.measure(image, image if original is None else original) for m in metrics}


def _answers(plan: Plan) -> Iterator[tuple[str, Row, Face, Tensor]]:
    for contestant in plan.contestants:
        for level in plan.levels:
            for start in range(0, len(plan.cases), plan.batch_size):
                batch = plan.cases[start : start + plan.batch_size]
                faces = [load_face(case, start + i, level, plan.seed, plan.align) for i, case in enumerate(batch)]
                for row, images in zip(contestant.rows, contestant.answers(faces), strict=True):
                    for face, image in zip(faces, images, strict=True):
                        yield level, row, face, image


def _distances(features: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    return {"fid": frechet_distance(features, reference), "kid": kernel_distance(features, reference)}


def _show(outcome: Outcome, plan: Plan, level: str, row: Row, face: Face, image: Tensor) -> None:
    if face.case not in plan.cases[: plan.num_shown]:
        return
    columns = outcome.shown.setdefault((level, face.case.name), {})
    columns[row.label] = image
    if face.original is not None:
        columns.pop("original", None)
        columns["original"] = face.original  # the last column
