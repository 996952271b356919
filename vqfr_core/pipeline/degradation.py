"""How sharp and how noisy a face is at the resolution of its crop.

A natural picture has similar contrast in each octave of detail. Blurring and enlarging take the finest octave away,
and noise adds to it. So the finest octave of the inner face's brightness is compared with the next, twice: in the
blocks with the most detail (eyes, mouth), less the noise; and in the quietest (skin), which compression and smoothing
empty first while they leave edges sharp. The smaller of the two is the sharpness.
"""

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor
from torch.nn import functional as F

from ..luma import luma
from ..types import Face, ImageFaces, Measures
from .octaves import split_octaves

_ROWS, _COLUMNS = (0.36, 0.80), (0.28, 0.72)
"""The inner face, from brows to chin, as fractions of an aligned crop."""
_BLOCK_PX = 16
_DETAILED_BLOCKS, _QUIET_BLOCKS = 0.9, 0.1
"""Quantiles of the blocks' contrasts."""
_NOISE_CERTAINTY = 1.5
"""Noise varies across a face; so many times its usual strength may hide in a block with detail."""
_MAD_TO_SIGMA = 1.4826
_NOISE_GAIN = 0.8
"""What the quietest blocks of white noise of standard deviation 1 show of it in the finest octave."""
_DETAIL_RATIOS, _SKIN_RATIOS = (0.22, 0.76), (0.3, 1.3)
"""Finest octave over the next, of sharpness 0 and 1: faces shrunk by k and enlarged again come out near 1 / k."""
SHARP = 0.65
"""From here on a face is left alone by `skip_sharp_faces`; python -m benchmarks.sharpness."""


def measure_degradation(crop: Tensor) -> Measures | None:
    """Sharpness and noise of an aligned crop (3, S, S), RGB in [0, 1]; None if it is too small to measure."""
    side = crop.shape[-1]
    rows, columns = (slice(*(round(edge * side) for edge in edges)) for edges in (_ROWS, _COLUMNS))
    inner = luma(crop[:, rows, columns].float())
    if min(inner.shape[1:]) < _BLOCK_PX:
        return None
    fine, coarse = (_Contrast(band) for band in split_octaves(inner, 2))
    detail = max(0.0, fine.detailed**2 - (_NOISE_CERTAINTY * fine.quiet) ** 2) ** 0.5
    sharpness = min(_share(detail, coarse.detailed, _DETAIL_RATIOS), _share(fine.quiet, coarse.quiet, _SKIN_RATIOS))
    return Measures(sharpness, 255 * fine.quiet / _NOISE_GAIN)


def skip_sharp_faces(images: Sequence[ImageFaces]) -> list[ImageFaces]:
    """Skip the used faces whose crops are already sharp, with the reason; they need `crop_faces` first."""
    return [replace(entry, faces=tuple(_judged(face) for face in entry.faces)) for entry in images]


class _Contrast:
    """Of one octave (1, h, w)."""

    def __init__(self, band: Tensor) -> None:
        blocks = F.unfold(band[None].abs(), _BLOCK_PX, stride=_BLOCK_PX)[0]  # (pixels, blocks)
        self.detailed = float(blocks.square().mean(0).sqrt().quantile(_DETAILED_BLOCKS))
        """Standard deviation where there is most detail."""
        self.quiet = _MAD_TO_SIGMA * float(blocks.median(0).values.quantile(_QUIET_BLOCKS))
        """Standard deviation where there is least, not counting single lines and spots."""


def _share(fine: float, coarse: float, ratios: tuple[float, float]) -> float:
    low, high = ratios
    return min(1.0, max(0.0, (fine / max(coarse, 1e-6) - low) / (high - low)))


def _judged(face: Face) -> Face:
    if face.skipped is not None or face.measures is None or face.measures.sharpness < SHARP:
        return face
    return replace(face, skipped=f"already sharp (sharpness {face.measures.sharpness:.2f})")
