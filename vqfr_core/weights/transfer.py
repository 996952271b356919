"""One attempt at fetching one URL into a part file, resuming what an earlier attempt left.

Next to `<file>.part`, `<file>.part.json` holds the URL, the total size and the server's strong ETag. A later attempt,
or another process, continues only if that ETag is still the file's: a date, or a weak ETag, does not promise the same
bytes. Nothing may be endless: there is a most for bytes and a least for speed.
"""

import errno
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from http.client import HTTPException
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..errors import printable

if TYPE_CHECKING:
    from requests import Response

Progress = Callable[[int, int | None], None]
"""Called with (bytes done, total bytes or None). An exception ends the download; the part file stays."""

_BLOCK = 1 << 15
_RETRY_STATUS = {408, 425, 429, 500, 502, 503, 504}
_FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_LONGEST_NOTES = 1 << 16
SLOWEST_BYTES_PER_S = 1000
"""A server that is slower is given up."""
PATIENCE_S = 60.0
"""The time over which speed is measured."""


class TransferError(Exception):
    """An attempt failed. The message may quote a server, so it is made printable, and it keeps secrets."""

    def __init__(self, message: object) -> None:
        super().__init__(printable(without_secrets(str(message))))


class BrokenTransferError(TransferError):
    """The attempt failed, but another may succeed; what arrived is kept."""


class UnreachableError(BrokenTransferError):
    """No connection came about."""


class RefusedTransferError(TransferError):
    """This URL will not give the file; another one may."""


@dataclass(frozen=True)
class PartState:
    """What a part file is a part of."""

    url: str
    total: int | None
    validator: str | None
    """Its strong ETag."""


def without_secrets(text: str) -> str:
    """A text without user names, passwords and queries in URLs."""
    return re.sub(r"\?[^\s'\")]{8,}", "?...", re.sub(r"://[^/\s]*@", "://", text))


def fetch(
    url: str, part: Path, *, size: int | None, most: int, progress: Progress, timeout_s: tuple[float, float]
) -> bool:
    """Download the rest of `part`.

    Args:
        url: where from; redirects and proxy variables are followed.
        part: the file to write; an interrupted attempt is resumed if the server allows it.
        size: the length the file must have, if known.
        most: the length it may have.
        progress: see `Progress`.
        timeout_s: seconds to wait for a connection, and for the next bytes.

    Returns:
        Whether an earlier part was resumed.

    Raises:
        BrokenTransferError, RefusedTransferError; OSError if the disk cannot hold the file, which removes the part.
    """
    requests = _import_requests()
    state = _read_state(part, url)
    offset = part.stat().st_size if state is not None and part.is_file() else 0
    if state is not None and offset and offset == (size or state.total):
        return True
    try:
        with _ask(requests, url, _headers(offset, state), timeout_s) as response:
            _check_status(response, part)
            start, total = _extent(response)
            if start:
                _check_piece(response, part, start, offset, total, state)
            _check_length(part, start, total, size, most)
            if not start:
                remove_part(part)
            _write_state(part, PartState(without_secrets(url), total, _validator(response)))
            _receive(response, part, start, total, size, most, progress)
            return start > 0
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        kind = UnreachableError if _is_unreachable(error) else BrokenTransferError
        raise kind(f"the connection broke ({_short(error)})") from error
    except requests.RequestException as error:
        raise RefusedTransferError(_short(error)) from error
    except OSError as error:
        if error.errno in _FULL_DISK:
            remove_part(part)
        raise


def _is_unreachable(error: Exception) -> bool:
    """Whether the name is unknown, or nobody listens, answers or leads there."""
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProxyError

    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, (ConnectTimeoutError, NewConnectionError, ProxyError))


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


def _ask(requests: ModuleType, url: str, headers: dict[str, str], timeout_s: tuple[float, float]) -> "Response":
    """The answer's beginning, after redirects, within one time for all; `requests` only limits each wait for a byte.

    A server that is given up keeps its thread, which dies with the process, until it hangs up.
    """
    answers: Queue[Response | Exception] = Queue()
    given_up = Event()

    def ask() -> None:
        try:
            answer = requests.get(url, headers=headers, stream=True, timeout=timeout_s)
        except Exception as error:  # raised where the answer is awaited
            answer = error
        answers.put(answer)
        if given_up.is_set() and not isinstance(answer, Exception):
            answer.close()

    limit_s = max(PATIENCE_S, sum(timeout_s))
    Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=limit_s)
    except Empty:
        given_up.set()
        raise RefusedTransferError(f"the server does not begin to answer in {limit_s:.0f} seconds") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _check_piece(
    response: "Response", part: Path, start: int, offset: int, total: int | None, state: PartState | None
) -> None:
    same = state is not None and _validator(response) == state.validator and state.total in (None, total)
    if start != offset or not same:
        remove_part(part)
        raise BrokenTransferError("the server answered with another piece, or the file has changed there")


