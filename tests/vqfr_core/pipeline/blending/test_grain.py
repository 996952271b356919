import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from vqfr_core.errors import InputError
from vqfr_core.pipeline.blending.grain import measure_grain, missing_grain, transfer_grain

FULL = torch.ones(1, 256, 256)


def smooth_picture(seed: int = 0) -> torch.Tensor:
    coarse = torch.rand((1, 3, 6, 6), generator=torch.Generator().manual_seed(seed)) * 0.4 + 0.3
    return F.interpolate(coarse, (256, 256), mode="bicubic")[0]


def noise(sigma: float, seed: int = 9, channels: int = 3) -> torch.Tensor:
    return (torch.randn((channels, 256, 256), generator=torch.Generator().manual_seed(seed)) * sigma).expand(3, -1, -1)


def coarse_noise(sigma: float) -> torch.Tensor:
    """Noise of pixels 4 times as large, as in a small face that was enlarged."""
    small = torch.randn((1, 3, 64, 64), generator=torch.Generator().manual_seed(5)) * sigma
    return F.interpolate(small, (256, 256), mode="bicubic")[0]


def test_fine_grain_is_matched_in_strength_and_spectrum() -> None:
    clean = smooth_picture()
    source = clean + noise(0.04)
    result = transfer_grain(clean, source, FULL, 1.0, seed=0)
    assert float((result - clean).std()) == pytest.approx(0.04, rel=0.25)
    ratio = measure_grain(result, FULL) / measure_grain(source, FULL)
    assert float(ratio[:, :2].min()) > 0.8 and float(ratio[:, :2].max()) < 1.2  # the third is below what is seen


def test_coarse_grain_is_matched_in_spectrum() -> None:
    clean = smooth_picture()
    source = clean + coarse_noise(0.05)
    result = transfer_grain(clean, source, FULL, 1.0, seed=0)
    wanted, got = measure_grain(source, FULL), measure_grain(result, FULL)
    assert float((got / wanted)[:, 1:].min()) > 0.6 and float((got / wanted)[:, 1:].max()) < 1.5
    assert float(got[0, 0]) < 0.7 * float(got[0, 2])  # hardly any in the finest octave


def test_noise_the_face_has_already_is_not_added_again() -> None:
    clean = smooth_picture()
    face = clean + noise(0.04, seed=1)
    assert torch.equal(transfer_grain(face, clean + noise(0.04, seed=2) * 0.98, FULL, 1.0, seed=0), face)


def test_blurred_and_jpeg_inputs_add_nothing() -> None:
    face = (smooth_picture() + noise(0.02, seed=1)).clamp(0, 1)
    blurred = F.avg_pool2d(smooth_picture()[None], 9, 1, 4)[0]
    assert torch.equal(transfer_grain(face, blurred, FULL, 1.0, seed=0), face)
    buffer = io.BytesIO()
    pixels = (blurred.permute(1, 2, 0).clamp(0, 1).numpy() * 255).round().astype(np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG", quality=30)
    jpeg = torch.from_numpy(np.array(Image.open(buffer))).permute(2, 0, 1).float() / 255
    assert torch.equal(transfer_grain(face, jpeg, FULL, 1.0, seed=0), face)


def test_edges_are_not_taken_for_noise() -> None:
    edges = smooth_picture()
    edges[:, :, 100:140] = 0.1
    edges[:, 60:90] = 0.9
    assert float(missing_grain(smooth_picture(), edges, FULL).max()) < 0.004


def test_same_seed_same_noise_and_strength_scales_it() -> None:
    clean = torch.full((3, 256, 256), 0.5)
    source = clean + noise(0.03)
    first, second, other = (transfer_grain(clean, source, FULL, 1.0, seed=s) for s in (4, 4, 5))
    assert torch.equal(first, second) and not torch.equal(first, other)
    half = transfer_grain(clean, source, FULL, 0.5, seed=4)
    assert torch.allclose(half - clean, (first - clean) / 2, atol=1e-6)
    assert torch.equal(transfer_grain(clean, source, FULL, 0.0, seed=4), clean)


def test_grey_grain_stays_neutral() -> None:
    clean = smooth_picture()[:1].expand(3, -1, -1)
    result = transfer_grain(clean, clean + noise(0.03, channels=1), FULL, 1.0, seed=0)
    assert not torch.equal(result, clean)
    assert torch.equal(result[0], result[1]) and torch.equal(result[0], result[2])


def test_only_the_inside_of_the_mask_is_measured() -> None:
    clean = smooth_picture()
    source = clean + noise(0.05)
    source[:, 96:160, 96:160] = clean[:, 96:160, 96:160]
    mask = torch.zeros(1, 256, 256)
    mask[:, 104:152, 104:152] = 1.0
    assert torch.equal(transfer_grain(clean, source, mask, 1.0, seed=0), clean)
    assert torch.equal(transfer_grain(clean, source, mask * 0, 1.0, seed=0), clean)


def test_wrong_arguments_are_refused() -> None:
    clean = smooth_picture()
    with pytest.raises(InputError, match="same shape"):
        transfer_grain(clean, clean[:, :100], FULL, 1.0, seed=0)
    with pytest.raises(InputError, match="mask"):
        transfer_grain(clean, clean, FULL[0], 1.0, seed=0)
    with pytest.raises(InputError, match="strength"):
        transfer_grain(clean, clean, FULL, -0.1, seed=0)
