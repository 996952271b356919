"""PSNR and SSIM: how near the pixels of two images are. Higher is better; over all three colour channels."""

from torch import Tensor

from .weights import INSTALL, MetricAbsent

_SMALLEST_MSE = 1e-10


def psnr(image: Tensor, original: Tensor) -> float:
    """Peak signal-to-noise ratio in dB, -10 log10 of the mean squared error; 100 at most, for equal images.

    image, original: RGB in [0, 1], (3, H, W).
    """
    mse = (image.double() - original.double()).square().mean().clamp(min=_SMALLEST_MSE)
    return float(-10 * mse.log10())


def ssim(image: Tensor, original: Tensor) -> float:
    """Structural similarity, at most 1 (Wang et al., IEEE TIP 2004), computed by torchmetrics.

    Gaussian window of 11 pixels and sigma 1.5, K1 = 0.01, K2 = 0.03, mean over the places where the window lies inside
    the image and over the channels, as in the authors' MATLAB code. image, original: RGB in [0, 1], (3, H, W).
    """
    from torchmetrics.functional.image import structural_similarity_index_measure

    pair = image.double()[None], original.double()[None]
    return float(structural_similarity_index_measure(*pair, data_range=1.0))  # type: ignore[arg-type]


def match_colours(image: Tensor, original: Tensor) -> Tensor:
    """The image with each channel's mean and standard deviation those of the original, (3, H, W), not clamped.

    VQFR's scripts do this before PSNR and SSIM unless told otherwise (metric_paper/calculate_psnr_ssim.py,
    correct_mean_var), so published numbers may contain it.
    """
    (mean, std), (wanted_mean, wanted_std) = (
        (x.mean((1, 2), keepdim=True), x.std((1, 2), keepdim=True, correction=0)) for x in (image, original)
    )
    return (image - mean) / std.clamp(min=1e-6) * wanted_std + wanted_mean


def check_torchmetrics() -> None:
    """Raises MetricAbsent when the package is not there."""
    try:
        import torchmetrics  # noqa: F401
    except ImportError as error:
        raise MetricAbsent(f"needs torchmetrics ({error}): {INSTALL}") from error
