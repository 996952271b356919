"""The full state of a run: weights, averages, optimisers, counters; saved and loaded as one file."""

import copy
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from vqfr_core.networks.kernels.norm import use_fast_norms
from vqfr_core.networks.kernels.warp import use_fast_warps
from vqfr_core.networks.vqfr import V1Config, V2Config, VqfrV1, VqfrV2
from vqfr_core.networks.vqfr.blocks import ResidualBlock
from vqfr_core.networks.vqfr.texture_warp import TextureWarp
from vqfr_core.weights.load_model import load_model

from .codebook import CodebookTrainer
from .losses import PatchDiscriminator
from .networks import Vqfr, build, code_table, encoder_parameters, main_parameters, main_part, texture_parameters


@dataclass
class TrainState:
    """The state of a run; `new_state` makes it, `save` and `load` keep it."""

    config: V1Config | V2Config
    net: Vqfr
    ema: Vqfr
    """Moving average of `net`; validated and exported in stage 2."""
    teacher: Vqfr
    """The network at the end of stage 1: its encoder gives the codes of sharp faces."""
    codebook: CodebookTrainer
    discriminator: PatchDiscriminator
    optimizer: torch.optim.Adam
    discriminator_optimizer: torch.optim.Adam
    generator: torch.Generator
    """Source of random choices outside the data."""
    stage: int = 1
    step: int = 0
    """Steps done in the current stage."""
    seconds: float = 0.0
    """Time spent in the current stage."""
    best: float = math.inf
    """Lowest validation LPIPS of the current stage."""
    looks_since_best: int = 0
    """Validations since then."""
    history: list[dict[str, float]] = field(default_factory=list)
    """Steps of finished stages, and seconds if known."""

    @property
    def had_stage2(self) -> bool:
        """Whether the main decoder has been trained before."""
        return any(entry["stage"] == 2 and entry["steps"] > 0 for entry in self.history)


def new_state(config: V1Config | V2Config, seed: int, device: torch.device) -> TrainState:
    """A fresh run: random weights from `seed`, stage 1, step 0."""
    torch.manual_seed(seed)
    net = build(config)
    initialise(net)
    use_fast_norms(net)
    use_fast_warps(net)
    net.to(device).to(memory_format=torch.channels_last)
    code_table(net).requires_grad_(False)
    discriminator = PatchDiscriminator().to(device).to(memory_format=torch.channels_last)
    return TrainState(
        config=config,
        net=net,
        ema=_frozen_copy(net),
        teacher=_frozen_copy(net),
        codebook=CodebookTrainer(code_table(net).data),
        discriminator=discriminator,
        optimizer=make_optimizer(stage1_groups(net)),
        discriminator_optimizer=_for_recording(
            torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.0, 0.99), fused=True)
        ),
        generator=torch.Generator().manual_seed(seed),
    )


def make_optimizer(groups: list[dict[str, Any]]) -> torch.optim.Adam:
    """Adam as both stages use it; a group's `scale` multiplies the scheduled rate."""
    return _for_recording(torch.optim.Adam(groups, lr=1e-4, betas=(0.9, 0.99), fused=True))


def _for_recording(optimizer: torch.optim.Adam) -> torch.optim.Adam:
    """On CUDA, steps may be recorded (`graphs.py`): the rate of each group becomes a tensor there."""
    for group in optimizer.param_groups:
        device = group["params"][0].device
        if device.type == "cuda":
            group["capturable"], group["lr"] = True, torch.tensor(float(group["lr"]), device=device)
    return optimizer


def set_rate(optimizer: torch.optim.Adam, rate: float) -> None:
    """The learning rate of all groups, each multiplied by its `scale`."""
    for group in optimizer.param_groups:
        scaled = rate * group.get("scale", 1.0)
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(scaled)
        else:
            group["lr"] = scaled


def stage1_groups(net: Vqfr) -> list[dict[str, Any]]:
    """The parameters of stage 1: encoder and texture decoder; the codebook moves by averages."""
    return [{"params": [*encoder_parameters(net), *texture_parameters(net)], "scale": 1.0}]


def stage2_groups(net: Vqfr) -> list[dict[str, Any]]:
    """The parameters of stage 2: encoder at a low rate, condition and main decoder at the full rate."""
    return [{"params": encoder_parameters(net), "scale": 0.3}, {"params": main_parameters(net), "scale": 1.0}]


def begin_stage2(state: TrainState) -> None:
    """Freeze the result of stage 1, and reset optimiser, averages and counters."""
    state.history.append({"stage": state.stage, "steps": state.step, "seconds": round(state.seconds, 1)})
    state.stage, state.step, state.seconds = 2, 0, 0.0
    state.best, state.looks_since_best = math.inf, 0
    state.ema, state.teacher = _frozen_copy(state.net), _frozen_copy(state.net)
    state.optimizer = make_optimizer(stage2_groups(state.net))


