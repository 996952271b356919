import pytest
import torch

from vqfr_core.errors import InputError
from vqfr_core.networks.face_parsing import check_regions, parse_faces, parsing_mask, readable_inputs, region_mask
from vqfr_core.options import MASK_REGIONS

NUMBER = {name: i + 1 for i, name in enumerate(MASK_REGIONS)} | {"none": 0}

# The parts in each network's own order; "l_" and "r_" sides are one region here.
PARSENET = "none skin nose glasses eyes eyes brows brows ears ears mouth mouth mouth hair none ears neck neck none"
BISENET = "none skin brows brows eyes eyes glasses ears ears ears nose mouth mouth mouth neck neck none hair none"


class FakeParser:
    device = torch.device("cpu")

    def __init__(self, name: str, network) -> None:
        self.name = name
        self.network = network
        self.seen: list[torch.Tensor] = []


def counting_parser(name: str) -> FakeParser:
    """A parser that gives label (column mod 19) and remembers its inputs."""

    def network(x: torch.Tensor) -> tuple[torch.Tensor, None]:
        parser.seen.append(x)
        columns = torch.arange(x.shape[-1]) % 19
        logits = torch.nn.functional.one_hot(columns, 19).T.float()[None, :, None, :]
        return logits.expand(len(x), -1, x.shape[-2], -1), None

    parser = FakeParser(name, network)
    return parser


@pytest.mark.parametrize(("name", "order"), [("parsenet", PARSENET), ("bisenet", BISENET)])
def test_labels_are_translated_to_our_regions(name: str, order: str) -> None:
    labels = parse_faces(torch.zeros(1, 3, 32, 38), counting_parser(name))
    assert labels.shape == (1, 32, 38) and labels.dtype == torch.int64
    assert labels[0, 5, :19].tolist() == [NUMBER[part] for part in order.split()]
    assert torch.equal(labels[..., :19], labels[..., 19:])


def test_each_network_gets_its_own_scaling() -> None:
    crops = torch.tensor([0.0, 0.5, 1.0]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    parsenet, bisenet = counting_parser("parsenet"), counting_parser("bisenet")
    parse_faces(crops, parsenet)
    parse_faces(crops, bisenet)
    assert parsenet.seen[0][0, :, 0, 0].tolist() == pytest.approx([-1.0, 0.0, 1.0])
    expected = [(0.0 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (1.0 - 0.406) / 0.225]
    assert bisenet.seen[0][0, :, 0, 0].tolist() == pytest.approx(expected, rel=1e-5)


def test_crops_go_through_in_batches() -> None:
    parser = counting_parser("parsenet")
    assert parse_faces(torch.zeros(5, 3, 32, 32), parser, batch_size=2).shape == (5, 32, 32)
    assert [len(x) for x in parser.seen] == [2, 2, 1]
    assert parse_faces(torch.zeros(0, 3, 32, 32), parser).shape == (0, 32, 32)


@pytest.mark.parametrize("name", ["parsenet", "bisenet"])
def test_real_networks_with_random_weights(name: str) -> None:
    torch.manual_seed(0)
    if name == "parsenet":
        from facexlib.parsing.parsenet import ParseNet

        network = ParseNet(in_size=64, out_size=64, base_ch=32, res_depth=2, parsing_ch=19).eval()
    else:
        from facexlib.parsing.bisenet import BiSeNet

        network = BiSeNet(num_class=19).eval()
    labels = parse_faces(torch.rand(2, 3, 64, 64), FakeParser(name, network))
    assert labels.shape == (2, 64, 64)
    assert 0 <= int(labels.min()) and int(labels.max()) <= len(MASK_REGIONS)


def test_wrong_input_is_refused() -> None:
    with pytest.raises(InputError, match="crops"):
        parse_faces(torch.zeros(3, 32, 32), counting_parser("parsenet"))
    with pytest.raises(InputError, match="segnet"):
        parse_faces(torch.zeros(1, 3, 32, 32), counting_parser("segnet"))
    with pytest.raises(InputError, match="19 labels"):
        parse_faces(torch.zeros(1, 3, 32, 32), FakeParser("bisenet", lambda x: (x,)))


def test_regions_as_text_and_as_names() -> None:
    assert check_regions(" Skin, nose ,") == ("skin", "nose")
    assert check_regions(["hair"]) == ("hair",)
    with pytest.raises(InputError, match="moustache"):
        check_regions("skin,moustache")


def labelled(**columns: tuple[int, int]) -> torch.Tensor:
    """(1, 256, 256) labels: skin, with other parts in the given columns."""
    labels = torch.full((1, 256, 256), NUMBER["skin"])
    for name, (start, stop) in columns.items():
        labels[..., start:stop] = NUMBER[name]
    return labels


def test_an_occluder_the_network_removed_is_not_painted_over() -> None:
    mask = parsing_mask(labelled(none=(50, 90)), labelled(), ["skin"])
    assert mask.shape == (1, 1, 256, 256) and mask.dtype == torch.float32
    assert float(mask[..., 50:90].max()) == 0.0
    assert float(mask[..., :50].min()) == 1.0 and float(mask[..., 90:].min()) == 1.0


@pytest.mark.parametrize("name", ["glasses", "hair"])
def test_glasses_and_hair_have_to_be_in_both(name: str) -> None:
    regions = ["skin", name]
    removed = parsing_mask(labelled(**{name: (50, 90)}), labelled(), regions)
    invented = parsing_mask(labelled(), labelled(**{name: (50, 90)}), regions)
    kept = parsing_mask(labelled(**{name: (50, 90)}), labelled(**{name: (52, 89)}), regions)
    assert float(removed[..., 50:90].max()) == 0.0
    assert float(invented[..., 50:90].max()) == 0.0
    assert float(kept.min()) == 1.0


def test_regions_can_be_left_out() -> None:
    labels = labelled(eyes=(50, 90))
    assert float(parsing_mask(labels, labels, ["skin"])[..., 50:90].max()) == 0.0
    assert float(parsing_mask(labels, labels, ["skin", "eyes"]).min()) == 1.0
    # Skin that became an eye changes the face as asked when both are chosen, and not when one is not.
    moved = labelled(eyes=(90, 100))
    assert float(parsing_mask(labels, moved, ["skin", "eyes"]).min()) == 1.0
    assert float(parsing_mask(labels, moved, ["skin"])[..., 50:100].max()) == 0.0


def test_region_mask_counts_only_the_named_parts() -> None:
    labels = torch.arange(10).view(1, 2, 5)
    assert region_mask(labels, ["skin"]).sum() == 1
    assert region_mask(labels, MASK_REGIONS).sum() == 9
    assert region_mask(labels, []).sum() == 0


def test_an_input_without_a_face_is_told_from_one_with_a_hand() -> None:
    blank, hand, clear = torch.zeros_like(labelled()), labelled(none=(0, 128)), labelled()
    before, after = torch.cat([blank, hand, clear]), torch.cat([clear, clear, clear])
    assert readable_inputs(before, after) == [False, True, True]
