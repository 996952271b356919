"""Never work on a picture twice.

A picture of a generation can reach us three times: as the WebUI's own face restoration, as the Extras operation that
the WebUI can show in txt2img and img2img, and as the always-visible script. The script wins, then face restoration.
Only the script gets the generation (`p`), so it records it here for the other two, even when it is off.
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
    request: GenerationRequest | None = None
    """What the always-visible script should do; None if it is off."""
    was_restored: bool = False
    """The current picture went through the WebUI's face restoration with VQFR."""
    faces: dict[Number, str] = field(default_factory=dict)
    """By picture, what was done with its faces."""
    errors: dict[Number, str] = field(default_factory=dict)
    """By picture, why it could not be restored."""


_current: Job | None = None


def begin(p: Any) -> Job:
    """A generation starts."""
    global _current
    p.vqfr_job = _current = Job(weakref.ref(p), host.job_started_at())
    return _current


def end() -> None:
    """The generation is over."""
    global _current
    _current = None


def current() -> Job | None:
    """The running generation, or None. One that was aborted without `end` does not count."""
    job = _current
    if job is None or job.generation() is None or job.started_at != host.job_started_at():
        return None
    return job


def may_restore_natively() -> bool:
    """Whether the WebUI's face restoration should process the picture it was given."""
    job = current()
    return job is None or job.request is None


def may_run_extras() -> bool:
    """Whether the Extras operation should process the picture it was given."""
    job = current()
    if job is None:
        return True
    was_restored, job.was_restored = job.was_restored, False
    return job.request is None and not was_restored
