"""Keep the fine detail of a face that is larger than the network's crop.

Enlarged to such a face, the restored crop is soft: the network never saw what is finer than the crop's pixels. The
input has it. The detail is the input's brightness minus the restored face's, without their smooth difference, which is
what the network changed. Added to the face, it puts the input's finest band in the place of the network's. Noise, the
steps between JPEG's blocks, and whatever lies where the network drew something else than it was given are no detail.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...luma import luma
from ...types import Face
from ..affine import compose_affine, invert_affine, resize_affine, transform_points, translation_affine, warp_affine
from ..octaves import spline_blur, split_octaves
from .border import smooth_step
from .grain import measure_noise

_LEAST_ENLARGEMENT = 1.05
"""Up to this enlargement of the crop there is nothing worth adding."""
_SMOOTHING_PX = 1.5
"""Standard deviation, in crop pixels, beyond which a change of the network's counts as smooth: for a face twice as
large as the crop, or more; it goes to 0 for a face as large as the crop."""
_NOISE_MARGIN = 1.5
"""Energy counts as detail above this multiple of the noise's."""
_UNSEEN_SIGMAS = (2.4 / 255, 1.5 / 255, 1.5 / 255)
"""Noise that nobody sees, by octaves; the texture of a sharp picture's calmest parts looks like it."""
_NOISE_WINDOW_PX = 512
"""Noise is measured in a window of this side around the face's middle."""
_MARGIN_PX = 40
"""How far outside a rectangle its detail depends on the picture: the reach of all blurs together."""
_JPEG_BLOCK_PX = 8
_LEAST_STEP = 1.4 / 255
"""Of the mean step between blocks over that within: below this nobody sees the blocks."""
_STEP_TO_SIGMA = 2.5
"""Noise that counts for a step beyond the least: where blocks are seen, all that is in them is uncertain."""
_LIKE, _UNLIKE = 0.8, 0.55
"""The part of the restored face's fine structure that must be in the crop, too, for full detail, and for any."""
_MOST_REMOVED = 8.0
"""How many times its own fine energy the network may have removed before its removal counts as intended."""
_FINE_PX, _AROUND_PX = 1.5, 3.0
"""Standard deviations in crop pixels: structure below the first is fine, and is compared over the second around it."""
_FLOOR = 1e-5
"""Fine energy that nobody sees, (0.8 / 255)²."""
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Detail:
    """The detail of one face, ready to be drawn anywhere in the output."""

    image: Tensor
    """The input: (3, H, W), RGB in [0, 1]."""
    output_to_image: np.ndarray
    output_to_crop: np.ndarray
    base: Tensor
    """(2, S, S) float32 in crop pixels: the brightness above which the input's is detail, and where it counts."""
    noise: Tensor
    """float32 (octaves,): standard deviation of the noise in the input's brightness at the output's size."""

    def draw(self, x0: int, y0: int, size: tuple[int, int], device: torch.device) -> Tensor:
        """What to add to the face in a rectangle of the output: (1, height, width) on the device."""
        shift = translation_affine(x0 - _MARGIN_PX, y0 - _MARGIN_PX)
        wide = (size[0] + 2 * _MARGIN_PX, size[1] + 2 * _MARGIN_PX)
        seen = _brightness(self.image, compose_affine(shift, self.output_to_image), wide).to(device)
        to_crop = compose_affine(shift, self.output_to_crop)
        base, weight = warp_affine(self.base.to(device), to_crop, wide, padding="border", mode="bicubic").split(1)
        band = _without_noise(seen - base, self.noise.to(device)) * weight.clamp(0, 1)
        answer: Tensor = band[:, _MARGIN_PX:-_MARGIN_PX, _MARGIN_PX:-_MARGIN_PX]
        return answer


def find_detail(face: Face, image: Tensor | None, size: tuple[int, int]) -> Detail | None:
    """The detail of a finished face for an output of (height, width), or None if it has none.

    image: what the crop was cut from, (3, H, W). Without it there is no detail, nor in a face that is not larger than
    its crop in both the image and the output.
    """
    if image is None or not face.detail or face.crop is None or face.restored is None or face.mask is None:
        return None
    output_to_image = resize_affine(size, (image.shape[1], image.shape[2]))
    output_to_crop = compose_affine(output_to_image, face.crop.image_to_crop)
    enlargement = min(_pixel_size(face.crop.image_to_crop), _pixel_size(output_to_crop))
    if enlargement < _LEAST_ENLARGEMENT:
        return None
    crop, restored = luma(face.crop.image.float()), luma(face.restored.to(face.crop.image).float())
    change = _blur(crop - restored, _SMOOTHING_PX * min(1.0, enlargement - 1))
    trust = face.detail * _agreement(crop, restored, face.mask.to(crop))
    noise = _measure(image, output_to_image, output_to_crop, face.mask)
    return Detail(image, output_to_image, output_to_crop, torch.cat([restored + change, trust]), noise)


