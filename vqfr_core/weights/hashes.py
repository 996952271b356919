"""Hashes of weight files: compute them, compare with the catalog, remember them where it has none."""

import hashlib
import json
from pathlib import Path

from filelock import FileLock

from ..atomic import whole_file
from ..errors import WeightsError
from .catalog import WeightRecord
from .file_kind import file_size

MEMORY_FILE = "hashes.json"
_BLOCK = 1 << 20
_LONGEST_MEMORY = 1 << 20


def sha256_of(path: Path) -> str:
    """The sha256 of a file in hex; WeightsError if it cannot be read."""
    file_size(path)
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise WeightsError(
            f"cannot read {path}: {error.strerror or error}; check the path and its permissions"
        ) from error
    return digest.hexdigest()


def remembered_sha256(folder: Path, file_name: str) -> str | None:
    """The hash a file of the folder had when it was first seen, or None."""
    value = _read_memory(folder).get(file_name)
    return value if isinstance(value, str) else None


def remember_sha256(folder: Path, file_name: str, sha256: str) -> None:
    """Record a file's hash in the folder's hashes.json. Safe with concurrent processes."""
    memory = folder / MEMORY_FILE
    with FileLock(f"{memory}.lock"):
        text = json.dumps(_read_memory(folder) | {file_name: sha256}, indent=2, sort_keys=True)
        with whole_file(memory) as file:
            file.write(f"{text}\n".encode())


def hash_problem(record: WeightRecord, path: Path, size: int, sha256: str) -> str | None:
    """What is wrong with a file of this size and hash as a record's published file, or None.

    path: where it is, or will be; the hashes of its name and in its folder's memory count.
    """
    if not sha256.startswith(record.known_hash(path.name)):
        wanted = record.size if path.name == record.file_name else None
        length = f" and {size} bytes (expected {wanted})" if wanted not in (None, size) else ""
        expected = record.expected_hash(path.name)
        return f"it has sha256 {sha256}{length}, {expected}: damaged, or another file of the same name"
    first = remembered_sha256(path.parent, path.name)
    if first is not None and first != sha256:
        memory = path.parent / MEMORY_FILE
        return (
            f"it has sha256 {sha256}, but {first} when it was first downloaded or verified; "
            f"if you trust the new file, remove its line from {memory}"
        )
    return None


def packaged_problem(record: WeightRecord, sha256: str) -> str | None:
    """What is wrong with the copy in this package if it has this hash, or None."""
    if record.packaged_sha256 in (None, sha256):
        return None
    return f"it has sha256 {sha256}, expected {record.packaged_sha256}; install the package again"


def check_file(path: Path, record: WeightRecord) -> str:
    """The file's sha256, after comparing it with what is known.

    Only a file with a published name and the copy in this package are compared: a converted copy has its own hash.
    Raises WeightsError if the file differs from the catalog or from what was first seen.
    """
    sha256 = sha256_of(path)
    if path == record.packaged_path:
        problem = packaged_problem(record, sha256)
        if problem:
            raise WeightsError(f"{path} is damaged, or not the {record.name} of this package: {problem}.")
        return sha256
    if path.name not in record.published_names:
        return sha256
    problem = hash_problem(record, path, path.stat().st_size, sha256)
    if problem:
        raise WeightsError(f"{path} is not the published {record.name}: {problem}. Delete it to fetch it again.")
    return sha256


def _read_memory(folder: Path) -> dict[str, object]:
    memory = folder / MEMORY_FILE
    try:
        with memory.open(encoding="utf-8") as file:
            content = json.loads(file.read(_LONGEST_MEMORY))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"cannot read {memory}: {error}; repair or delete it") from error
    if not isinstance(content, dict):
        raise WeightsError(f"{memory} does not hold names and hashes; delete it")
    return content
