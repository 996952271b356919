"""Expand files, folders and patterns to picture files (Windows shells do not expand patterns)."""

import glob
import itertools
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ..pictures.formats import OTHER_SUFFIXES, READABLE_SUFFIXES


@dataclass(frozen=True)
class Source:
    """One picture file to read."""

    path: Path
    """Where it is."""
    relative: Path
    """Its path relative to the named folder or the pattern's fixed part; for a named file, its name."""
    is_named: bool
    """The user named the file itself, or a pattern, rather than a folder."""


class Inputs(NamedTuple):
    """What the user's inputs expand to."""

    sources: list[Source]
    """The pictures, each once, in the order named; those of a folder sorted."""
    problems: list[tuple[str, str]]
    """Inputs that match no picture, and why."""


def same_file_key(path: Path) -> str:
    """Equal for two paths to the same file."""
    return os.path.normcase(os.path.realpath(path))


def find_inputs(words: Collection[str], *, recursive: bool = False, leave_out: Collection[Path] = ()) -> Inputs:
    """Find the pictures that files, folders and patterns name.

    A folder gives its pictures (by suffix, also those that cannot be read, so that they are reported), with `recursive`
    also those in sub-folders; hidden files are skipped. A pattern may contain *, ?, [...] and **; brackets also stand
    for themselves. leave_out: output folders, not searched when they are inside an input folder. A file named directly
    is taken as is, even if it does not exist.
    """
    sources: dict[str, Source] = {}
    problems = []
    for word in words:
        try:
            found = list(_find(word, recursive, {same_file_key(folder) for folder in leave_out}))
        except OSError as error:  # such as a name that is too long
            problems.append((word, f"{error.strerror}; check the path"))
            continue
        if not found:
            hint = "" if recursive or not Path(word).is_dir() else ", or add --recursive for its sub-folders"
            problems.append((word, f"no pictures found; check the path{hint}"))
        for source in found:
            sources.setdefault(same_file_key(source.path), source)
    return Inputs(list(sources.values()), problems)


def _find(word: str, recursive: bool, leave_out: set[str]) -> Iterator[Source]:
    path = Path(word).expanduser()
    if path.is_dir():
        for picture in _pictures_in(path, recursive, leave_out):
            yield Source(picture, picture.relative_to(path), False)
    elif path.exists() or not glob.has_magic(str(_split(path)[1])):
        yield Source(path, Path(path.name), True)
    else:
        base, pattern = _split(path)
        for picture in _matches(base, pattern, leave_out):
            yield Source(base / picture, picture, True)


def _pictures_in(folder: Path, recursive: bool, leave_out: set[str]) -> Iterator[Path]:
    for parent, sub_folders, names in os.walk(folder):
        below = [name for name in sorted(sub_folders) if not name.startswith(".")] if recursive else []
        sub_folders[:] = [name for name in below if same_file_key(Path(parent, name)) not in leave_out]
        yield from (Path(parent, name) for name in sorted(names) if _is_picture(name))


def _split(path: Path) -> tuple[Path, Path]:
    """The folders before the first wildcard, and the rest. An existing folder is none, such as "[2024] trip"."""
    base = Path(path.anchor)
    parts = path.parts[1:] if path.anchor else path.parts
    for number, part in enumerate(parts[:-1]):
        if glob.has_magic(part) and not (base / part).is_dir():
            return base, Path(*parts[number:])
        base /= part
    return base, Path(parts[-1])


def _matches(base: Path, pattern: Path, leave_out: set[str]) -> list[Path]:
    """The pictures below `base` that match; all matching files if none has a picture suffix."""
    readings = [{part, part.replace("[", "[[]")} for part in pattern.parts]
    patterns = (str(Path(*parts)) for parts in itertools.product(*readings))
    # Not Path.glob: hidden files are skipped.
    found = (glob.glob(own, root_dir=base, recursive=True) for own in patterns)  # noqa: PTH207
    matching = [Path(match) for match in sorted(set(itertools.chain.from_iterable(found)))]
    files = [path for path in matching if (base / path).is_file() and not _is_below(path, base, leave_out)]
    return [path for path in files if _is_picture(path.name)] or files


def _is_below(path: Path, base: Path, folders: set[str]) -> bool:
    """Whether the path is in one of the folders, and that folder inside the base."""
    return any(same_file_key(base / step) in folders for step in path.parents if step != Path())


def _is_picture(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in (*READABLE_SUFFIXES, *OTHER_SUFFIXES)