def initialise(net: Vqfr) -> None:
    """Initial values: no warping, half modulation, and an answer equal to the input (v1) or the texture image (v2).

    Encoder and texture decoder start nearly linear, so that brightness and colour get through at once.
    """
    with torch.no_grad():
        _begin_nearly_linear(net)
        for warp in main_part(net).get_submodule("align_func_dict").children():
            assert isinstance(warp, TextureWarp)
            nn.init.kaiming_normal_(warp.dcn.weight, nonlinearity="linear")
            warp.dcn.weight.mul_(2.0)
            nn.init.normal_(warp.dcn.conv_offset.weight, std=0.01)
            warp.dcn.conv_offset.bias.zero_()  # type: ignore[union-attr]
        if not isinstance(net, VqfrV1):
            _begin_silent(net.main_branch.decoder_dict["Level_1"])
            return
        last = net.main_decoder.conv_out[0]
        assert isinstance(last, nn.Conv2d) and last.bias is not None
        nn.init.normal_(last.weight, std=0.001)
        nn.init.zeros_(last.bias)
        last.weight[:, -3:] = 0.0
        for channel in range(3):
            last.weight[channel, channel - 3, 1, 1] = 1.0


def _begin_nearly_linear(net: Vqfr) -> None:
    """Let the skip paths of the encoder's and texture decoder's residual blocks keep their scale, and the blocks add
    little.

    Group normalisation removes the level of a group and its contrast, unless its channels hold constants for reference,
    so they start with some.
    """
    parts = (net.encoder, net.quantizer, net.decoder)
    for module in (module for part in parts for module in part.modules()):
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
    for module in (module for part in parts for module in part.modules()):
        if isinstance(module, ResidualBlock):
            module.conv2.weight.mul_(0.1)
            nn.init.normal_(module.conv1.bias)  # type: ignore[arg-type]
    first = net.quantizer.code.post_quant_conv if isinstance(net, VqfrV1) else net.decoder.conv_in
    for conv in (net.encoder.conv_in, first):
        nn.init.normal_(conv.bias)  # type: ignore[arg-type]


def _begin_silent(block: nn.Module) -> None:
    """Make a residual block's initial output nearly zero."""
    assert isinstance(block, ResidualBlock) and block.shortcut_name is not None
    for conv in (block.conv2, block.get_submodule(block.shortcut_name)):
        assert isinstance(conv, nn.Conv2d) and conv.bias is not None
        nn.init.normal_(conv.weight, std=0.001)
        nn.init.zeros_(conv.bias)


def continue_from(path: Path, seed: int, device: torch.device, stage: int = 2) -> TrainState:
    """A run at the start of a stage with the weights of a finished network. Raises WeightsError for other files."""
    finished = load_model(path, "cpu", torch.float32)
    assert isinstance(finished, VqfrV1 | VqfrV2)
    state = new_state(finished.config, seed, device)
    state.net.load_state_dict(finished.state_dict())
    state.codebook.go_on()
    if stage == 2:
        begin_stage2(state)
    state.history = _steps_before(path)
    return state


def _steps_before(path: Path) -> list[dict[str, float]]:
    """What `export` wrote into a safetensors file about its training."""
    if path.suffix != ".safetensors":
        return []
    with safe_open(path, "pt") as file:
        metadata = file.metadata() or {}
    return [{"stage": stage, "steps": int(metadata.get(f"stage{stage}_steps", 0))} for stage in (1, 2)]


@torch.no_grad()
def update_average(state: TrainState, decay: float = 0.999) -> None:
    """One step of the moving average; over a ninth of the steps so far, so that initial weights fade."""
    decay = min(decay, (1 + state.step) / (10 + state.step))
    get_ema_multi_avg_fn(decay)(list(state.ema.parameters()), list(state.net.parameters()), state.step)


def save(state: TrainState, path: Path) -> None:
    """Write to a temporary file and rename, so that an interruption leaves the previous checkpoint."""
    content = {
        "generation": state.net.generation,
        "config": vars(state.config),
        "modules": {name: getattr(state, name).state_dict() for name in _STATEFUL},
        "generator": state.generator.get_state(),
        "counters": {name: getattr(state, name) for name in _COUNTERS},
    }
    partial = path.with_suffix(".part")
    torch.save(content, partial)
    partial.replace(path)


def load(path: Path, device: torch.device) -> TrainState:
    """Load a checkpoint written by `save`; training continues as if it had not stopped.

    By `torch.load`: it holds optimizer states, which the reader of weight files refuses, and comes from this program.
    """
    content = torch.load(path, map_location=device, weights_only=True)
    config = (V1Config if content["generation"] == 1 else V2Config)(**content["config"])
    state = new_state(config, 0, device)
    counters = content["counters"]
    if counters["stage"] == 2:
        state.optimizer = make_optimizer(stage2_groups(state.net))
    for name in _STATEFUL:
        getattr(state, name).load_state_dict(content["modules"][name])
    for optimizer in (state.optimizer, state.discriminator_optimizer):
        _for_recording(optimizer)
    state.generator.set_state(content["generator"].cpu())
    for name in _COUNTERS:
        setattr(state, name, counters[name])
    return state


_COUNTERS = ("stage", "step", "seconds", "best", "looks_since_best", "history")
_STATEFUL = ("net", "ema", "teacher", "codebook", "discriminator", "optimizer", "discriminator_optimizer")


def _frozen_copy(net: Vqfr) -> Vqfr:
    return copy.deepcopy(net).requires_grad_(False).eval()
