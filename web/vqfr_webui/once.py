"""Never work on a picture twice.

A picture of a generation can reach us three times: as the WebUI's own face restoration, as the Extras operation that
the WebUI can show in txt2img and img2img, and as the always-visible script. The script wins, then face restoration.
Only the script gets the generation (`p`), so it records it here for the other two, even when it is off.

ADetailer ends and begins a generation with a copy of `p` before and after its work on a picture, and generates inside
of it: a copy counts for nothing, and of nested generations the outer one works, on the finished picture.
"""

import weakref
from dataclasses import dataclass, field
from typing import Any

from . import host
from .request import GenerationRequest

Number = tuple[int, int]
"""(batch, index in the batch) of a picture, from 0."""


@dataclass(eq=False)
class Job:
    """One run of the WebUI's image generation."""

    generation: "weakref.ref[Any]"
    """The WebUI's processing object; dead if it went away without notice."""
    started_at: float | None
    """`host.job_started_at` of its job."""
    outer: "Job | None" = None
    """The generation inside of which this one runs."""
    request: GenerationRequest | None = None
    """What the always-visible script should do; None if it is off."""
    was_restored: bool = False
    """The current picture went through the WebUI's face restoration with VQFR."""
    faces: dict[Number, str] = field(default_factory=dict)
    """By picture, what was done with its faces."""
    errors: dict[Number, str] = field(default_factory=dict)
    """By picture, why it could not be restored."""

    @property
    def has_script(self) -> bool:
        """Whether the always-visible script works on its pictures, or on those they become part of."""
        return self.request is not None or (self.outer is not None and self.outer.has_script)


_current: Job | None = None


def begin(p: Any) -> Job | None:
    """A generation starts; None if `p` is a copy of one that is running."""
    global _current
    running = current()
    is_known = running is not None and running is getattr(p, "vqfr_job", None)
    if running is not None and is_known and running.generation() is not p:
        return None
    outer = None if is_known else running
    p.vqfr_job = _current = Job(weakref.ref(p), host.job_started_at(), outer)
    return _current


def end(p: Any) -> None:
    """The generation is over, unless `p` is a copy of it."""
    global _current
    if _current is not None and _current.generation() is p:
        _current = _current.outer


def job_of(p: Any) -> Job | None:
    """The job of a generation; None for a copy of it."""
    job: Job | None = getattr(p, "vqfr_job", None)
    return job if job is not None and job.generation() is p else None


def current() -> Job | None:
    """The running generation, or None. One that was aborted without `end` does not count."""
    job = _current
    if job is None or job.generation() is None or job.started_at != host.job_started_at():
        return None
    return job


def may_restore_natively() -> bool:
    """Whether the WebUI's face restoration should process the picture it was given."""
    job = current()
    return job is None or not job.has_script


def may_run_extras() -> bool:
    """Whether the Extras operation should process the picture it was given."""
    job = current()
    if job is None:
        return True
    was_restored, job.was_restored = job.was_restored, False
    return not job.has_script and not was_restored
