import pytest
import torch

from vqfr_core.errors import InputError
from vqfr_core.networks.base import Parser
from vqfr_core.networks.face_parsing import LabelParser, build_bisenet, build_parsenet
from vqfr_core.networks.face_regions import FACE_REGIONS

NUMBER = {name: i + 1 for i, name in enumerate(FACE_REGIONS)} | {"none": 0}
HALF = ((0.5,) * 3, (0.5,) * 3)
BUILD = {"parsenet": build_parsenet, "bisenet": build_bisenet}

# The parts in each network's own order; "l_" and "r_" sides are one region here.
PARSENET = "none skin nose glasses eyes eyes brows brows ears ears mouth mouth mouth hair none ears neck neck none"
BISENET = "none skin brows brows eyes eyes glasses ears ears ears nose mouth mouth mouth neck neck none hair none"


class Columns(torch.nn.Module):
    """Gives label (column mod 19) and remembers its inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, None]:
        self.seen.append(x)
        columns = torch.arange(x.shape[-1]) % 19
        logits = torch.nn.functional.one_hot(columns, 19).T.float()[None, :, None, :]
        return logits.expand(len(x), -1, x.shape[-2], -1), None


def counting_parser(name: str, crop_px: int = 38) -> LabelParser:
    """The real one of that name, with `Columns` in place of its network."""
    with torch.device("meta"):
        parser = BUILD[name]({})
    assert isinstance(parser, LabelParser)
    parser.module, parser.crop_px = Columns(), crop_px
    return parser


@pytest.mark.parametrize(("name", "order"), [("parsenet", PARSENET), ("bisenet", BISENET)])
def test_labels_are_translated_to_our_regions(name: str, order: str) -> None:
    labels = counting_parser(name).label(torch.zeros(1, 3, 38, 38))
    assert labels.shape == (1, 38, 38) and labels.dtype == torch.int64
    assert labels[0, 5, :19].tolist() == [NUMBER[part] for part in order.split()]
    assert torch.equal(labels[..., :19], labels[..., 19:])


def test_crops_of_another_size_are_resized_for_it() -> None:
    parser = counting_parser("parsenet")
    labels = parser.label(torch.rand(2, 3, 76, 76))
    assert parser.module.seen[0].shape == (2, 3, 38, 38)
    assert torch.equal(labels, parser.label(torch.zeros(2, 3, 38, 38)).repeat_interleave(2, 1).repeat_interleave(2, 2))


def test_each_network_gets_its_own_scaling() -> None:
    crops = torch.tensor([0.0, 0.5, 1.0]).view(1, 3, 1, 1).expand(1, 3, 38, 38)
    parsenet, bisenet = counting_parser("parsenet"), counting_parser("bisenet")
    parsenet.label(crops)
    bisenet.label(crops)
    assert parsenet.module.seen[0][0, :, 0, 0].tolist() == pytest.approx([-1.0, 0.0, 1.0])
    expected = [(0.0 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (1.0 - 0.406) / 0.225]
    assert bisenet.module.seen[0][0, :, 0, 0].tolist() == pytest.approx(expected, rel=1e-5)


def test_crops_go_through_in_batches() -> None:
    parser = counting_parser("parsenet")
    assert parser.label(torch.zeros(5, 3, 38, 38), batch_size=2).shape == (5, 38, 38)
    assert [len(x) for x in parser.module.seen] == [2, 2, 1]
    assert parser.label(torch.zeros(0, 3, 38, 38)).shape == (0, 38, 38)


def test_real_networks_with_random_weights() -> None:
    torch.manual_seed(0)
    from facexlib.parsing.bisenet import BiSeNet
    from facexlib.parsing.parsenet import ParseNet

    networks = {
        "parsenet": ParseNet(in_size=64, out_size=64, base_ch=32, res_depth=2, parsing_ch=19),
        "bisenet": BiSeNet(num_class=19),
    }
    for name, network in networks.items():
        parser = counting_parser(name, crop_px=64)
        parser.module = network.eval()
        labels = parser.label(torch.rand(2, 3, 64, 64))
        assert labels.shape == (2, 64, 64)
        assert 0 <= int(labels.min()) and int(labels.max()) <= len(FACE_REGIONS)


class TooFew(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor]:
        return (x,)


def test_a_network_of_other_labels_is_refused() -> None:
    parser: Parser = LabelParser(TooFew(), "odd", "an odd one", BISENET.replace("none", "").replace(" ", ","), *HALF)
    with pytest.raises(InputError, match="odd gave .* 19 labels"):
        parser.label(torch.zeros(1, 3, 512, 512))
