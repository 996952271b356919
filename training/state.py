"""Everything a run must remember: weights, averages, optimisers, counters; saved and read as one file."""

import copy
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vqfr_core.arch import V1Config, VqfrV1
from vqfr_core.arch.v1 import NearestCode
from vqfr_core.arch.warp import TextureWarp

from .codebook import CodebookTrainer
from .losses import PatchDiscriminator

SMALL = V1Config(channels=(32, 32, 64, 64, 128, 192), encoder_blocks=1, decoder_blocks=1, deform_groups=1)
"""The embedded network: 6.7 million parameters."""


@dataclass
class TrainState:
    """The state of a run; `new_state` makes it, `save` and `load` keep it."""

    config: V1Config
    net: VqfrV1
    ema: VqfrV1
    """Moving average of `net`; what is judged and exported in stage 2."""
    teacher: VqfrV1
    """The network at the end of stage 1: its encoder gives the codes of sharp faces."""
    codebook: CodebookTrainer
    discriminator: PatchDiscriminator
    optimizer: torch.optim.Adam
    discriminator_optimizer: torch.optim.Adam
    generator: torch.Generator
    """Source of random choices outside the data."""
    stage: int = 1
    step: int = 0
    """Steps done in the present stage."""
    seconds: float = 0.0
    """Time spent in the present stage."""
    history: list[dict[str, float]] = field(default_factory=list)
    """Steps and seconds of finished stages."""


def nearest_code_of(net: VqfrV1) -> NearestCode:
    """The quantizer of the deepest level."""
    (code,) = net.quantizer.get_submodule("quantize_dict").children()
    assert isinstance(code, NearestCode)
    return code


def new_state(config: V1Config, seed: int, device: torch.device) -> TrainState:
    """A fresh run: random weights from `seed`, stage 1, step 0."""
    torch.manual_seed(seed)
    net = VqfrV1(config)
    initialise(net)
    net.to(device).to(memory_format=torch.channels_last)
    nearest_code_of(net).embedding.weight.requires_grad_(False)
    discriminator = PatchDiscriminator().to(device).to(memory_format=torch.channels_last)
    return TrainState(
        config=config,
        net=net,
        ema=_frozen_copy(net),
        teacher=_frozen_copy(net),
        codebook=CodebookTrainer(nearest_code_of(net).embedding.weight.data),
        discriminator=discriminator,
        optimizer=make_optimizer(stage1_groups(net)),
        discriminator_optimizer=torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.0, 0.99)),
        generator=torch.Generator().manual_seed(seed),
    )


def make_optimizer(groups: list[dict[str, Any]]) -> torch.optim.Adam:
    """Adam as both stages use it; a group's `scale` multiplies the scheduled rate."""
    return torch.optim.Adam(groups, lr=1e-4, betas=(0.9, 0.99))


def stage1_groups(net: VqfrV1) -> list[dict[str, Any]]:
    """What stage 1 trains: encoder, quantizer without its table, texture decoder."""
    parts = (net.encoder, net.quantizer, net.decoder)
    return [{"params": [p for part in parts for p in part.parameters() if p.requires_grad], "scale": 1.0}]


def stage2_groups(net: VqfrV1) -> list[dict[str, Any]]:
    """What stage 2 trains: encoder and its projection gently, condition and main decoder at the full rate."""
    encoder = [*net.encoder.parameters(), *nearest_code_of(net).quant_conv.parameters()]
    main = [*net.inpfeat_extraction.parameters(), *net.main_decoder.parameters()]
    return [{"params": encoder, "scale": 0.5}, {"params": main, "scale": 1.0}]


def begin_stage2(state: TrainState) -> None:
    """Fix what stage 1 made, and start optimiser, averages and counters anew."""
    state.history.append({"stage": state.stage, "steps": state.step, "seconds": round(state.seconds, 1)})
    state.stage, state.step, state.seconds = 2, 0, 0.0
    state.ema, state.teacher = _frozen_copy(state.net), _frozen_copy(state.net)
    state.optimizer = make_optimizer(stage2_groups(state.net))


def initialise(net: VqfrV1) -> None:
    """Start values: no warping, half modulation, and an answer that equals the input."""
    with torch.no_grad():
        for warp in net.main_decoder.align_func_dict.children():
            assert isinstance(warp, TextureWarp)
            nn.init.kaiming_normal_(warp.dcn.weight, nonlinearity="linear")
            warp.dcn.weight.mul_(2.0)
            nn.init.normal_(warp.dcn.conv_offset.weight, std=0.01)
            warp.dcn.conv_offset.bias.zero_()  # type: ignore[union-attr]
        last = net.main_decoder.conv_out[0]
        assert isinstance(last, nn.Conv2d) and last.bias is not None
        nn.init.normal_(last.weight, std=0.001)
        nn.init.zeros_(last.bias)
        last.weight[:, -3:] = 0.0
        for channel in range(3):
            last.weight[channel, channel - 3, 1, 1] = 1.0


@torch.no_grad()
def update_average(state: TrainState, decay: float = 0.995) -> None:
    """One step of the moving average; shorter at the start, so that random weights are forgotten."""
    decay = min(decay, (1 + state.step) / (10 + state.step))
    for mean, value in zip(state.ema.parameters(), state.net.parameters(), strict=True):
        mean.lerp_(value, 1 - decay)


def save(state: TrainState, path: Path) -> None:
    """Write beside the file and rename, so that an interruption leaves the previous checkpoint."""
    content = {
        "config": vars(state.config),
        "modules": {name: getattr(state, name).state_dict() for name in _STATEFUL},
        "generator": state.generator.get_state(),
        "counters": {"stage": state.stage, "step": state.step, "seconds": state.seconds, "history": state.history},
    }
    partial = path.with_suffix(".part")
    torch.save(content, partial)
    os.replace(partial, path)


def load(path: Path, device: torch.device) -> TrainState:
    """Read a checkpoint written by `save`; training goes on as if it had not stopped."""
    content = torch.load(path, map_location=device, weights_only=True)
    state = new_state(V1Config(**content["config"]), 0, device)
    counters = content["counters"]
    if counters["stage"] == 2:
        state.optimizer = make_optimizer(stage2_groups(state.net))
    for name in _STATEFUL:
        getattr(state, name).load_state_dict(content["modules"][name])
    state.generator.set_state(content["generator"].cpu())
    state.stage, state.step = counters["stage"], counters["step"]
    state.seconds, state.history = counters["seconds"], counters["history"]
    return state


_STATEFUL = ("net", "ema", "teacher", "codebook", "discriminator", "optimizer", "discriminator_optimizer")


def _frozen_copy(net: VqfrV1) -> VqfrV1:
    return copy.deepcopy(net).requires_grad_(False).eval()
