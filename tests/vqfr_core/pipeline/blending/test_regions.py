import pytest
import torch

from vqfr_core.networks.face_regions import FACE_REGIONS
from vqfr_core.pipeline.blending.regions import parsing_mask, readable_inputs, region_mask

NUMBER = {name: i + 1 for i, name in enumerate(FACE_REGIONS)} | {"none": 0}


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
    assert region_mask(labels, FACE_REGIONS).sum() == 9
    assert region_mask(labels, []).sum() == 0


def test_an_input_without_a_face_is_told_from_one_with_a_hand() -> None:
    blank, hand, clear = torch.zeros_like(labelled()), labelled(none=(0, 128)), labelled()
    before, after = torch.cat([blank, hand, clear]), torch.cat([clear, clear, clear])
    assert readable_inputs(before, after) == [False, True, True]
