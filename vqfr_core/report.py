"""What was done to an image, as plain data."""

import dataclasses
import json
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .networks.devices import precision_name
from .networks.vqfr import Network
from .options import RestoreOptions
from .types import Detections, FaceDetection


@dataclass(frozen=True)
class FaceReport:
    """One face that was found."""

    number: int | None
    """Its number among the faces that were used, from 0; None when it was left alone."""
    box: tuple[float, ...]
    """(x0, y0, x1, y1) in pixels of the input."""
    landmarks: tuple[tuple[float, float], ...]
    """Five (x, y): left eye, right eye, nose, left and right corner of the mouth."""
    score: float
    """The detector's confidence in [0, 1]."""
    status: str
    """"restored" or "skipped"."""
    reason: str = ""
    """Why it was skipped."""


@dataclass(frozen=True)
class Report:
    """One image."""

    size: tuple[int, int]
    """(height, width) of the input in pixels."""
    faces: list[FaceReport]
    """All faces found: first those restored, by number, then those skipped."""
    model: dict[str, Any]
    """name, generation, file, sha256 and source ("embedded", "file" or "downloaded") of the weights."""
    detector: str
    """Name of the detector, or why none ran."""
    mask: str
    """How faces were cut out: parsing, soft, box or none."""
    device: str
    """E.g. "cpu" or "cuda:0"."""
    precision: str
    """fp32, bf16 or fp16."""
    options: dict[str, Any]
    """Every setting by name."""
    notes: list[str] = field(default_factory=list)
    """What the user should know, e.g. that a setting has no effect with this model."""
    timings_s: dict[str, float] = field(default_factory=dict)
    """Seconds by stage."""

    @property
    def num_restored(self) -> int:
        return sum(face.status == "restored" for face in self.faces)

    def summary(self) -> str:
        """One line for a person."""
        num_found, reasons = len(self.faces), [face.reason for face in self.faces if face.status == "skipped"]
        faces = "face" if num_found == 1 else "faces"
        line = f"{self.num_restored} of {num_found} {faces} restored" if num_found else "no face found"
        left = f" (skipped: {count_reasons(reasons)})" if reasons else ""
        seconds = sum(self.timings_s.values())
        return f"{line}{left}, {self.model['name']} on {self.device} in {self.precision}, {seconds:.1f} s"

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, default=str)


def count_reasons(reasons: Iterable[str]) -> str:
    """Reasons for a person, equal ones counted and without the details in brackets: "2 not selected"."""
    counts = Counter(reason.partition(" (")[0] for reason in reasons)
    return ", ".join(f"{count} {reason}" for reason, count in counts.most_common())


def face_report(detection: FaceDetection, number: int | None, reason: str = "") -> FaceReport:
    """The entry of one face: restored when it has a number, else skipped for the reason given."""
    return FaceReport(
        number=number,
        box=tuple(round(value, 2) for value in detection.box),
        landmarks=tuple((round(p.x, 2), round(p.y, 2)) for p in detection.landmarks),
        score=round(detection.score, 4) if math.isfinite(detection.score) else 0.0,
        status="skipped" if number is None else "restored",
        reason=reason,
    )


def make_report(
    size: tuple[int, int],
    detections: Detections,
    network: Network,
    options: RestoreOptions,
    *,
    detector: str,
    mask: str,
    timings_s: dict[str, float],
) -> Report:
    """The report of one image; for the arguments see `Report`. The network carries a `ModelInfo` as `info`."""
    info, notes = network.info, []
    if not network.has_fidelity:
        notes.append(f"{info.name} is a VQFR v1, which has no fidelity: the setting {options.fidelity} was ignored")
    used = [face_report(face, number) for number, face in enumerate(detections.faces)]
    left = [face_report(skipped.detection, None, skipped.reason) for skipped in detections.skipped]
    return Report(
        size=size,
        faces=used + left,
        model={
            "name": info.name,
            "generation": info.generation,
            "file": info.path.name,
            "sha256": info.sha256,
            "source": info.source,
        },
        detector=detector,
        mask=mask,
        device=str(network.device),
        precision=precision_name(network.dtype),
        options=dataclasses.asdict(options),
        notes=notes,
        timings_s={stage: round(seconds, 4) for stage, seconds in timings_s.items()},
    )


class Stopwatch:
    """Adds up seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
