"""The images between a texture image and an answer."""

import pytest
import torch

from vqfr_core.networks.fidelity import DEFAULT_FIDELITY
from vqfr_core.networks.vqfr.mixture import known_range, mix_images
from vqfr_core.options import RestoreOptions


def picture(value: float) -> torch.Tensor:
    return torch.full((1, 3, 64, 64), value)


def share(value: float) -> torch.Tensor:
    return torch.full((1, 1, 1, 1), value)


def checkerboard() -> torch.Tensor:
    """Detail of one pixel around grey."""
    rows, columns = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    return ((rows + columns) % 2 - 0.5).expand(1, 3, 64, 64)


def test_the_default_of_the_setting_is_where_the_published_answer_stands():
    assert RestoreOptions().fidelity == DEFAULT_FIDELITY


def test_shapes_follow_the_answer_first():
    """A change of level is complete at a quarter of the way."""
    for part, expected in ((0.125, 0.5), (0.25, 1.0), (0.6, 1.0)):
        assert torch.allclose(mix_images(picture(0), picture(1), share(part)), picture(expected), atol=1e-5)


def test_detail_follows_in_proportion():
    detail = checkerboard()
    for part in (0.25, 0.5, 0.75):
        inner = (..., slice(16, 48), slice(16, 48))
        mixed = mix_images(torch.zeros_like(detail), detail, share(part))
        assert torch.allclose(mixed[inner], part * detail[inner], atol=0.01)


def test_an_edge_does_not_show_twice():
    """Two edges 16 px apart: at half the way hardly anything is left of the texture's."""
    columns = torch.arange(64).expand(1, 3, 64, 64)
    texture, answer = (columns >= 20).float(), (columns >= 36).float()
    mixed = mix_images(texture, answer, share(0.5))
    assert (mixed - answer).abs()[..., 20:36].mean() < 0.25


def test_both_ends_are_exact_even_beside_numbers_that_are_none():
    texture, answer = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    assert torch.equal(mix_images(texture, answer * torch.nan, share(0.0)), texture)
    assert torch.equal(mix_images(texture * torch.nan, answer, share(1.0)), answer)
    assert torch.equal(mix_images(texture, answer, share(2.0)), answer)


def test_no_seam_where_a_map_changes_slowly():
    ramp = torch.linspace(-0.2, 1.2, 64).clamp(0, 1).expand(1, 1, 64, 64)
    assert mix_images(picture(0), picture(1), ramp)[0, 0, 32].diff().abs().max() < 0.1


def test_the_memory_format_makes_no_difference():
    texture, answer = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    other = [image.to(memory_format=torch.channels_last) for image in (texture, answer)]
    assert torch.equal(mix_images(*other, share(0.3)), mix_images(texture, answer, share(0.3)))


@pytest.mark.parametrize(
    ("fidelity", "expected"),
    [
        (0.3, (0.3, 0.3)),
        ([0.5, 0.25], (0.25, 0.5)),
        (torch.tensor([[0.5, 0.75]]), (0.5, 0.75)),
        (torch.tensor([0.5], device="meta"), (0.0, 1.0)),
    ],
    ids=["number", "list", "map", "map elsewhere"],
)
def test_the_range_of_a_fidelity(fidelity, expected):
    assert known_range(fidelity) == expected
