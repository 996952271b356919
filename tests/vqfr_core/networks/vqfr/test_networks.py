"""Properties of both networks, on tiny ones with random weights."""

import pytest
import torch

from vqfr_core.errors import InputError, WeightsError
from vqfr_core.networks.precision import full_float32
from vqfr_core.networks.vqfr import V1Config, V2Config, VqfrNetwork, VqfrV1, VqfrV2

SIZES = {"channels": (32, 32, 64, 64, 64, 96), "num_codes": 20, "code_channels": 32, "encoder_blocks": 1}
CONFIGS = [
    V1Config(**SIZES, decoder_blocks=1, deform_groups=1, condition_channels=16),
    V1Config(**SIZES, decoder_blocks=2, deform_groups=2),
    V2Config(**SIZES, decoder_blocks=1, deform_groups=4),
    V2Config(**SIZES, decoder_blocks=2, deform_groups=1, predicts_codes=False),
]


def make(config: V1Config | V2Config) -> VqfrNetwork:
    torch.manual_seed(5)
    network = VqfrV1(config) if isinstance(config, V1Config) else VqfrV2(config)
    for parameter in network.parameters():
        if parameter.ndim == 4:
            torch.nn.init.normal_(parameter, std=(2 / parameter[0].numel()) ** 0.5)
    return network.eval().requires_grad_(False)


@pytest.fixture
def v2() -> VqfrV2:
    network = make(CONFIGS[2])
    assert isinstance(network, VqfrV2)
    return network


@pytest.fixture
def x() -> torch.Tensor:
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_sizes_are_read_back_from_the_weights(config):
    assert type(config).from_state_dict(make(config).state_dict()) == config


@pytest.mark.parametrize("config", [V1Config(), V2Config()], ids=["v1", "v2"])
def test_published_names_and_shapes(config, reference_dir):
    import json

    listed = json.loads((reference_dir / f"vqfr_v{1 if isinstance(config, V1Config) else 2}.keys.json").read_text())
    with torch.device("meta"):
        network = VqfrV1(config) if isinstance(config, V1Config) else VqfrV2(config)
    ours = {name: list(value.shape) for name, value in network.state_dict().items()}
    assert ours == {entry["key"]: entry["shape"] for entry in listed["keys"]}


def test_a_missing_size_is_named():
    with pytest.raises(WeightsError, match=r"embedding.weight"):
        V2Config.from_state_dict({})


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_a_batch_gives_what_single_faces_give(config, x):
    network = make(config)
    together, codes = network(x), network.codes(x)
    assert codes.dtype == torch.int64 and codes.shape == (2, 4)
    for i in range(2):
        assert torch.equal(codes[i], network.codes(x[i : i + 1])[0])
        assert torch.allclose(together[i], network(x[i : i + 1])[0], atol=1e-4)


def test_fidelity_zero_is_the_full_path_bit_for_bit(v2, x):
    skipped = v2(x, 0.0)
    full = v2(x, torch.zeros(2, 1, 64, 64))
    assert torch.equal(skipped, full)
    assert torch.equal(skipped, v2.texture(x))
    assert not torch.equal(skipped, v2(x, 1.0))


def test_fidelity_zero_skips_the_main_branch(v2, x, monkeypatch):
    monkeypatch.setattr(v2.main_branch, "forward", None)
    assert torch.equal(v2(x, 0), v2(x, [0.0, 0.0]))
    with pytest.raises(TypeError):
        v2(x, 0.1)


def test_fidelity_as_number_list_and_map_agree(v2, x):
    number = v2(x, 0.7)
    assert torch.equal(number, v2(x, [0.7, 0.7]))
    assert torch.equal(number, v2(x, torch.full((2, 1, 64, 64), 0.7)))
    mixed = v2(x, [0.0, 0.7])
    assert torch.allclose(mixed[1], number[1], atol=1e-6)
    assert torch.allclose(mixed[0], v2(x, 0)[0], atol=1e-6)


def test_a_sweep_gives_the_single_answers_with_one_encoding(v2, x, monkeypatch):
    singles = [v2(x, f) for f in (0.0, 0.3, 1.0)]
    calls = []
    encode = v2.encoder.forward
    monkeypatch.setattr(v2.encoder, "forward", lambda image: calls.append(1) or encode(image))
    assert all(torch.equal(a, b) for a, b in zip(v2.sweep(x, [0.0, 0.3, 1.0]), singles, strict=True))
    assert len(calls) == 1


def test_a_fidelity_of_wrong_shape_is_refused(v2, x):
    with pytest.raises(InputError, match=r"got shape \(3,\)"):
        v2(x, [0.1, 0.2, 0.3])


def test_v1_ignores_fidelity(x):
    network = make(CONFIGS[0])
    assert torch.equal(network(x), network(x, 0.9)) and not network.has_fidelity


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 4, 64, 64), (1, 3, 60, 64)])
def test_bad_shapes_are_named(v2, shape):
    with pytest.raises(InputError, match="multiples of 32"):
        v2(torch.zeros(shape))


@pytest.mark.slow
@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_half_precision_keeps_the_code_choice_in_float32(config, x):
    network = make(config).set_precision(torch.bfloat16)
    assert network.dtype == torch.bfloat16
    assert next(network.quantizer.parameters()).dtype == torch.float32
    answer = network(x)
    assert answer.dtype == torch.float32 and answer.isfinite().all()


def test_gradients_flow_for_training(x):
    network = make(CONFIGS[0]).train().requires_grad_(True)
    network(x).square().mean().backward()
    offsets = network.main_decoder.align_func_dict["Level_1"].dcn.conv_offset.weight.grad
    assert offsets is not None and offsets.abs().sum() > 0


def test_codes_are_chosen_without_tf32_and_the_setting_is_put_back(monkeypatch):
    network = make(CONFIGS[0])
    seen = []
    network.encoder.register_forward_hook(lambda *_: seen.append(torch.backends.cudnn.allow_tf32))
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    with torch.inference_mode():
        network(torch.zeros(1, 3, 64, 64))
        network.codes(torch.zeros(1, 3, 64, 64))
    assert seen == [False, False] and torch.backends.cudnn.allow_tf32


def test_a_host_may_use_the_newer_names_of_that_setting():
    matmul = torch.backends.cuda.matmul
    if not hasattr(matmul, "fp32_precision"):
        pytest.skip("this PyTorch has the older names alone")
    before = matmul.fp32_precision
    matmul.fp32_precision = "tf32"
    try:
        with full_float32():
            assert torch.backends.cudnn.conv.fp32_precision == matmul.fp32_precision == "ieee"
        assert matmul.fp32_precision == "tf32"
    finally:
        matmul.fp32_precision = before
    assert torch.backends.cudnn.allow_tf32, "readable by its older name again"
