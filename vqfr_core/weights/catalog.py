"""The weight files this package knows: their origin, checks and licences.

A hash is listed only if it was published or confirmed by several independent copies. Where none is known, a download is
checked by its tensors and its hash is remembered (see `hashes`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import WeightsError

_HEX_DIGITS = 64
_MOST_BYTES = 1_000_000_000
"""For files of unknown size; the largest known has a third of it."""

PACKAGED_FOLDER = Path(__file__).parent / "embedded"

_FACEXLIB = "https://github.com/xinntao/facexlib/releases/download"
_CODEFORMER = "https://github.com/sczhou/CodeFormer/releases/download/v0.1.0"
_HUGGING_FACE = "https://huggingface.co/leonelhs/facexlib/resolve/main"
_VQFR = "https://github.com/TencentARC/VQFR/releases/download"
_VQFR_PAGE = "https://drive.google.com/drive/folders/1lczKYEbARwe27FJlKoFdng7UnffGDjO2"
_VQFR_LICENCE = "Apache-2.0 (code; no separate statement on the weights, trained on FFHQ: CC BY-NC-SA 4.0 pictures)"
_VQFR_ORIGIN = "TencentARC/VQFR, Gu et al., VQFR, ECCV 2022, arXiv 2205.06803"


@dataclass(frozen=True)
class WeightRecord:
    """One known weight file."""

    name: str
    """Its user-visible name."""
    role: str
    """What it is for: restorer, detector, parser or metric."""
    file_name: str
    """Name of the published file."""
    urls: tuple[str, ...]
    """Download URLs, in the order to try. Empty: not offered for download."""
    licence: str
    """Licence of the weights, as far as it is stated."""
    origin: str
    """Who made it."""
    sha256: str | None = None
    """Hash of the whole file, None where no source gives one."""
    sha256_prefix: str | None = None
    """First hex digits of the hash, for files that carry only these in their name."""
    size: int | None = None
    """Bytes of the file, where known."""
    page: str | None = None
    """A page for a manual download, besides the URLs."""
    packaged: str | None = None
    """Name of the copy inside this package, if there is one."""
    packaged_sha256: str | None = None
    """Hash of that copy."""
    aliases: tuple[tuple[str, str], ...] = ()
    """Further names under which it is published, each with the known part of that file's sha256."""
    convertible: bool = True
    """A converted or renamed copy may replace the published file."""
    former_names: tuple[str, ...] = ()
    """User-visible names of weights that it replaced. They are accepted, but no menu lists them."""

    @property
    def packaged_path(self) -> Path | None:
        """The copy inside this package, if any."""
        path = PACKAGED_FOLDER / self.packaged if self.packaged else None
        return path if path is not None and path.is_file() else None

    @property
    def published_names(self) -> tuple[str, ...]:
        """The names under which it is published."""
        return (self.file_name, *(name for name, _ in self.aliases))

    @property
    def file_names(self) -> tuple[str, ...]:
        """Every name its weights may have in a folder, in search order."""
        if not self.convertible:
            return self.published_names
        published = Path(self.file_name)
        copies = (f"{self.name}.safetensors", f"{self.name}{published.suffix}")
        return tuple(dict.fromkeys([f"{published.stem}.safetensors", *self.published_names, *copies]))

    @property
    def most_bytes(self) -> int:
        """The most bytes a download of it may have."""
        return self.size or _MOST_BYTES

    def is_called(self, name: str) -> bool:
        """Whether the name means this file, now or formerly."""
        return name in (self.name, *self.former_names)

    def known_hash(self, file_name: str) -> str:
        """The known part of the sha256 of the file published under this name; may be empty."""
        return dict(self.aliases).get(file_name, self.sha256 or self.sha256_prefix or "")

    def expected_hash(self, file_name: str | None = None) -> str:
        """The expected hash of the file published under this name, for messages."""
        known = self.known_hash(file_name or self.file_name)
        if not known:
            return "no sha256 is published for it; it is checked by its tensors"
        return f"expected sha256 {known}" if len(known) == _HEX_DIGITS else f"expected sha256 starting with {known}"

    def by_hand(self, folder: Path) -> str:
        """How to install the file manually, for the end of a message."""
        places = [*self.urls, *([self.page] if self.page else [])]
        source = " or ".join(places) if places else "its author"
        what = f"{self.file_name} from {source}"
        return f"To install it manually, get {what} and put it into {folder} ({self.expected_hash()})."


