"""The parts of a face that parsers distinguish. Imports nothing heavy: settings and menus need it, too."""

from collections.abc import Sequence

from ..errors import InputError

FACE_REGIONS = ("skin", "brows", "eyes", "glasses", "nose", "mouth", "ears", "hair", "neck")


def parse_regions(regions: str | Sequence[str]) -> tuple[str, ...]:
    """The names of regions, from a sequence or comma-separated text. Raises InputError for an unknown name."""
    listed = regions.split(",") if isinstance(regions, str) else list(regions)
    names = tuple(name.strip().lower() for name in listed if name.strip())
    unknown = [name for name in names if name not in FACE_REGIONS]
    if unknown:
        raise InputError(f"regions: {', '.join(unknown)} is not known; choose from {', '.join(FACE_REGIONS)}")
    return names
