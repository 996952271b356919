import numpy as np
import pytest
import torch

from vqfr_core.evaluation.pixels import match_colours, psnr, ssim


def test_psnr_by_hand():
    black = torch.zeros(3, 8, 8)
    assert psnr(black + 0.1, black) == pytest.approx(20.0, abs=1e-4)
    half = black.clone()
    half[:, :4] = 0.1
    assert psnr(half, black) == pytest.approx(20 + 10 * np.log10(2), abs=1e-4)
    assert psnr(black, black) == 100.0


def test_ssim_against_its_definition(rng):
    """Sums over every 11 x 11 window, written out."""
    original = rng.random((3, 20, 23))
    image = np.clip(original + rng.normal(0, 0.1, original.shape), 0, 1)
    axis = np.arange(-5, 6)
    window = np.exp(-(axis[:, None] ** 2 + axis[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    found = []
    for x, y in zip(image, original, strict=True):
        for top in range(20 - 10):
            for left in range(23 - 10):
                a, b = (z[top : top + 11, left : left + 11] for z in (x, y))
                ma, mb = (window * a).sum(), (window * b).sum()
                va, vb = (window * a * a).sum() - ma**2, (window * b * b).sum() - mb**2
                covariance = (window * a * b).sum() - ma * mb
                luminance = (2 * ma * mb + 0.01**2) / (ma**2 + mb**2 + 0.01**2)
                found.append(luminance * (2 * covariance + 0.03**2) / (va + vb + 0.03**2))
    assert ssim(torch.from_numpy(image), torch.from_numpy(original)) == pytest.approx(np.mean(found), abs=1e-6)


def test_ssim_of_equal_images_is_one(face):
    assert ssim(face, face) == pytest.approx(1.0)


def test_matched_colours_undo_gain_and_offset_of_each_channel(face):
    changed = face * torch.tensor([0.5, 0.7, 0.9]).view(3, 1, 1) + 0.05
    torch.testing.assert_close(match_colours(changed, face), face, atol=1e-5, rtol=0)
