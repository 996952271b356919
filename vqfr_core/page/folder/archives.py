"""Pictures that are sent in a ZIP file, under limits: its names and sizes come from a stranger."""

import lzma
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ...errors import InputError, shortened
from ...files.names import file_name
from ...pictures.formats import OTHER_SUFFIXES, READABLE_SUFFIXES

MOST_PICTURES = 1000
MOST_BYTES = 1 << 30
"""Of all pictures of an archive, unpacked."""
_FAULTS = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, UnicodeError, OSError, EOFError)


def is_archive(path: Path) -> bool:
    return path.suffix.lower() == ".zip"


def is_picture(name: str) -> bool:
    """Whether a file of a folder or an archive is one of those to restore, or to report as unreadable."""
    path = PurePosixPath(name)
    return path.suffix.lower() in (*READABLE_SUFFIXES, *OTHER_SUFFIXES) and not path.name.startswith(".")


def unpack(path: Path, folder: Path) -> list[Path]:
    """Write the pictures of an archive into the folder, each into one of its own under its last name.

    Raises InputError for an archive that is damaged, locked, too large or without pictures.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir() and is_picture(_plain(member))]
            if not 0 < len(members) <= MOST_PICTURES:
                raise InputError(f"{path.name}: an archive has from 1 to {MOST_PICTURES} pictures, not {len(members)}")
            return list(_written(archive, members, folder))
    except _FAULTS as error:
        why = shortened(str(error))
        raise InputError(f"{path.name}: cannot be unpacked ({why}); make it anew, without a password") from error


def _written(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], folder: Path) -> Iterator[Path]:
    room = MOST_BYTES
    for place, member in enumerate(members):
        name = PurePosixPath(_plain(member))
        target = folder / str(place) / file_name(name.stem, name.suffix)
        target.parent.mkdir(parents=True)
        room -= _copy(archive, member, target, room)
        yield target


def _copy(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, room: int) -> int:
    """The number of bytes written. What a member says of its size is not believed."""
    if member.file_size > room:
        raise InputError(f"the archive has more than {MOST_BYTES >> 20} MB unpacked; send it in parts")
    with archive.open(member) as source, target.open("xb") as out:  # reads no more than the size that was said
        shutil.copyfileobj(source, out)
        return out.tell()


def _plain(member: zipfile.ZipInfo) -> str:
    return member.filename.replace("\\", "/")
