import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from vqfr_core.pipeline.affine import invert_affine, resize_affine, warp_affine
from vqfr_core.pipeline.blending import paste
from vqfr_core.pipeline.blending.blend import blend_faces
from vqfr_core.pipeline.blending.masks import crop_mask
from vqfr_core.types import Box, Face, FaceCrop, FaceDetection, ImageFaces, Point

CROP, SIDE = 128, 256
MIDDLE = (slice(None), slice(48, 208), slice(48, 208))


def smooth_picture() -> torch.Tensor:
    coarse = torch.rand((1, 3, 5, 5), generator=torch.Generator().manual_seed(0)) * 0.3 + 0.35
    return F.interpolate(coarse, (SIDE, SIDE), mode="bicubic")[0]


def stripes(amplitude: float = 0.1) -> torch.Tensor:
    """Finer than the crop's pixels, in patches, as skin and lashes are."""
    fine = torch.arange(SIDE) % 3 - 1.0
    patches = (torch.arange(SIDE) // 64 % 2)[:, None] * fine[None, :]
    return amplitude * patches


def noise(sigma: float, seed: int = 1) -> torch.Tensor:
    return sigma * torch.randn((3, SIDE, SIDE), generator=torch.Generator().manual_seed(seed))


def entry_of(image: torch.Tensor, clean: torch.Tensor | None = None, crop_px: int = CROP) -> ImageFaces:
    """An image that is one face; the network gives what the crop of the clean image shows."""
    image_to_crop = resize_affine((SIDE, SIDE), (crop_px, crop_px))
    crop, restored = (
        warp_affine(picture, invert_affine(image_to_crop), (crop_px, crop_px), padding="reflect", mode="bicubic")
        for picture in (image, image if clean is None else clean)
    )
    detection = FaceDetection(Box(0, 0, 1, 1), (Point(0, 0),) * 5, 1.0)
    face = Face(detection, 0, crop=FaceCrop(detection, crop, image_to_crop), restored=restored, mask=crop_mask(crop_px))
    return ImageFaces(image, (SIDE, SIDE), (replace(face, detail=1.0),))


def blend(entry: ImageFaces, detail: float = 1.0, **asked: object) -> torch.Tensor:
    ((image, _),) = blend_faces([entry.with_used(replace(face, detail=detail) for face in entry.used)], **asked)
    return image


def error(image: torch.Tensor, truth: torch.Tensor) -> float:
    return float((image - truth)[MIDDLE].square().mean().sqrt())


def test_what_the_crop_could_not_show_is_kept():
    image = smooth_picture() + stripes()
    entry = entry_of(image)
    before, half, after = (error(blend(entry, detail), image) for detail in (0.0, 0.5, 1.0))
    assert before > 0.05 and after < 0.2 * before
    assert half == pytest.approx((before + after) / 2, rel=0.05)


def test_what_the_network_changed_broadly_stays_changed():
    image, brighter = smooth_picture() + stripes(), smooth_picture() + 0.1
    assert error(blend(entry_of(image, brighter)), brighter + stripes()) < 0.02


def test_noise_is_no_detail():
    clean = smooth_picture() + stripes()
    entry = entry_of(clean + noise(0.06), clean)
    without, kept = blend(entry, 0.0), blend(entry)
    calm = (slice(None), slice(70, 120), slice(48, 208))  # a patch without stripes begins at 128
    assert error(kept, clean) < 0.9 * error(without, clean)
    smooth = entry_of(smooth_picture() + noise(0.06), smooth_picture())
    assert float((blend(smooth) - blend(smooth, 0.0))[calm].std()) < 0.2 * 0.04  # of the noise in brightness


def test_steps_between_jpeg_blocks_are_no_detail():
    buffer = io.BytesIO()
    pixels = (smooth_picture().permute(1, 2, 0).clamp(0, 1).numpy() * 255).round().astype(np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG", quality=10)
    jpeg = torch.from_numpy(np.array(Image.open(buffer))).permute(2, 0, 1).float() / 255
    entry = entry_of(jpeg, smooth_picture())
    steps = (jpeg - smooth_picture())[MIDDLE].std()
    assert float((blend(entry) - blend(entry, 0.0))[MIDDLE].std()) < 0.1 * float(steps)


def test_a_moved_edge_is_not_doubled():
    image, moved = torch.full((3, SIDE, SIDE), 0.3), torch.full((3, SIDE, SIDE), 0.3)
    image[:, :, 120:] = 0.8
    moved[:, :, 132:] = 0.8
    row = blend(entry_of(image, moved))[0, 128, 90:170]
    assert int((row.diff().abs() > 0.05).nonzero().min()) >= 36  # nothing where the input has its edge, at 29
    assert float(row.min()) > 0.2 and float(row.max()) < 0.9


def test_a_scratch_does_not_come_back():
    image = smooth_picture() + noise(0.004)
    image[:, :, 126:129] = 1.0
    entry = entry_of(image, smooth_picture())
    assert float((blend(entry) - blend(entry, 0.0))[MIDDLE].abs().max()) < 0.05


@pytest.mark.parametrize("crop_px", [SIDE, 2 * SIDE])
def test_a_face_not_larger_than_its_crop_is_as_before_bit_for_bit(crop_px: int):
    entry = entry_of(smooth_picture() + stripes(), smooth_picture(), crop_px)
    assert torch.equal(blend(entry), blend(entry, 0.0))
    assert torch.equal(blend(entry, scale=2.0), blend(entry, 0.0, scale=2.0))


def test_a_grey_picture_stays_grey():
    grey = (smooth_picture()[:1] + stripes()).expand(3, -1, -1)
    result = blend(entry_of(grey))
    assert torch.equal(result[0], result[1]) and torch.equal(result[0], result[2])
    assert not torch.equal(result, blend(entry_of(grey), 0.0))


def test_detail_comes_from_the_faces_own_image_at_any_size():
    image = smooth_picture() + stripes()
    entry = entry_of(image)
    large = F.interpolate(smooth_picture()[None], (2 * SIDE, 2 * SIDE), mode="bicubic")[0]
    fine = blend(entry, onto=[large]) - blend(entry, 0.0, onto=[large])
    assert float(fine[:, 130:250, 100:400].std()) > 0.05
    small = large[:, ::4, ::4]
    assert torch.equal(blend(entry, onto=[small]), blend(entry, 0.0, onto=[small]))
    dropped = replace(entry, image=None)
    assert torch.equal(blend(dropped, onto=[image]), blend(entry, 0.0, onto=[image]))


def test_tiles_and_writing_into_the_image_change_nothing(monkeypatch: pytest.MonkeyPatch):
    entry = entry_of(smooth_picture() + stripes() + noise(0.01))
    whole = blend(entry)
    monkeypatch.setattr(paste, "_TILE_PX", 64)
    assert entry.image is not None
    assert torch.allclose(blend(entry, onto=[entry.image], out=[entry.image]), whole, atol=1e-4)
    assert torch.allclose(entry.image, whole, atol=1e-4)