def _agreement(crop: Tensor, restored: Tensor, mask: Tensor) -> Tensor:
    """How far the fine structure (1, S, S) of both agrees, in [0, 1]: not where the network moved or removed something.

    Structure that the network only made fainter agrees. Compared around each pixel: the energies of both and of their
    product.
    """
    fine, drawn = (plane - _blur(plane, _FINE_PX) for plane in (crop, restored))
    given, made, shared = _blur(torch.cat([fine**2, drawn**2, fine * drawn]), _AROUND_PX).split(1)
    usual = given[mask > 0.5].median() if bool((mask > 0.5).any()) else given.mean()
    alike = (shared + _FLOOR) / (made + _FLOOR)
    removed = given / (_MOST_REMOVED * (made + usual + _FLOOR))
    answer: Tensor = smooth_step((alike - _UNLIKE) / (_LIKE - _UNLIKE)) / (1 + removed**2)
    return answer


def _without_noise(band: Tensor, noise: Tensor) -> Tensor:
    """The band (1, h, w) with each octave's energy around a pixel reduced by the noise's."""
    octaves = split_octaves(band, len(noise))
    kept = band - torch.stack(octaves).sum(0)
    for octave, (plane, sigma) in enumerate(zip(octaves, noise, strict=True)):
        energy = spline_blur(spline_blur(plane**2, 2**octave), 2 ** (octave + 1))
        kept = kept + plane * (1 - _NOISE_MARGIN * sigma**2 / energy.clamp_min(_TINY)).clamp_min(0)
    return kept


def _measure(image: Tensor, output_to_image: np.ndarray, output_to_crop: np.ndarray, mask: Tensor) -> Tensor:
    """Standard deviation of the noise by octaves, at the output's size, around the face's middle."""
    middle = transform_points([(mask.shape[-1] / 2, mask.shape[-1] / 2)], invert_affine(output_to_crop))[0]
    shift = translation_affine(*(np.floor(middle) - _NOISE_WINDOW_PX // 2))
    size = (_NOISE_WINDOW_PX, _NOISE_WINDOW_PX)
    seen = _brightness(image, compose_affine(shift, output_to_image), size)
    inside = warp_affine(mask.to(seen), compose_affine(shift, output_to_crop), size)
    noise = measure_noise(seen, inside)[0]
    seen_noise = (noise**2 - noise.new_tensor(_UNSEEN_SIGMAS) ** 2).clamp_min(0).sqrt()
    return torch.maximum(seen_noise, _STEP_TO_SIGMA * (_block_step(seen, inside) - _LEAST_STEP))


def _block_step(plane: Tensor, inside: Tensor) -> Tensor:
    """How much larger the steps of (1, h, w) between JPEG's blocks are than those within, in brightness."""
    excess = []
    for dim in (-1, -2):
        length = plane.shape[dim] - 1
        counted = (inside.narrow(dim, 0, length) > 0.5).float()
        steps = plane.diff(dim=dim).abs() * counted / counted.mean().clamp_min(_TINY)
        by_phase = steps.mean(dim=(0, -3 - dim)).unfold(0, _JPEG_BLOCK_PX, _JPEG_BLOCK_PX).mean(dim=0)
        excess.append(by_phase.max() - by_phase.median())
    return torch.stack(excess).amin()


def _brightness(image: Tensor, output_to_image: np.ndarray, size: tuple[int, int]) -> Tensor:
    return luma(warp_affine(image, output_to_image, size, padding="border", mode="bicubic").float())


def _pixel_size(image_to_crop: np.ndarray) -> float:
    """Side of a crop pixel in the image, in pixels."""
    return float(1 / np.sqrt(abs(np.linalg.det(image_to_crop[:, :2]))))


def _blur(planes: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of (C, S, S), without darker edges."""
    axis = torch.arange(planes.shape[-1], dtype=planes.dtype, device=planes.device)
    kernel = torch.exp(-0.5 * ((axis[:, None] - axis[None, :]) / sigma) ** 2)
    kernel = kernel / kernel.sum(dim=1, keepdim=True)
    return kernel @ planes @ kernel.T
