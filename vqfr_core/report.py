"""What was done to an image, as plain data."""

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .options import RestoreOptions
from .types import Face, ImageFaces

NO_FACE_HINT = "try a lower minimum confidence, tiles for tiny faces, or rotated faces"


@dataclass(frozen=True)
class FaceReport:
    """One face that was found."""

    number: int | None
    """Its rank in sort order among the candidates, from 0; None if it was not a candidate."""
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
    sharpness: float | None = None
    """The part of its crop's resolution that the face fills, in [0, 1]; None if it was not cut out."""
    noise: float | None = None
    """Standard deviation of the crop's fine noise, of 255."""
    fidelity: float | None = None
    """The fidelity it was restored with; None for a map or a model without fidelity."""
    landmark_drift: float | None = None
    """How far its landmarks moved, in parts of the distance between the eyes; None if they were not found again."""
    tone_drift: float | None = None
    """How much its light and shade changed, of 255."""
    warning: str = ""
    """What to look at in the restored face."""


@dataclass(frozen=True)
class Report:
    """One image."""

    size: tuple[int, int]
    """(height, width) of the input in pixels."""
    faces: list[FaceReport]
    """All faces found: first the restored, then the skipped, each by number; those without one come last."""
    model: dict[str, Any]
    """name, kind, generation (of a VQFR), file, sha256, source ("embedded", "file" or "downloaded") of the weights."""
    detector: str
    """Name of the detector, or why none ran."""
    mask: str
    """How faces were cut out: parsing, soft, crop or none."""
    device: str
    """E.g. "cpu" or "cuda:0"."""
    precision: str
    """fp32, bf16 or fp16."""
    options: dict[str, Any]
    """Every setting by name."""
    precision_reason: str = ""
    """Why it was this one."""
    background: dict[str, Any] | None = None
    """The upscaler that made the background: name, kind, scale, file, sha256 and source; None without one."""
    notes: list[str] = field(default_factory=list)
    """Notes for the user, e.g. that a setting has no effect with this model."""
    timings_s: dict[str, float] = field(default_factory=dict)
    """Seconds by stage."""

    @property
    def num_restored(self) -> int:
        return sum(face.status == "restored" for face in self.faces)

    @property
    def has_changes(self) -> bool:
        """Whether a network made part of the picture."""
        return self.num_restored > 0 or self.background is not None

    @property
    def warnings(self) -> list[str]:
        """Those of the faces."""
        return [f"face {face.number}: {face.warning}" for face in self.faces if face.warning]

    def summary(self) -> str:
        """One readable line."""
        reasons = [face.reason for face in self.faces if face.status == "skipped"]
        return f"{count_faces(self.num_restored, reasons)}, {self.made_with}, {sum(self.timings_s.values()):.1f} s"

    @property
    def made_with(self) -> str:
        """Readable text: "vqfr_v2 on cpu in fp32", with the background's upscaler."""
        behind = f", background by {self.background['name']}" if self.background else ""
        return f"{self.model['name']} on {self.device} in {self.precision}{behind}"

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def face_reports(found: ImageFaces, status: str = "restored") -> list[FaceReport]:
    """Every face of an image: first the used ones, with that status, then the skipped ones, each by number."""
    used = [_face_report(face, status) for face in found.used]
    return used + [_face_report(face, "skipped") for face in found.left_out]


def make_report(
    found: ImageFaces,
    options: RestoreOptions,
    timings_s: Mapping[str, float],
    background: dict[str, Any] | None = None,
) -> Report:
    """The report of one image with restored faces. background: see `Report`."""
    model = dict(found.made_by.model)
    device, precision, reason = model.pop("device"), model.pop("precision"), model.pop("precision_reason", "")
    model.pop("fidelity")
    return Report(
        size=found.size,
        faces=face_reports(found),
        model=model,
        detector=found.made_by.detector,
        mask=found.made_by.mask,
        device=device,
        precision=precision,
        precision_reason=reason,
        options=dataclasses.asdict(options),
        background=background,
        notes=list(found.notes),
        timings_s={stage: round(seconds, 4) for stage, seconds in timings_s.items()},
    )


def count_faces(num_used: int, reasons: Iterable[str], what: str = "restored") -> str:
    """Readable text: "1 of 3 faces restored (skipped: 2 not selected)", or "no face found"."""
    left = list(reasons)
    skipped = f" (skipped: {count_reasons(left)})" if left else ""
    return f"{count_used(num_used, num_used + len(left), what)}{skipped}"


def count_used(num_used: int, num_found: int, what: str = "restored") -> str:
    """Readable text: "1 of 3 faces restored", or "no face found"."""
    return f"{num_used} of {_faces(num_found)} {what}" if num_found else count_found(0)


def count_found(num_found: int) -> str:
    """Readable text: "3 faces found", or "no face found"."""
    return f"{_faces(num_found)} found" if num_found else "no face found"


def count_reasons(reasons: Iterable[str]) -> str:
    """Readable reasons, equal ones counted, without the details in brackets: "2 not selected"."""
    counts = Counter(reason.partition(" (")[0] for reason in reasons)
    return ", ".join(f"{count} {reason}" for reason, count in counts.most_common())


def _faces(count: int) -> str:
    return f"{count} face{'s' if count > 1 else ''}"


def _face_report(face: Face, status: str) -> FaceReport:
    found, measures, drift = face.detection, face.measures, face.drift
    return FaceReport(
        number=face.number,
        box=tuple(round(value, 2) for value in found.box),
        landmarks=tuple((round(p.x, 2), round(p.y, 2)) for p in found.landmarks),
        score=round(found.score, 4) if math.isfinite(found.score) else 0.0,
        status=status,
        reason=face.skipped or "",
        sharpness=None if measures is None else round(measures.sharpness, 2),
        noise=None if measures is None else round(measures.noise, 1),
        fidelity=None if face.fidelity is None else round(face.fidelity, 3),
        landmark_drift=None if drift is None or drift.landmarks is None else round(drift.landmarks, 3),
        tone_drift=None if drift is None else round(drift.tones, 1),
        warning=face.warning or "",
    )
