"""Properties of both networks, on tiny ones with random weights."""

import pytest
import torch

from vqfr_core.errors import InputError, WeightsError
from vqfr_core.networks.fidelity import DEFAULT_FIDELITY
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
def v1() -> VqfrV1:
    network = make(CONFIGS[0])
    assert isinstance(network, VqfrV1)
    return network


@pytest.fixture
def published(v1, x) -> torch.Tensor:
    """What the paper's v1 answers, its parts called one by one."""
    textures = v1.decoder(v1.quantizer.code(v1.encoder(x)))
    answer: torch.Tensor = v1.main_decoder(textures, v1.inpfeat_extraction(x), x)
    return answer


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


@pytest.mark.parametrize(
    "fidelity", [DEFAULT_FIDELITY, 0.9, 1, [DEFAULT_FIDELITY, 1.0], torch.full((2, 1, 64, 64), 0.7)], ids=str
)
def test_v1_from_the_default_on_is_the_published_answer_and_costs_no_more(v1, x, published, fidelity, monkeypatch):
    monkeypatch.setattr(v1.decoder.conv_out, "forward", None)
    assert torch.equal(v1(x, fidelity), published) and torch.equal(v1(x), published)
    with pytest.raises(TypeError):
        v1(x, 0.49)


def test_v1_at_zero_is_the_texture_image_and_skips_the_main_decoder(v1, x, monkeypatch):
    corner = torch.zeros(2, 1, 64, 64)
    corner[..., 0, 0] = 1.0
    full = v1(x, corner)
    texture = v1.decoder.conv_out(v1.decoder(v1.quantizer.code(v1.encoder(x)))["Level_1"])
    monkeypatch.setattr(v1.main_decoder, "forward", None)
    for zero in (0, [0.0, 0.0], torch.zeros(2, 1, 64, 64)):
        assert torch.equal(v1(x, zero), texture)
    assert torch.equal(v1.texture(x), texture) and torch.equal(full[..., 1:, :], texture[..., 1:, :])
    with pytest.raises(TypeError):
        v1(x, 0.01)


def test_v1_between_moves_from_the_texture_image_to_the_answer(v1, x, published):
    images = v1.sweep(x, [0.0, 0.1, 0.2, 0.3, 0.4, DEFAULT_FIDELITY])
    left = [float((image - published).abs().mean()) for image in images]
    assert left == sorted(left, reverse=True) and left[-1] == 0 < left[-2] < left[-3]
    assert float((images[1] - images[0]).abs().mean()) > 0


def test_v1_fidelity_as_number_list_and_map_agree(v1, x, published):
    number = v1(x, 0.3)
    assert torch.equal(number, v1(x, [0.3, 0.3]))
    assert torch.equal(number, v1(x, torch.full((2, 1, 64, 64), 0.3)))
    listed = v1(x, [0.3, 0.8])
    assert torch.equal(listed[0], number[0]) and torch.equal(listed[1], published[1])
    painted = torch.full((2, 1, 64, 64), 0.3)
    painted[..., 32:] = 0.9
    mixed = v1(x, painted)
    assert torch.equal(mixed[..., 32:], published[..., 32:]) and torch.equal(mixed[..., :32], number[..., :32])


def test_v1_keeps_its_features_for_any_fidelity(v1, x):
    features = v1.features(x)
    for fidelity in (0.0, 0.3, [0.2, 1.0], 1.0):
        assert torch.equal(v1.head(features, fidelity), v1(x, fidelity))
    with pytest.raises(InputError, match="lack an image"):
        v1.head(features._replace(texture=None), 0.3)
    with pytest.raises(InputError, match="lack an image"):
        v1.head(features._replace(main=None), 0.3)


def test_v1_refuses_a_fidelity_of_wrong_shape(v1, x):
    for fidelity in (0.1, 0.9):
        with pytest.raises(InputError, match=r"got shape \(3,\)"):
            v1(x, [fidelity] * 3)


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 4, 64, 64), (1, 3, 60, 64)])
def test_bad_shapes_are_named(v2, shape):
    with pytest.raises(InputError, match="multiples of 32"):
        v2(torch.zeros(shape))


@pytest.mark.slow
@pytest.mark.parametrize("fidelity", [0.0, 0.3, DEFAULT_FIDELITY])
def test_v1_mixes_half_precision_in_float32(v1, x, fidelity):
    half = v1.set_precision(torch.bfloat16)
    texture, answer = (image.float() for image in half.features(x))
    mixed = half(x, fidelity)
    assert mixed.dtype == torch.float32 and mixed.isfinite().all()
    expected = half.head(half.features(x)._replace(texture=texture, main=answer), fidelity)
    assert torch.equal(mixed, expected)


@pytest.mark.slow
@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_half_precision_keeps_the_code_choice_in_float32(config, x):
    network = make(config)
    codes = network.codes(x)
    network.set_precision(torch.bfloat16)
    assert network.dtype == torch.bfloat16
    assert torch.equal(network.codes(x), codes)
    assert {part.dtype for part in network.encoder.parameters()} == {torch.float32}, "not a lucky draw"
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
