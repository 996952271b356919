"""One attempt at fetching one URL into a part file, resuming what an earlier attempt left.

Next to `<file>.part`, `<file>.part.json` holds the URL, the total size and the server's validator (ETag or date), so
that a later attempt, or another process, can request the rest of the same file.
"""

import errno
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from requests import Response

Progress = Callable[[int, int | None], None]
"""Called with (bytes done, total bytes or None). An exception ends the download; the part file stays."""

_BLOCK = 1 << 15
_RETRY_STATUS = {408, 425, 429, 500, 502, 503, 504}


class BrokenTransferError(Exception):
    """The attempt failed, but another may succeed; what arrived is kept."""


class RefusedTransferError(Exception):
    """This URL will not give the file; another one may."""


@dataclass(frozen=True)
class PartState:
    """What a part file is a part of."""

    url: str
    total: int | None
    validator: str | None


def fetch(
    url: str, part: Path, *, size: int | None, verifiable: bool, progress: Progress, timeout_s: tuple[float, float]
) -> bool:
    """Download the rest of `part`.

    Args:
        url: where from; redirects and proxy variables are followed.
        part: the file to write; an interrupted attempt is resumed if the server allows it.
        size: the length the file must have, if known.
        verifiable: the caller can check the result against a hash, so a part without validator may be resumed, too.
        progress: see `Progress`.
        timeout_s: seconds to wait for a connection, and for the next bytes.

    Returns:
        Whether an earlier part was resumed.

    Raises:
        BrokenTransferError, RefusedTransferError; OSError if the disk cannot hold the file.
    """
    requests = _import_requests()
    state = _read_state(part)
    offset = _resumable_bytes(part, state, url, verifiable)
    if offset and offset == size:
        return True
    validator = state.validator if state is not None and state.url == url else None
    try:
        with requests.get(url, headers=_headers(offset, validator), stream=True, timeout=timeout_s) as response:
            if response.status_code == 416:
                return _take_nothing_more(response, part, offset)
            _check_status(response)
            start, total = _extent(response)
            _check_piece(part, start, offset, validator, _validator(response))
            _check_length(part, start, total, size)
            if not start:
                remove_part(part)
            _write_state(part, PartState(url, total, _validator(response) or validator))
            _receive(response, part, start, total, size, progress)
            return start > 0
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        raise BrokenTransferError(f"the connection broke ({_short(error)})") from error
    except requests.RequestException as error:
        raise RefusedTransferError(_short(error)) from error


def remove_part(part: Path) -> None:
    """Delete a part file and its notes."""
    part.unlink(missing_ok=True)
    _state_file(part).unlink(missing_ok=True)


def _import_requests() -> ModuleType:
    try:
        import requests
    except ImportError as error:
        raise RefusedTransferError("the package requests is missing (pip install requests)") from error
    return requests


def _check_piece(part: Path, start: int, offset: int, validator: str | None, new_validator: str | None) -> None:
    if start and (start != offset or (validator and new_validator and validator != new_validator)):
        remove_part(part)
        raise BrokenTransferError("the server answered with another piece, or the file has changed there")


def _check_length(part: Path, start: int, total: int | None, size: int | None) -> None:
    if size is not None and total not in (None, size):
        remove_part(part)
        raise RefusedTransferError(f"the server announces {total} bytes where {size} are expected")
    rest = (total or size or 0) - start
    free = shutil.disk_usage(part.parent).free
    if rest > free:
        raise OSError(errno.ENOSPC, f"{rest} more bytes are needed and the disk has {free} left", str(part))


def _receive(
    response: "Response", part: Path, start: int, total: int | None, size: int | None, progress: Progress
) -> None:
    done = start
    progress(done, total or size)
    with part.open("ab" if start else "wb") as file:
        for block in response.iter_content(_BLOCK):
            file.write(block)
            done += len(block)
            if size is not None and done > size:
                raise RefusedTransferError(f"the server sends more than the expected {size} bytes")
            progress(done, total or size)
    if total is not None and done != total:
        raise BrokenTransferError(f"the connection ended after {done} of {total} bytes")
    if not done:
        raise RefusedTransferError("the server sent an empty file")


def _take_nothing_more(response: "Response", part: Path, offset: int) -> bool:
    match = re.fullmatch(r"bytes \*/(\d+)", response.headers.get("Content-Range", ""))
    if offset and match and int(match.group(1)) == offset:
        return True
    remove_part(part)
    raise BrokenTransferError("the server has no rest for what was fetched before; starting again")


def _check_status(response: "Response") -> None:
    status = response.status_code
    if status in _RETRY_STATUS:
        raise BrokenTransferError(f"the server answered {status} {response.reason}")
    if status not in (200, 206):
        raise RefusedTransferError(f"the server answered {status} {response.reason}")
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise RefusedTransferError("the server sent a web page instead of the file")


def _extent(response: "Response") -> tuple[int, int | None]:
    """Where the body starts in the file and the size of the whole file."""
    if response.status_code == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if match is None:
            raise RefusedTransferError("the server sent a piece without saying which")
        return int(match.group(1)), None if match.group(2) == "*" else int(match.group(2))
    length = response.headers.get("Content-Length", "")
    encoded = response.headers.get("Content-Encoding", "identity") != "identity"
    return 0, int(length) if length.isdigit() and not encoded else None


def _headers(offset: int, validator: str | None) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity", "User-Agent": "vqfr-core"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if validator:
            headers["If-Range"] = validator
    return headers


def _validator(response: "Response") -> str | None:
    etag = response.headers.get("ETag", "")
    # A weak ETag promises equal meaning, not equal bytes: RFC 9110 forbids it in If-Range.
    return etag if etag.startswith('"') else response.headers.get("Last-Modified")


def _resumable_bytes(part: Path, state: PartState | None, url: str, verifiable: bool) -> int:
    if state is None or not part.is_file():
        return 0
    same_file = state.url == url and state.validator is not None
    return part.stat().st_size if same_file or verifiable else 0


def _state_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _write_state(part: Path, state: PartState) -> None:
    _state_file(part).write_text(json.dumps(asdict(state)), encoding="utf-8")


def _read_state(part: Path) -> PartState | None:
    try:
        content = json.loads(_state_file(part).read_text(encoding="utf-8"))
        return PartState(content["url"], content["total"], content["validator"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # no usable notes: the download starts from the beginning


def _short(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:197]}..."
