"""Download a known weight file completely and verify it."""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

from ..errors import DownloadError, VqfrError
from .catalog import WeightRecord
from .hashes import check_file, hash_problem, remember_sha256, sha256_of
from .read import TORCH_SUFFIXES, check_sums
from .transfer import (
    BrokenTransferError,
    Progress,
    RefusedTransferError,
    UnreachableError,
    fetch,
    remove_part,
    without_secrets,
)

OFFLINE_VARIABLE = "VQFR_OFFLINE"
MIRROR_VARIABLE = "VQFR_MIRROR"

Validate = Callable[[Path], None]
"""Checks a finished file and raises a VqfrError if it is not what it should be."""

_ENOUGH = 1 << 16
"""Bytes that make an attempt worth another one; a server that sends a byte each time would never end."""

_log = logging.getLogger(__name__)


def is_offline() -> bool:
    """Whether $VQFR_OFFLINE forbids downloads."""
    return os.environ.get(OFFLINE_VARIABLE, "").strip().lower() in ("1", "true", "yes", "on")


def download_urls(record: WeightRecord) -> list[str]:
    """URLs in the order they are tried: bases of $VQFR_MIRROR (separated by spaces or commas), then the record's."""
    bases = os.environ.get(MIRROR_VARIABLE, "").replace(",", " ").split()
    mirrors = [f"{base.rstrip('/')}/{quote(record.file_name)}" for base in bases] if record.urls else []
    return list(dict.fromkeys([*mirrors, *record.urls]))


def ensure_weights(
    record: WeightRecord,
    folder: Path,
    *,
    progress: Progress | None = None,
    validate: Validate | None = None,
    attempts: int = 5,
    backoff_s: float = 1.0,
    timeout_s: tuple[float, float] = (15.0, 60.0),
    lock_timeout_s: float = 3600.0,
) -> Path:
    """The path of a record's published file in the model folder, downloaded if missing.

    The file is fetched to `<file>.part` and renamed when its size and hash are right; where the catalog has no hash,
    `validate` checks it and the hash is remembered in the folder. A .pth file also has to fit its own checksums. A
    broken download resumes where it stopped, even in a later call, if the server shows that the file is still the same.
    Concurrent processes share one download.

    Args:
        record: which file.
        folder: the model folder; created if missing.
        progress: called with (bytes done, total bytes or None).
        validate: checks the finished part file before it is accepted.
        attempts: tries that bring next to nothing, for each URL, before the next one is used.
        backoff_s: seconds to wait after the first failure, doubled after each further one.
        timeout_s: seconds to wait for a connection, and for the next bytes.
        lock_timeout_s: seconds to wait for another process downloading the same file.

    Raises:
        DownloadError: it could not be fetched or is not the expected file; the message names the file, the URLs, the
        folder for a manual install and the expected hash. WeightsError: the file exists, but differs from the catalog
        or from what was first downloaded.
    """
    target = folder / record.file_name
    if not target.is_file():
        _check_allowed(record, target.parent)
        transfer = _Transfer(record, target, progress or _no_progress, validate, attempts, backoff_s, timeout_s)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with _only_one(Path(f"{target}.lock"), lock_timeout_s):
                if not target.is_file():
                    transfer.run()
                    return target
        except Timeout as error:
            raise _failure(record, target.parent, f"another process holds {target}.lock") from error
        except OSError as error:
            reason = f"{error.strerror or error} ({error.filename or target.parent})"
            raise _failure(record, target.parent, f"cannot write there: {reason}") from error
    check_file(target, record)
    return target


@contextmanager
def _only_one(lock: Path, timeout_s: float) -> Iterator[None]:
    """Hold a lock file that does not stay.

    Two who waited may then go on at once, one of them with a new file. Both find the finished download; if there is
    none, what they write into one part file does not have the hash.
    """
    with FileLock(lock, timeout=timeout_s):
        try:
            yield
        finally:
            with suppress(OSError):  # Windows removes no open file, but filelock does it there
                lock.unlink()


@dataclass(frozen=True)
class _Transfer:
    """Download one file from the first URL that works."""

    record: WeightRecord
    target: Path
    progress: Progress
    validate: Validate | None
    attempts: int
    backoff_s: float
    timeout_s: tuple[float, float]

    @property
    def part(self) -> Path:
        return self.target.with_name(f"{self.target.name}.part")

    def run(self) -> None:
        problems = []
        for url in download_urls(self.record):
            try:
                sha256 = self._fetch_verified(url)
            except RefusedTransferError as error:
                shown = without_secrets(url)
                _log.warning("%s: %s", shown, error)
                problems.append(f"{shown}: {error}")
                continue
            if self.record.sha256 is None:
                remember_sha256(self.target.parent, self.record.file_name, sha256)
            self.part.replace(self.target)
            remove_part(self.part)
            return
        raise _failure(self.record, self.target.parent, "; ".join(problems))

    def _fetch_verified(self, url: str) -> str:
        """Fetch and check; a wrong file that was resumed from an earlier part is downloaded once more from scratch."""
        problem: str | None = None
        for _ in range(2):
            continued = self._fetch_patiently(url)
            sha256 = sha256_of(self.part)
            problem = self._problem(sha256)
            if problem is None:
                return sha256
            remove_part(self.part)
            if not continued:
                break
        raise RefusedTransferError(problem)

    def _fetch_patiently(self, url: str) -> bool:
        failures, most, continued = 0, self._part_size(), False
        while True:
            try:
                return self._fetch_once(url) or continued
            except BrokenTransferError as error:
                continued = True
                failures = failures + 1 if self._part_size() < most + _ENOUGH else 1
                most = max(most, self._part_size())
                if failures >= (1 if self._is_offline(error) else self.attempts):
                    raise RefusedTransferError(f"{error}; gave up after {failures} attempts in a row") from error
                _log.info("%s: %s; trying again", without_secrets(url), error)
                time.sleep(min(self.backoff_s * 2 ** (failures - 1), 30.0))

    def _is_offline(self, error: BrokenTransferError) -> bool:
        """Whether nobody was reached at all. Once something has arrived, the line is worth waiting for."""
        return isinstance(error, UnreachableError) and not self._part_size()

    def _fetch_once(self, url: str) -> bool:
        return fetch(
            url,
            self.part,
            size=self.record.size,
            most=self.record.most_bytes,
            progress=self.progress,
            timeout_s=self.timeout_s,
        )

    def _problem(self, sha256: str) -> str | None:
        problem = hash_problem(self.record, self.target, self._part_size(), sha256)
        if problem is not None:
            return problem
        try:
            if self.target.suffix in TORCH_SUFFIXES:
                check_sums(self.part)
            if self.validate is not None:
                self.validate(self.part)
        except VqfrError as error:
            return str(error)
        return None

    def _part_size(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0


def _check_allowed(record: WeightRecord, folder: Path) -> None:
    if not record.urls:
        raise _failure(record, folder, "it is not offered for download")
    if is_offline():
        raise _failure(record, folder, f"{OFFLINE_VARIABLE} is set, so nothing is downloaded")


def _failure(record: WeightRecord, folder: Path, reason: str) -> DownloadError:
    return DownloadError(f"cannot download {record.file_name} ({record.name}): {reason}. {record.by_hand(folder)}")


def _no_progress(done: int, total: int | None) -> None:
    return None
