"""The whole networks, in one batch of three pictures, against the original evaluated in float64."""

import numpy as np
import pytest
import torch
from PIL import Image

from vqfr_core.networks.precision import full_float32
from vqfr_core.networks.vqfr import V1Config, V2Config, VqfrNetwork, VqfrV1, VqfrV2

pytestmark = pytest.mark.slow

LEVELS = (32, 16, 8, 4, 2, 1)
PICTURES = ("face", "synthetic", "mirror")
TOLERANCE = {1: 5e-4, 2: 2e-3}


def build(generation: int, state: dict[str, torch.Tensor]) -> VqfrNetwork:
    config = (V1Config if generation == 1 else V2Config).from_state_dict(state)
    assert config == type(config)(), "the reference weights have the published sizes"
    with torch.device("meta"):
        network = VqfrV1(config) if generation == 1 else VqfrV2(config)
    network.load_state_dict(state, strict=True, assign=True)
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def modules_by_feature(generation: int) -> dict[str, str]:
    """Name of a golden feature -> path of the module that gives it."""
    paths = {"cond": "inpfeat_extraction", "enc.conv_in": "encoder.conv_in"}
    if generation == 1:
        paths |= {f"enc.L{f}": f"encoder.encoder_dict.Level_{f}" for f in LEVELS}
        paths |= {f"tex.L{f}": f"decoder.decoder_dict.Level_{f}" for f in LEVELS}
        paths["warp.L1.cond"] = "inpfeat_extraction"
        paths |= {f"warp.L{f}.cond": f"main_decoder.align_func_dict.Level_{f}.downsample" for f in LEVELS[:-1]}
        code = "quantizer.quantize_dict.Level_32"
        paths |= {"enc.out": "encoder.enc_convout_dict.Level_32", "quant.z": f"{code}.quant_conv", "quant.out": code}
    else:
        paths |= {f"enc.L{f}": f"encoder.blocks.{5 - i}" for i, f in enumerate(LEVELS)}
        paths |= {f"tex.L{f}": f"decoder.blocks.{i}" for i, f in enumerate(LEVELS)}
        paths |= {"enc.L32.attn0": "encoder.blocks.5.2", "enc.mid": "encoder.mid_blocks", "enc.out": "encoder.conv_out"}
        paths |= {"quant.layernorm": "feat2index.0", "quant.logits": "feat2index"}
        paths |= {"tex.conv_in": "decoder.conv_in", "tex.mid": "decoder.mid_blocks"}
    main = "main_decoder" if generation == 1 else "main_branch"
    for f in LEVELS:
        warp = f"{main}.align_func_dict.Level_{f}"
        paths |= {f"warp.L{f}.out": warp, f"warp.L{f}.offset_conv1": f"{warp}.offset_conv1"}
        paths |= {
            f"warp.L{f}.offset_feature": f"{warp}.offset_conv2",
            f"warp.L{f}.raw_offsets": f"{warp}.dcn.conv_offset",
        }
        if f < 32:
            paths |= {
                f"main.up.L{f}": f"{main}.pre_upsample_dict.Level_{f}",
                f"main.L{f}": f"{main}.decoder_dict.Level_{f}",
            }
    return paths


