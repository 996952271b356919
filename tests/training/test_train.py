"""Few steps of tiny networks of both generations: resuming, both stages, several processes, export."""

import argparse
import dataclasses
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from training.export import export
from training.networks import code_table, with_levels
from training.recipe import Recipe
from training.state import TrainState, begin_stage2, continue_from, load, new_state, save
from training.train import Trainer, parse_arguments
from vqfr_core.networks.vqfr import V1Config, V2Config
from vqfr_core.weights.load_model import load_model

SIZES = dict(
    channels=(32, 32, 32, 32, 32, 32),
    encoder_blocks=1,
    decoder_blocks=1,
    num_codes=16,
    condition_channels=8,
    deform_groups=1,
)
TINY = V1Config(**SIZES, code_channels=8)
TINY_V2 = V2Config(**SIZES, code_channels=32, predicts_codes=False)
FIVE_LEVELS = [with_levels(TINY, 5), with_levels(TINY_V2, 5)]
RECIPE = Recipe(
    stage1_crop_px=64,
    stage2_crop_px=64,
    stage1_batch=2,
    stage2_batch=2,
    unquantized_steps=1,
    replace_every=2,
    adversarial_from=0.0,
    bf16=False,
)
CPU = torch.device("cpu")


@pytest.fixture
def options(faces_tar: Path, vgg_file: Path, tmp_path: Path) -> argparse.Namespace:
    parsed = parse_arguments(["--faces", str(faces_tar), "--vgg", str(vgg_file), "--out", str(tmp_path)])
    parsed.device, parsed.num_validation, parsed.num_shown, parsed.num_workers = "cpu", 1, 0, 0
    return parsed


def train(state: TrainState, options: argparse.Namespace, steps: int) -> Trainer:
    """So many steps of the present stage, without looks at validation faces."""
    trainer = Trainer(state, RECIPE, options, CPU)
    trainer._look = lambda: None  # type: ignore[method-assign]
    trainer.max_steps = steps
    minutes = RECIPE.stage1_minutes if state.stage == 1 else RECIPE.stage2_minutes
    trainer._run_stage(minutes * 60)
    return trainer


@pytest.mark.slow
@pytest.mark.parametrize("stage", [1, 2])
def test_a_resumed_run_reaches_the_same_state(options: argparse.Namespace, tmp_path: Path, stage: int) -> None:
    state = new_state(TINY, 4, CPU)
    if stage == 2:
        begin_stage2(state)
    train(state, options, 2)
    state.seconds = 0.0  # the rate depends on the clock
    save(state, tmp_path / "middle.pt")
    train(state, options, 2)
    resumed = load(tmp_path / "middle.pt", CPU)
    train(resumed, options, 2)
    assert (resumed.stage, resumed.step) == (state.stage, 4)
    found = resumed.net.state_dict()
    for name, value in state.net.state_dict().items():
        assert torch.allclose(found[name], value, atol=1e-5), name
    assert torch.allclose(resumed.codebook.sums, state.codebook.sums, atol=1e-4)


@pytest.mark.parametrize("config", [TINY, TINY_V2, *FIVE_LEVELS])
def test_stage1_learns_and_stage2_keeps_the_texture_decoder(
    options: argparse.Namespace, config: V1Config | V2Config
) -> None:
    state = new_state(config, 4, CPU)
    before = state.net.state_dict()["decoder.conv_out.2.weight"].clone()
    train(state, options, 3)
    assert state.codebook.started
    assert not torch.equal(before, state.net.state_dict()["decoder.conv_out.2.weight"])
    begin_stage2(state)
    fixed = {key: value.clone() for key, value in state.net.state_dict().items()}
    train(state, options, 2)
    for key, value in state.net.state_dict().items():
        is_fixed = key.startswith("decoder.") or "embedding" in key or "post_quant_conv" in key
        assert torch.equal(value, fixed[key]) == is_fixed, key
    assert all(bool(value.isfinite().all()) for value in state.ema.state_dict().values())


@pytest.mark.slow
def test_a_run_does_both_stages_and_leaves_checkpoints(options: argparse.Namespace, tmp_path: Path) -> None:
    options.max_steps = 2
    options.num_shown = 1
    trainer = Trainer(new_state(TINY, 4, CPU), RECIPE, options, CPU)
    trainer.run()
    assert load(tmp_path / "stage1_done.pt", CPU).history[0]["steps"] == 2
    state = load(tmp_path / "last.pt", CPU)
    assert (state.stage, state.step) == (2, 2) and math.isfinite(state.best)
    assert load(tmp_path / "stage2_best.pt", CPU).best == state.best
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["stage"] for line in lines if "lpips" in line] == [1, 2]
    assert {path.name for path in tmp_path.glob("*g")} == {"curves.png", "stage1_000002.jpg", "stage2_000002.jpg"}
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.slow
@pytest.mark.parametrize("had_stage2", [False, True])
def test_only_a_main_decoder_that_knows_nothing_is_handed_values(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch, had_stage2: bool
) -> None:
    handed: list[object] = []
    monkeypatch.setattr("training.train.hand_over", lambda net, batch: handed.append(net))
    state = new_state(TINY, 4, CPU)
    state.history = [{"stage": 1, "steps": 5}, {"stage": 2, "steps": 3}] if had_stage2 else []
    trainer = Trainer(state, RECIPE, options, CPU)
    monkeypatch.setattr(trainer, "_run_stage", lambda limit_s: None)
    trainer.run()
    assert handed == ([] if had_stage2 else [state.net]) and state.stage == 2


