"""Which pixel of a crop shows which part of a face, by facexlib's ParseNet or BiSeNet, and masks made from that.

Both networks name the same 19 parts (those of CelebAMask-HQ) in different orders and want their input scaled
differently; both facts are taken from facexlib 0.3.0, `inference/inference_parsing*.py`. Here a label is 0 for what is
not part of a face (background, hat, clothes) and 1 + the position in MASK_REGIONS for what is.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import InputError
from ..options import MASK_REGIONS

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_HALF = (0.5, 0.5, 0.5)

# Per network: the region of each of its labels ("" is none), mean and standard deviation of its input. Earrings go with
# the ears and a necklace with the neck.
_NETWORKS: dict[str, tuple[str, tuple[float, ...], tuple[float, ...]]] = {
    "parsenet": (
        ",skin,nose,glasses,eyes,eyes,brows,brows,ears,ears,mouth,mouth,mouth,hair,,ears,neck,neck,",
        _HALF,
        _HALF,
    ),
    "bisenet": (
        ",skin,brows,brows,eyes,eyes,glasses,ears,ears,ears,nose,mouth,mouth,mouth,neck,neck,,hair,",
        _IMAGENET_MEAN,
        _IMAGENET_STD,
    ),
}

_FACE_REGIONS = ("skin", "brows", "eyes", "glasses", "nose", "mouth")
_COVERING_REGIONS = ("glasses", "hair")
_EDGE_TOLERANCE = 1 / 85
"""How far apart the edges of glasses or hair may lie in input and restored face: 6 px in a crop of 512."""


class FaceParser(Protocol):
    """What a parser has to offer; FaceParserNet of the loading package does."""

    @property
    def name(self) -> str:
        """ "parsenet" or "bisenet"."""

    @property
    def network(self) -> Callable[[Tensor], Any]:
        """Maps (B, 3, 512, 512) to a tuple whose first item is the logits (B, 19, 512, 512)."""

    @property
    def device(self) -> torch.device:
        """Where the network is."""


def check_regions(regions: str | Sequence[str]) -> tuple[str, ...]:
    """The names of regions, from a sequence or a text with commas. Raises InputError for a name not in MASK_REGIONS."""
    listed = regions.split(",") if isinstance(regions, str) else list(regions)
    names = tuple(name.strip().lower() for name in listed if name.strip())
    unknown = [name for name in names if name not in MASK_REGIONS]
    if unknown:
        raise InputError(f"regions: {', '.join(unknown)} is not known; choose from {', '.join(MASK_REGIONS)}")
    return names


def parse_faces(crops: Tensor, parser: FaceParser, *, batch_size: int = 4) -> Tensor:
    """Label every pixel of aligned crops.

    crops: (B, 3, 512, 512) RGB in [0, 1], any device. Returns int64 (B, 512, 512) on the crops' device: 0 for none,
    else 1 + the position in MASK_REGIONS. Raises InputError for another shape or a parser of unknown name.
    """
    if crops.ndim != 4 or crops.shape[1] != 3:
        raise InputError(f"crops: face parsing needs (B, 3, 512, 512), got {tuple(crops.shape)}")
    if parser.name not in _NETWORKS:
        raise InputError(f"parser: {parser.name!r} is not known; use one of {', '.join(_NETWORKS)}")
    order, mean, std = _NETWORKS[parser.name]
    numbers = [MASK_REGIONS.index(name) + 1 if name else 0 for name in order.split(",")]
    to_ours = torch.tensor(numbers, device=crops.device)
    parsed = [_run(part, parser, mean, std).to(crops.device) for part in crops.split(batch_size)]
    return to_ours[torch.cat(parsed)] if parsed else crops.new_zeros((0, *crops.shape[-2:]), dtype=torch.int64)


@torch.inference_mode()
def _run(crops: Tensor, parser: FaceParser, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    network = parser.network
    weight = next(network.parameters(), None) if isinstance(network, torch.nn.Module) else None
    crops = crops.to(device=parser.device, dtype=torch.float32)
    shift, spread = crops.new_tensor(mean).view(1, 3, 1, 1), crops.new_tensor(std).view(1, 3, 1, 1)
    scaled = (crops - shift) / spread
    logits = network(scaled if weight is None else scaled.to(weight.dtype))[0]
    if logits.shape != (len(crops), 19, *crops.shape[-2:]):
        raise InputError(f"parser {parser.name}: gave {tuple(logits.shape)} where 19 labels a pixel are expected")
    return logits.argmax(dim=1)


def region_mask(labels: Tensor, regions: Sequence[str]) -> Tensor:
    """bool (B, 1, H, W): the pixels of int64 labels (B, H, W) that belong to one of the regions."""
    chosen = torch.zeros(len(MASK_REGIONS) + 1, dtype=torch.bool, device=labels.device)
    chosen[[MASK_REGIONS.index(name) + 1 for name in check_regions(regions)]] = True
    return chosen[labels][:, None]


def parsing_mask(input_labels: Tensor, restored_labels: Tensor, regions: Sequence[str]) -> Tensor:
    """Where both the input and the restored face show one of the regions: float32 (B, 1, H, W), 0 or 1.

    What covers the face and was turned into face by the network stays as it is in the input: a hand or a microphone is
    none of the regions in the input, and glasses or hair have to be glasses or hair in both, give or take a few pixels
    at their edges. labels: int64 (B, H, W) as parse_faces gives them. Raises InputError for unknown regions.
    """
    allowed = region_mask(input_labels, regions) & region_mask(restored_labels, regions)
    for name in _COVERING_REGIONS:
        before, after = region_mask(input_labels, (name,)), region_mask(restored_labels, (name,))
        allowed &= ~(before & ~_widened(after)) & ~(after & ~_widened(before))
    return allowed.float()


def _widened(mask: Tensor) -> Tensor:
    reach = round(mask.shape[-1] * _EDGE_TOLERANCE)
    return F.max_pool2d(mask.float(), 2 * reach + 1, stride=1, padding=reach) > 0


def readable_inputs(input_labels: Tensor, restored_labels: Tensor, *, share: float = 0.25) -> list[bool]:
    """For each face, whether the parser saw the face in the input at all.

    A heavily damaged input can be parsed as no face; its labels say nothing about what covers it then. That is taken to
    be so where less than the given share of the restored face's inner parts is face in the input too.
    """
    restored = region_mask(restored_labels, _FACE_REGIONS)
    agreed = restored & region_mask(input_labels, _FACE_REGIONS)
    return [bool(a >= share * max(r, 1)) for a, r in zip(_areas(agreed), _areas(restored), strict=True)]


def _areas(mask: Tensor) -> list[int]:
    return mask.flatten(1).sum(dim=1).tolist()
