"""The embedded network is the one that training makes."""

import torch

from training.networks import SMALL_V1, SMALL_V2, build, with_levels
from vqfr_core import load_model
from vqfr_core.weights.catalog import get_record


def test_the_embedded_network_has_the_size_that_training_gives_it() -> None:
    assert load_model("vqfr_small2", device="cpu").config == SMALL_V1


def test_it_takes_25_mb_at_most() -> None:
    path = get_record("vqfr_small2").packaged_path
    assert path is not None and path.stat().st_size <= 25e6
    with torch.device("meta"):
        for config in (SMALL_V1, SMALL_V2):
            assert sum(parameter.numel() for parameter in build(config).parameters()) * 2 < 25e6


def test_levels_are_left_out_above_the_deepest() -> None:
    assert with_levels(SMALL_V1, 6) == SMALL_V1
    assert with_levels(SMALL_V1, 5).channels == (32, 32, 64, 128, 256)
    assert with_levels(SMALL_V1, 7).channels == (32, 32, 64, 128, 128, 256, 256)
