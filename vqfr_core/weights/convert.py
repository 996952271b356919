"""Convert weights to safetensors with a description inside, and inspect weight files."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..atomic import whole_file
from ..errors import WeightsError
from ..networks import registry
from .catalog import RECORDS, WeightRecord, record_of_file, record_of_packaged
from .check import build_empty, check_finite, check_network
from .hashes import hash_problem, packaged_problem, remember_sha256, remembered_sha256, sha256_of
from .read import check_sums, read_checkpoint, read_metadata

FORMAT_VERSION = "1"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WeightFacts:
    """What is known about a weight file."""

    path: Path
    """The file."""
    architecture: str
    """Its name: vqfr_v1, vqfr_v2, retinaface_resnet50, ..."""
    sizes: Mapping[str, Any]
    """Sizes of the network as read from the shapes; empty for architectures of one size."""
    sha256: str
    """Hash of the whole file in hex."""
    size: int
    """Bytes of the file."""
    num_parameters: int
    """Number of parameters."""
    dtypes: tuple[str, ...]
    """Number formats in them, e.g. ("float32",)."""
    metadata: Mapping[str, str]
    """Metadata of a safetensors file."""
    record: str | None
    """Name of the known file, recognised by name or hash; None if it is not a known file."""
    hash_matches: bool | None
    """Whether it is the published file, or converted from it; None if no hash is known."""
    is_first_seen: bool
    """Whether the known hash is not a published one, but that of the file first seen here."""


def verify_weights(path: Path) -> WeightFacts:
    """Read a file strictly as a network of this package, and return its facts.

    Raises:
        WeightsError: it cannot be read, is another model, does not fit its own checksums or its network, or has
        non-finite numbers.
    """
    check_sums(path)
    state = read_checkpoint(path)
    architecture, sizes = _check(state, path)
    check_finite(state, path)
    sha256, metadata, size = sha256_of(path), read_metadata(path), path.stat().st_size
    packaged = record_of_packaged(path)
    record = packaged or _record_of(path, sha256, metadata)
    matches = _hash_matches(record, path, size, sha256, metadata)
    if packaged is not None:
        matches = packaged_problem(packaged, sha256) is None
    return WeightFacts(
        path=path,
        architecture=architecture,
        sizes=sizes,
        sha256=sha256,
        size=size,
        num_parameters=sum(tensor.numel() for tensor in state.values()),
        dtypes=tuple(sorted({str(tensor.dtype).removeprefix("torch.") for tensor in state.values()})),
        metadata=metadata,
        record=record.name if record else None,
        hash_matches=matches,
        is_first_seen=matches is not None and record is not packaged and not _has_hash(record),
    )


def remember_first_sight(facts: WeightFacts, folder: Path) -> None:
    """Record the hash of a verified file of the model folder for which none is published, so that a change is found."""
    if facts.hash_matches is None and facts.path.parent == folder and record_of_file(facts.path) is not None:
        try:
            remember_sha256(folder, facts.path.name, facts.sha256)
        except OSError as error:
            _log.info("cannot remember the hash of %s: %s", facts.path, error)


def convert_weights(source: Path, target: Path, *, half: bool = False, extra: Mapping[str, str] | None = None) -> Path:
    """Write the weights of a known network as safetensors; the target is written atomically.

    Args:
        source: any file `read_checkpoint` reads, holding a network of this package.
        target: the .safetensors file to write; replaced if it exists.
        half: store float16 instead of the source's format: half the size; codes and pixels may change slightly.
        extra: further metadata, e.g. licence and origin.

    Returns:
        The target. Its metadata has architecture, sizes (JSON), source_file, source_sha256 and format_version.

    Raises:
        WeightsError: the source cannot be used, or the target cannot be written.
    """
    if target.suffix.lower() != ".safetensors":
        raise WeightsError(f"{target}: converted weights are safetensors; give a name ending in .safetensors")
    state = read_checkpoint(source)
    architecture, sizes = _check(state, source)
    described = {
        "format": "pt",
        "format_version": FORMAT_VERSION,
        "architecture": architecture,
        "sizes": json.dumps(sizes, sort_keys=True),
        "source_file": source.name,
        "source_sha256": sha256_of(source),
    }
    write_safetensors(_halved(state) if half else state, target, {**(extra or {}), **described})
    return target


def write_safetensors(state: Mapping[str, Tensor], target: Path, metadata: dict[str, str]) -> None:
    """Write tensors and metadata to a file atomically; WeightsError if it cannot be written."""
    from safetensors import SafetensorError
    from safetensors.torch import save

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Via memory: the library's own file writing makes files that only their owner can read.
        content = save({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}, metadata)
        with whole_file(target) as file:
            file.write(content)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"cannot write {target}: {error}; check the folder's permissions and free space") from error


def _check(state: Mapping[str, Tensor], path: Path) -> tuple[str, Mapping[str, Any]]:
    """Architecture and sizes of a network these weights fit."""
    row = registry.recognize_as(state, registry.architectures(), path)
    network = build_empty(row, state, path)
    check_network(network, state, path)
    return row.name, network.sizes


def _halved(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.to(torch.float16) if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def _record_of(path: Path, sha256: str, metadata: Mapping[str, str]) -> WeightRecord | None:
    hashes = {sha256, metadata.get("source_sha256", sha256)}
    by_hash = next((record for record in RECORDS if record.sha256 in hashes), None)
    return by_hash or record_of_file(path) or record_of_file(Path(metadata.get("source_file", "")))


def _has_hash(record: WeightRecord | None) -> bool:
    return record is not None and bool(record.sha256 or record.sha256_prefix)


def _hash_matches(
    record: WeightRecord | None, path: Path, size: int, sha256: str, metadata: Mapping[str, str]
) -> bool | None:
    if record is None:
        return None
    if not _has_hash(record):
        first = remembered_sha256(path.parent, path.name)
        return None if first is None else first == sha256
    if path.name in record.published_names or "source_sha256" not in metadata:
        return hash_problem(record, path, size, sha256) is None
    return metadata["source_sha256"].startswith(record.known_hash(record.file_name))
