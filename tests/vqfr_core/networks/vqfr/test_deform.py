import pytest
import torch

from vqfr_core.networks.vqfr import deform, deform_gather, deform_torchvision


def case(channels=16, groups=4, height=11, width=9, batch=2, dtype=torch.float32, spread=6.0):
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(batch, channels, height, width, generator=generator)
    offset = torch.randn(batch, 18 * groups, height, width, generator=generator) * spread
    mask = torch.rand(batch, 9 * groups, height, width, generator=generator)
    weight = torch.randn(channels, channels, 3, 3, generator=generator) / 12
    bias = torch.randn(channels, generator=generator)
    return [value.to(dtype) for value in (x, offset, mask, weight, bias)]


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_gather_equals_torchvision(groups):
    pytest.importorskip("torchvision")
    arguments = case(groups=groups)
    with torch.inference_mode():
        gathered, reference = (
            deform_gather.deform_conv2d_gather(*arguments),
            deform_torchvision.deform_conv2d_torchvision(*arguments),
        )
    assert torch.allclose(gathered, reference, atol=1e-5)


def test_strips_do_not_show(monkeypatch):
    arguments = case(height=13)
    with torch.inference_mode():
        whole = deform_gather.deform_conv2d_gather(*arguments)
        monkeypatch.setattr(deform_gather, "STRIP_BYTES", 1)
        by_row = deform_gather.deform_conv2d_gather(*arguments)
    assert torch.allclose(whole, by_row, atol=1e-6)


def test_gradients_equal_those_of_a_numerical_derivative():
    arguments = [value.double().requires_grad_() for value in case(4, 2, 3, 4, 1, spread=1.0)]
    # Sampling positions are float32 inside, hence the coarse step.
    assert torch.autograd.gradcheck(
        lambda x, weight, bias: deform_gather.deform_conv2d_gather(x, arguments[1], arguments[2], weight, bias),
        (arguments[0], arguments[3], arguments[4]),
        eps=1e-3,
        atol=1e-3,
    )


def test_gradients_of_offsets_and_modulation_equal_torchvision():
    pytest.importorskip("torchvision")
    gradients = []
    for function in (deform_gather.deform_conv2d_gather, deform_torchvision.deform_conv2d_torchvision):
        arguments = [value.requires_grad_() for value in case(spread=1.5)]
        function(*arguments).square().sum().backward()
        gradients.append([argument.grad for argument in arguments])
    for ours, reference in zip(*gradients, strict=True):
        assert torch.allclose(ours, reference, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_keeps_positions_exact(dtype):
    arguments = case(dtype=dtype)
    with torch.inference_mode():
        half = deform_gather.deform_conv2d_gather(*arguments)
        full = deform_gather.deform_conv2d_gather(*(value.float() for value in arguments))
    assert half.dtype == dtype
    assert (half.float() - full).abs().max() < 0.05 * full.std()


def test_wild_offsets_read_zeros_and_never_leave_the_table():
    x, offset, mask, weight, bias = case()
    for value in (float("nan"), float("inf"), -1e30):
        with torch.inference_mode():
            result = deform_gather.deform_conv2d_gather(x, torch.full_like(offset, value), mask, weight, bias)
        if value == value:
            assert torch.equal(result, bias.view(1, -1, 1, 1).expand_as(result))


def test_portable_gather_equals_embedding_bag():
    arguments = case()
    neighbours = deform_gather._Neighbours(torch.randint(0, 50, (30, 4), dtype=torch.int32), torch.rand(30, 4))
    table = torch.randn(50, 8)
    fast = deform_gather._weighted_rows(table, neighbours, torch.float32)
    assert torch.allclose(fast, deform_gather._summed_rows(table, neighbours.rows, neighbours.weight), atol=1e-6)
    assert not deform_torchvision.torchvision_is_better(arguments[0], arguments[3]), "the gather is faster on the CPU"


def test_probe_accepts_only_right_values(monkeypatch):
    deform_torchvision._probe.cache_clear()
    monkeypatch.setattr(
        deform_torchvision, "deform_conv2d_torchvision", lambda *a: deform_gather.deform_conv2d_gather(*a) * 1.5
    )
    assert not deform_torchvision._probe("cpu", None, torch.float32)
    deform_torchvision._probe.cache_clear()
    monkeypatch.setattr(deform_torchvision, "deform_conv2d_torchvision", deform_gather.deform_conv2d_gather)
    monkeypatch.setattr(deform_torchvision, "_seconds", lambda function, case: 0.0)
    assert not deform_torchvision._probe("cpu", None, torch.float32), "not faster: not used"
    deform_torchvision._probe.cache_clear()
    slow = deform_gather.deform_conv2d_gather
    monkeypatch.setattr(deform_torchvision, "deform_conv2d_torchvision", lambda *a: slow(*a))
    monkeypatch.setattr(deform_torchvision, "_seconds", lambda function, case: 2.0 if function is slow else 1.0)
    assert deform_torchvision._probe("cpu", None, torch.float32), "right and faster"
    deform_torchvision._probe.cache_clear()


def test_a_new_layer_has_finite_weights():
    for _ in range(8):
        layer = deform.ModulatedDeformConv(64, 4)
        assert layer.weight.isfinite().all() and 0 < layer.weight.abs().max() < 1