RECORDS: tuple[WeightRecord, ...] = (
    WeightRecord(
        name="vqfr_v2",
        role="restorer",
        file_name="VQFR_v2.pth",
        urls=(f"{_VQFR}/v2.0.0/VQFR_v2.pth",),
        page=_VQFR_PAGE,
        licence=_VQFR_LICENCE,
        origin=_VQFR_ORIGIN,
    ),
    WeightRecord(
        name="vqfr_v1",
        role="restorer",
        file_name="VQFR_v1-33a1fac5.pth",
        # The release is known, but this name in it is not confirmed; the hash in the file name guards it.
        urls=(f"{_VQFR}/v1.0.0/VQFR_v1-33a1fac5.pth",),
        sha256_prefix="33a1fac5",
        page=_VQFR_PAGE,
        licence=_VQFR_LICENCE,
        origin=_VQFR_ORIGIN,
    ),
    WeightRecord(
        name="vqfr_small2",
        role="restorer",
        file_name="vqfr_small2.safetensors",
        urls=(),
        packaged="vqfr_small2.safetensors",
        packaged_sha256="73f05370f25040a4d9082e7dc483724fd311937437d6d6660b2ed4260408b265",
        former_names=("vqfr_small",),
        licence="Apache-2.0",
        origin="this project: a small network of the VQFR architecture, see its model card",
    ),
    WeightRecord(
        name="retinaface_resnet50",
        role="detector",
        file_name="detection_Resnet50_Final.pth",
        urls=(
            f"{_FACEXLIB}/v0.1.0/detection_Resnet50_Final.pth",
            f"{_CODEFORMER}/detection_Resnet50_Final.pth",
            f"{_HUGGING_FACE}/detection_Resnet50_Final.pth",
        ),
        sha256="6d1de9c2944f2ccddca5f5e010ea5ae64a39845a86311af6fdf30841b0a5a16d",
        size=109_497_761,
        licence="MIT",
        origin="biubug6/Pytorch_Retinaface, distributed by xinntao/facexlib",
    ),
    WeightRecord(
        name="retinaface_mobile0.25",
        role="detector",
        file_name="detection_mobilenet0.25_Final.pth",
        urls=(
            f"{_FACEXLIB}/v0.1.0/detection_mobilenet0.25_Final.pth",
            f"{_CODEFORMER}/detection_mobilenet0.25_Final.pth",
        ),
        sha256="2979b33ffafda5d74b6948cd7a5b9a7a62f62b949cef24e95fd15d2883a65220",
        size=1_789_735,
        packaged="retinaface_mobile0.25.safetensors",
        packaged_sha256="177cd0a79ab0f8f552a6e297120c32d09bc133da65e530ef2fedaf1d0032d3d7",
        licence="MIT",
        origin="biubug6/Pytorch_Retinaface, distributed by xinntao/facexlib",
    ),
    WeightRecord(
        name="parsenet",
        role="parser",
        file_name="parsing_parsenet.pth",
        urls=(
            f"{_FACEXLIB}/v0.2.2/parsing_parsenet.pth",
            f"{_CODEFORMER}/parsing_parsenet.pth",
            f"{_HUGGING_FACE}/parsing_parsenet.pth",
        ),
        sha256="3d558d8d0e42c20224f13cf5a29c79eba2d59913419f945545d8cf7b72920de2",
        size=85_331_193,
        licence="facexlib is MIT; the weights are reported to descend from PSFRGAN (CC BY-NC-SA 4.0), unconfirmed",
        origin="distributed by xinntao/facexlib",
    ),
    WeightRecord(
        name="bisenet",
        role="parser",
        file_name="parsing_bisenet.pth",
        urls=(
            f"{_FACEXLIB}/v0.2.0/parsing_bisenet.pth",
            f"{_CODEFORMER}/parsing_bisenet.pth",
            f"{_HUGGING_FACE}/parsing_bisenet.pth",
        ),
        sha256="468e13ca13a9b43cc0881a9f99083a430e9c0a38abd935431d1c28ee94b26567",
        size=53_289_463,
        licence="MIT",
        origin="zllrunning/face-parsing.PyTorch, distributed by xinntao/facexlib",
    ),
)


def find_record(name: str, role: str | None = None, records: Iterable[WeightRecord] = RECORDS) -> WeightRecord | None:
    """The record of that present or former name (and role), or None."""
    return next((r for r in records if r.is_called(name) and role in (None, r.role)), None)


def get_record(name: str, role: str | None = None, records: Iterable[WeightRecord] = RECORDS) -> WeightRecord:
    """The record of that name; WeightsError with the known names if there is none."""
    listed = list(records)
    record = find_record(name, role, listed)
    if record is None:
        known = ", ".join(r.name for r in listed if role in (None, r.role))
        raise WeightsError(f"{name!r} is not a known {role or 'weight file'}; known are {known}, or give a file")
    return record


def record_of_packaged(path: Path) -> WeightRecord | None:
    """The record whose copy in this package this is, or None."""
    here = path.resolve()
    return next((r for r in RECORDS if r.packaged_path is not None and r.packaged_path.resolve() == here), None)


def record_of_file(path: Path) -> WeightRecord | None:
    """The record whose published file has this name, or None."""
    return next((r for r in RECORDS if path.name in r.published_names), None)