def _check_length(part: Path, start: int, total: int | None, size: int | None, most: int) -> None:
    if size is not None and total not in (None, size):
        remove_part(part)
        raise RefusedTransferError(f"the server announces {total} bytes where {size} are expected")
    if total is not None and total > most:
        remove_part(part)
        raise RefusedTransferError(f"the server announces {total} bytes; the file has at most {most}")
    rest = (total or size or 0) - start
    free = shutil.disk_usage(part.parent).free
    if rest > free:
        raise OSError(errno.ENOSPC, f"{rest} more bytes are needed and the disk has {free} left", str(part))


def _receive(
    response: "Response", part: Path, start: int, total: int | None, size: int | None, most: int, progress: Progress
) -> None:
    done = start
    progress(done, total or size)
    with part.open("ab" if start else "wb") as file:
        for block in _blocks(response):
            done += len(block)
            if done > most:
                break
            file.write(block)
            progress(done, total or size)
    if done > most:
        remove_part(part)
        raise RefusedTransferError(f"the server sends more than the expected {most} bytes")
    if total is not None and done != total:
        raise BrokenTransferError(f"the connection ended after {done} of {total} bytes")
    if not done:
        raise RefusedTransferError("the server sent an empty file")


def _blocks(response: "Response") -> Iterator[bytes]:
    """The body as it arrives. `iter_content` waits until a block is full, however slowly it fills."""
    from urllib3.exceptions import HTTPError

    raw: Any = response.raw
    read = raw.read1 if hasattr(raw, "read1") else raw._fp.read1  # urllib3 1 has it only inside
    since, received = time.monotonic(), 0
    try:
        while block := read(_BLOCK):
            yield block
            received += len(block)
            elapsed = time.monotonic() - since
            if elapsed >= PATIENCE_S:
                if received < SLOWEST_BYTES_PER_S * elapsed:
                    raise RefusedTransferError(f"the server sends only {received / elapsed:.0f} bytes in a second")
                since, received = time.monotonic(), 0
    except (HTTPError, HTTPException, ConnectionError, TimeoutError) as error:
        raise BrokenTransferError(f"the connection broke ({_short(error)})") from error


def _check_status(response: "Response", part: Path) -> None:
    status = response.status_code
    if status == 416:
        remove_part(part)
        raise BrokenTransferError("the server has no rest for what was fetched before; starting again")
    if status in _RETRY_STATUS:
        raise BrokenTransferError(f"the server answered {status} {response.reason}")
    if status not in (200, 206):
        raise RefusedTransferError(f"the server answered {status} {response.reason}")
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise RefusedTransferError("the server sent a web page instead of the file")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise RefusedTransferError("the server sent the file packed, which it was asked not to do")


def _extent(response: "Response") -> tuple[int, int | None]:
    """Where the body starts in the file and the size of the whole file."""
    if response.status_code == 206:
        match = re.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", response.headers.get("Content-Range", ""))
        if match is None:
            raise RefusedTransferError("the server sent a piece without saying which")
        return int(match.group(1)), None if match.group(2) == "*" else int(match.group(2))
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if re.fullmatch(r"\d{1,18}", length) else None


def _headers(offset: int, state: PartState | None) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity", "User-Agent": "vqfr-core"}
    if offset and state is not None and state.validator is not None:
        headers |= {"Range": f"bytes={offset}-", "If-Range": state.validator}
    return headers


def _validator(response: "Response") -> str | None:
    """The strong ETag. A weak one promises equal meaning, a date an equal second; neither promises equal bytes."""
    etag = response.headers.get("ETag", "")
    return etag if re.fullmatch(r'"[\x21\x23-\x7e]{1,500}"', etag) else None


def _state_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _write_state(part: Path, state: PartState) -> None:
    _state_file(part).write_text(json.dumps(asdict(state)), encoding="utf-8")


def _read_state(part: Path, url: str) -> PartState | None:
    """What the part is a part of, if the rest can be had from this URL."""
    try:
        with _state_file(part).open(encoding="utf-8") as file:
            content = json.loads(file.read(_LONGEST_NOTES))
        state = PartState(content["url"], content["total"], content["validator"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None  # no usable notes: the download starts from the beginning
    fits = isinstance(state.validator, str) and (state.total is None or type(state.total) is int)
    return state if fits and state.url == without_secrets(url) else None


def _short(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:197]}..."
