"""Where a run begins, and its learning rates."""

from pathlib import Path

import pytest
import torch

from training.export import export
from training.networks import code_table
from training.state import TrainState, begin_stage2, continue_from, new_state, set_rate
from vqfr_core.networks.vqfr import V1Config

TINY = V1Config(channels=(32,) * 6, encoder_blocks=1, decoder_blocks=1, num_codes=16, code_channels=8, deform_groups=1)
CPU = torch.device("cpu")


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A file with 5 steps of stage 1 and 3 of stage 2."""
    state = new_state(TINY, 0, CPU)
    state.step = 5
    begin_stage2(state)
    state.step = 3
    export(state, tmp_path / "net.safetensors", "noise", "CC0-1.0")
    return tmp_path / "net.safetensors"


def rates(state: TrainState) -> list[float]:
    return [float(group["lr"]) for group in state.optimizer.param_groups]


@pytest.mark.parametrize("stage", [1, 2])
def test_a_finished_network_continues_in_either_stage(finished: Path, stage: int) -> None:
    state = continue_from(finished, 1, CPU, stage)
    assert (state.stage, state.step) == (stage, 0)
    assert [(entry["stage"], entry["steps"]) for entry in state.history] == [(1, 5), (2, 3)]
    assert state.had_stage2 and not new_state(TINY, 0, CPU).had_stage2


def test_stage_1_continues_with_the_finished_codebook(finished: Path) -> None:
    state = continue_from(finished, 1, CPU, 1)
    book, before = state.codebook, code_table(state.net).clone()
    assert book.started and torch.equal(book.sums, before) and bool((book.counts == 1).all())
    book.update(before[:3] + 0.1, torch.arange(3))
    assert torch.allclose(code_table(state.net), before, atol=2e-3), "a step moves it by averages, from where it was"


def test_the_rate_of_each_group_is_scaled() -> None:
    state = new_state(TINY, 0, CPU)
    set_rate(state.optimizer, 1e-3)
    assert rates(state) == [1e-3]
    begin_stage2(state)
    set_rate(state.optimizer, 1e-3)
    assert rates(state) == pytest.approx([3e-4, 1e-3])


def test_a_rate_that_is_a_tensor_stays_one() -> None:
    """As on CUDA, where a recorded step reads it."""
    state = new_state(TINY, 0, CPU)
    (group,) = state.optimizer.param_groups
    group["lr"] = place = torch.tensor(0.5)
    set_rate(state.optimizer, 0.25)
    assert group["lr"] is place and place == 0.25