class Run:
    """One batch through a network: samples of every feature, codes and answers."""

    def __init__(self, generation: int, state: dict[str, torch.Tensor], images: torch.Tensor) -> None:
        self.generation = generation
        self.features: dict[str, list[np.ndarray]] = {}
        network = build(generation, state).to(images.device)
        handles = [
            network.get_submodule(path).register_forward_hook(self._keeper(name))
            for name, path in modules_by_feature(generation).items()
        ]
        chosen: list[torch.Tensor] = []
        self._record_codes(network, chosen)
        with torch.inference_mode(), full_float32():
            answers = (answer.cpu() for answer in network.sweep(images, [0.0, 0.5, 1.0]))
            names = ("texture", "main", "main") if generation == 1 else ("main_f0", "main_f0.5", "main_f1")
            self.answers = dict(zip(names, answers, strict=True))
            kept, self.features = self.features, {}
            if generation == 2:
                self.answers["texture"] = network.texture(images[:1]).cpu()
            self.features = kept
        for handle in handles:
            handle.remove()
        self.codes = chosen[0].cpu().numpy()
        with torch.inference_mode():
            self.single_codes = network.codes(images[:1]).cpu().numpy()

    def _record_codes(self, network: VqfrNetwork, chosen: list[torch.Tensor]) -> None:
        """Those the answers are made of, which saves a second look at the batch."""
        if self.generation == 1:
            code = network.quantizer.code
            nearest = code.nearest
            code.nearest = lambda tokens: chosen.append(nearest(tokens)) or chosen[-1]
        else:
            network.feat2index.register_forward_hook(lambda module, inputs, output: chosen.append(output.argmax(-1)))

    def _keeper(self, name: str):
        def keep(module, inputs, output):
            values = output[0] if isinstance(output, tuple) else output
            if name.endswith("raw_offsets"):
                first, second, modulation = values.chunk(3, dim=1)
                level = name.removesuffix("raw_offsets")
                self._sample(level + "offsets", torch.cat([first, second], dim=1))
                self._sample(level + "mask", modulation.sigmoid())
            else:
                self._sample(name, values)

        return keep

    def _sample(self, name: str, values: torch.Tensor) -> None:
        flat = values.cpu().reshape(values.shape[0], -1)
        self.features[name] = [np.concatenate([f[:64], f[:: f.numel() // 256][:256]]) for f in flat[:2]]


@pytest.fixture(scope="module", params=[1, 2], ids=["v1", "v2"])
def run(request, make_state_dict, reference_dir, device):
    # On one thread PyTorch's group normalisation adds up 512 x 512 numbers in a row, which costs a digit.
    torch.set_num_threads(2)
    images = []
    for name in ("face", "synthetic"):
        pixels = np.asarray(Image.open(reference_dir / f"input_{name}.png").convert("RGB"))
        images.append(torch.from_numpy(pixels.copy()).permute(2, 0, 1) / 127.5 - 1)
    batch = torch.stack([*images, images[0].flip(-1)]).to(device)
    golden = np.load(reference_dir / f"golden_v{request.param}.npz")
    return Run(request.param, make_state_dict(request.param), batch), golden


def relative_error(found: np.ndarray, truth: np.ndarray, std: float) -> float:
    return float(np.abs(np.asarray(found, np.float64) - truth).max() / std)


def test_every_feature(run):
    ours, golden = run
    for index, picture in enumerate(PICTURES[:2]):
        names = {key.split("/")[2] for key in golden.files if key.startswith(f"{picture}/feat/")}
        assert names and names <= set(ours.features), names - set(ours.features)
        for name in names:
            prefix = f"{picture}/feat/{name}"
            truth = np.concatenate([golden[f"{prefix}/first64"], golden[f"{prefix}/strided256"]])
            error = relative_error(ours.features[name][index], truth, float(golden[f"{prefix}/std"]))
            assert error <= TOLERANCE[ours.generation], f"{prefix}: {error:.1e}"


def test_codes_are_all_equal_in_any_batch(run):
    ours, golden = run
    assert (ours.codes == golden["batch3/codes"]).all()
    assert (ours.codes[0] == golden["face/codes"].ravel()).all()
    assert (ours.codes[1] == golden["synthetic/codes"].ravel()).all()
    assert (ours.single_codes[0] == ours.codes[0]).all()


def test_images(run):
    ours, golden = run
    origins = [[0, 0], [0, 448], [448, 0], [448, 448], [224, 224], [150, 200]]
    for name, answers in ours.answers.items():
        for index in range(min(2, answers.shape[0])):
            prefix, answer = f"{PICTURES[index]}/{name}", answers[index]
            std = float(golden[f"{prefix}/sub4"].std())
            patches = torch.stack([answer[:, y : y + 64, x : x + 64] for y, x in origins])
            error = max(
                relative_error(answer[:, ::4, ::4], golden[f"{prefix}/sub4"], std),
                relative_error(patches, golden[f"{prefix}/patches"], std),
            )
            assert error <= TOLERANCE[ours.generation], f"{prefix}: {error:.1e}"
            eight_bit = ((answer.clamp(-1, 1) + 1) / 2 * 255).round()[:, ::4, ::4].numpy()
            difference = np.abs(eight_bit - golden[f"{prefix}/u8_sub4"])
            assert difference.max() <= 1 and (difference == 0).mean() >= 0.997, prefix


def test_batch_of_three(run):
    ours, golden = run
    name = "main" if ours.generation == 1 else "main_f0.5"
    for index, picture in enumerate(PICTURES):
        truth = golden[f"batch3/{picture}/{name}/sub8"]
        error = relative_error(ours.answers[name][index, :, ::8, ::8], truth, float(truth.std()))
        assert error <= TOLERANCE[ours.generation], f"{picture}: {error:.1e}"
