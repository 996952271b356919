"""Face parsers: facexlib's ParseNet and BiSeNet.

Both label the same 19 parts (those of CelebAMask-HQ), in different orders and from differently scaled input, as in
facexlib 0.3.0, `inference/inference_parsing*.py`.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..errors import InputError
from .base import Parser
from .face_regions import FACE_REGIONS

Channels = tuple[float, float, float]

# The region of each of a network's labels ("" is none). Earrings go with the ears and a necklace with the neck.
_PARSENET_LABELS = ",skin,nose,glasses,eyes,eyes,brows,brows,ears,ears,mouth,mouth,mouth,hair,,ears,neck,neck,"
_BISENET_LABELS = ",skin,brows,brows,eyes,eyes,glasses,ears,ears,ears,nose,mouth,mouth,mouth,neck,neck,,hair,"
_HALF: Channels = (0.5, 0.5, 0.5)
_IMAGENET_MEAN: Channels = (0.485, 0.456, 0.406)
_IMAGENET_STD: Channels = (0.229, 0.224, 0.225)


def build_parsenet(state: Mapping[str, Tensor]) -> Parser:
    """ParseNet, without weights."""
    from facexlib.parsing.parsenet import ParseNet

    network = ParseNet(in_size=512, out_size=512, parsing_ch=19)
    return LabelParser(network, "parsenet", "ParseNet", _PARSENET_LABELS, _HALF, _HALF)


def build_bisenet(state: Mapping[str, Tensor]) -> Parser:
    """BiSeNet, without weights."""
    from facexlib.parsing.bisenet import BiSeNet

    return LabelParser(BiSeNet(num_class=19), "bisenet", "BiSeNet", _BISENET_LABELS, _IMAGENET_MEAN, _IMAGENET_STD)


class LabelParser(Parser):
    """A network whose first output is a score for each of its own labels."""

    def __init__(self, module: nn.Module, name: str, title: str, labels: str, mean: Channels, std: Channels) -> None:
        """labels: the region of each label, separated by commas. mean, std: of the input, RGB in [0, 1]."""
        super().__init__(module, name, title)
        regions = labels.split(",")
        numbers = [FACE_REGIONS.index(region) + 1 if region else 0 for region in regions]
        self._to_ours = torch.tensor(numbers, device="cpu")  # even while networks are built without weights
        self._mean, self._std = mean, std

    def run(self, crops: Tensor) -> Tensor:
        shift, spread = crops.new_tensor(self._mean).view(1, 3, 1, 1), crops.new_tensor(self._std).view(1, 3, 1, 1)
        logits = self.module((crops - shift) / spread)[0]
        if logits.shape != (len(crops), len(self._to_ours), *crops.shape[-2:]):
            raise InputError(
                f"the face parser {self.name} gave {tuple(logits.shape)} where {len(self._to_ours)} labels a pixel "
                "are expected"
            )
        return self._to_ours.to(logits.device)[logits.argmax(dim=1)]