def test_unused_codes_are_not_replaced_right_after_the_start(options: argparse.Namespace) -> None:
    state, replaced = new_state(TINY, 4, CPU), []
    state.codebook.replace_unused = lambda generator: replaced.append(state.step)  # type: ignore[method-assign]
    train(state, options, 3)  # RECIPE starts the codebook in step 1 and counts for two steps
    assert state.codebook.started and replaced == []
    assert state.codebook.num_updates == 1
    train(state, options, 1)
    assert replaced == [3]


def test_a_stage_ends_when_looks_get_no_better(options: argparse.Namespace) -> None:
    options.every_minutes, options.patience = 0.0, 3
    trainer = Trainer(new_state(TINY, 4, CPU), RECIPE, options, CPU)
    found = iter([0.5, 0.4, 0.6, 0.5, 0.45, 0.3])

    def look() -> None:
        trainer._remember(next(found))

    trainer._look = look  # type: ignore[method-assign]
    trainer._run_stage(1000.0)
    assert trainer.state.step == 5 and trainer.state.best == 0.3  # the last look is after the end


@pytest.mark.slow
def test_two_processes_train_as_one(options: argparse.Namespace, tmp_path: Path) -> None:
    """Two processes with one crop each end with the same weights as each other, and go on from one file."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    settings = {"num-shown": 1, "num-validation": 1, "max-steps": 2, "threads": 1, "unquantized-steps": 1}
    settings |= {"stage1-crop-px": 64, "stage2-crop-px": 64, "adversarial-from": 0}
    given = [text for name, value in settings.items() for text in (f"--{name}", str(value))]
    data = ["--faces", str(options.faces), "--vgg", str(options.vgg), "--out", str(tmp_path / "run"), "--device", "cpu"]
    done = subprocess.run(
        [*command, "-m", "training.train", *data, *given], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    state = load(tmp_path / "run" / "last.pt", CPU)
    assert (state.stage, state.step) == (2, 2) and state.codebook.started


def test_an_untrained_answer_is_nearly_the_input() -> None:
    net = new_state(TINY, 0, CPU).net.eval()
    x = torch.rand(1, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        assert (net(x) - x).abs().mean() < 0.1


@pytest.mark.parametrize("config", [TINY, TINY_V2, *FIVE_LEVELS])
def test_export_loads_strictly(tmp_path: Path, config: V1Config | V2Config) -> None:
    state = new_state(config, 0, CPU)
    state.step = 5
    begin_stage2(state)
    state.step = 3
    size = export(state, tmp_path / "net.safetensors", "noise", "CC0-1.0")
    assert size == (tmp_path / "net.safetensors").stat().st_size
    assert all(value.dtype == torch.float16 for value in load_file(tmp_path / "net.safetensors").values())
    net = load_model(tmp_path / "net.safetensors", "cpu")
    assert dataclasses.asdict(net.config) == dataclasses.asdict(config)
    assert torch.allclose(code_table(net), code_table(state.ema), atol=2e-3)
    assert net.codes(torch.zeros(1, 3, 64, 64)).shape == (1, (64 >> (len(config.channels) - 1)) ** 2)
    again = continue_from(tmp_path / "net.safetensors", 0, CPU)
    assert (again.stage, again.step) == (2, 0)
    x = torch.rand(1, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        assert torch.allclose(again.net(x), net(x), atol=1e-5)
    again.step = 4
    export(again, tmp_path / "further.safetensors", "noise", "CC0-1.0")
    with safe_open(tmp_path / "further.safetensors", "pt") as file:
        assert (file.metadata()["stage1_steps"], file.metadata()["stage2_steps"]) == ("5", "7")


def test_export_refuses_numbers_that_are_not_finite(tmp_path: Path) -> None:
    state = new_state(TINY, 0, CPU)
    state.net.encoder.conv_in.bias.data[0] = float("nan")
    with pytest.raises(ValueError, match=r"encoder\.conv_in\.bias"):
        export(state, tmp_path / "net.safetensors", "noise", "CC0-1.0")
    assert not list(tmp_path.iterdir())


def test_both_stages_end_on_whole_faces() -> None:
    recipe = Recipe(stage1_crop_px=192, stage1_batch=3, stage2_crop_px=256, stage2_batch=20, whole_faces_from=0.7)
    assert recipe.phases(1) == [(0.7, 192, 3), (1.0, 512, 1)]
    assert recipe.phases(2) == [(0.7, 256, 20), (1.0, 512, 5)]
    assert Recipe(stage2_crop_px=64, stage2_batch=2).phases(2)[1][2] == 1


def test_rate_warms_up_and_ends_low() -> None:
    recipe = Recipe(warmup_steps=10, stage2_learning_rate=1.0)
    assert recipe.rate(2, 0, 0.0) == pytest.approx(0.1)
    assert recipe.rate(2, 50, 0.2) == pytest.approx(1.0)
    assert recipe.rate(2, 50, 1.0) == pytest.approx(0.03)
