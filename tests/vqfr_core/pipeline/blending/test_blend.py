from dataclasses import replace

import numpy as np
import pytest
import torch

from vqfr_core.errors import InputError
from vqfr_core.pipeline.align import aligned_faces
from vqfr_core.pipeline.blending.background import resize_lanczos
from vqfr_core.pipeline.blending.blend import blend_faces, resize_mask
from vqfr_core.pipeline.blending.masks import crop_mask
from vqfr_core.types import Box, Face, FaceCrop, FaceDetection, ImageFaces, Point

SIDE = 64


def random_image(height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.rand((3, height, width), generator=torch.Generator().manual_seed(seed))


def make_face(center: tuple[float, float], face_px: float, seed: int = 1) -> Face:
    """A face whose crop's middle lies on center and whose crop's side measures face_px in the image."""
    scale = SIDE / face_px
    offset = (SIDE - 1) / 2 - scale * np.array(center)
    detection = FaceDetection(Box(0, 0, 1, 1), (Point(0, 0),) * 5, 0.9)
    crop = FaceCrop(detection, torch.zeros(3, SIDE, SIDE), np.array([[scale, 0, offset[0]], [0, scale, offset[1]]]))
    return Face(detection, 0, crop=crop, restored=random_image(SIDE, SIDE, seed), mask=crop_mask(SIDE))


def entry_of(image: torch.Tensor | None, *faces: Face) -> ImageFaces:
    return ImageFaces(image, (90, 120) if image is None else (image.shape[1], image.shape[2]), faces)


IMAGE, FACE = random_image(90, 120), make_face((60, 45), 60)


def assert_untouched_outside(result: torch.Tensor, mask: torch.Tensor, image: torch.Tensor) -> None:
    outside = (mask == 0).expand_as(image)
    assert torch.equal(result[outside], image[outside])


def test_each_image_gets_its_own_faces():
    other = random_image(50, 40, 3)
    before = IMAGE.clone()
    first, second, third = blend_faces([entry_of(IMAGE, FACE), entry_of(other), entry_of(other, make_face((9, 9), 20))])
    assert torch.equal(IMAGE, before) and first.image.shape == IMAGE.shape and first.mask.shape == (1, 90, 120)
    assert float(first.mask.max()) == 1 and float((first.image - IMAGE).abs().max()) > 0.3
    assert torch.equal(second.image, other) and second.image is not other and not second.mask.any()
    assert_untouched_outside(third.image, third.mask, other)
    assert float(third.mask[0, 9, 9]) > 0.99


def test_skipped_faces_are_not_shown():
    (blended,) = blend_faces([entry_of(IMAGE, replace(FACE, skipped="not selected"))])
    assert torch.equal(blended.image, IMAGE) and not blended.mask.any()


def test_outside_the_masks_the_background_stays_at_other_scales():
    (blended,) = blend_faces([entry_of(IMAGE, FACE)], scale=2.5)
    assert blended.image.shape == (3, 225, 300) and blended.mask.shape == (1, 225, 300)
    assert_untouched_outside(blended.image, blended.mask, resize_lanczos(IMAGE, (225, 300)))


def test_backgrounds_of_ones_own():
    given = random_image(180, 240, seed=7)
    before = given.clone()
    asked = []

    def make(picture: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        asked.append((picture is IMAGE, size))
        return given

    for background in (given, make):
        ((result, mask),) = blend_faces([entry_of(IMAGE, FACE)], scale=2.0, background=background)
        assert_untouched_outside(result, mask, given)
        assert float(mask.max()) > 0.99 and torch.equal(given, before)
    assert asked == [(True, (180, 240))]


def test_writing_into_a_buffer_or_into_the_image():
    image, entry = IMAGE.clone(), entry_of(None, FACE)
    ((expected, _),) = blend_faces([entry], onto=[image])
    buffer = torch.zeros_like(image)
    assert blend_faces([entry], onto=[image], out=[buffer])[0].image is buffer
    assert torch.equal(buffer, expected) and not torch.equal(image, expected)
    assert blend_faces([entry], onto=[image], out=[image])[0].image is image
    assert torch.equal(image, expected)
    with pytest.raises(InputError, match=r"out: needs torch.float32"):
        blend_faces([entry], onto=[image], out=[torch.zeros(3, 90, 121)])
    with pytest.raises(InputError, match="out"):
        blend_faces([entry], onto=[image], out=[torch.zeros(3, 90, 120, dtype=torch.float64)])


@pytest.mark.parametrize("size", [(180, 240), (45, 60), (90, 120), (135, 150)])
def test_onto_an_image_of_another_size(size: tuple[int, int]):
    """A face lies where it lies in a copy of that size of its own image."""
    other = random_image(*size, seed=5)
    before = other.clone()
    ((result, mask),) = blend_faces([entry_of(IMAGE, FACE)], onto=[other])
    assert result.shape == other.shape and torch.equal(other, before)
    assert_untouched_outside(result, mask, other)
    ys, xs = (mask[0] > 0.99).nonzero(as_tuple=True)
    middle = (float(xs.float().mean() + 0.5) / size[1], float(ys.float().mean() + 0.5) / size[0])
    assert middle == pytest.approx((60.5 / 120, 45.5 / 90), abs=0.01)
    assert float(xs.max() - xs.min()) == pytest.approx(56 * size[1] / 120 - 2, abs=3)


def test_onto_a_copy_twice_as_large_is_what_a_scale_of_two_gives():
    large = resize_lanczos(IMAGE, (180, 240))
    ((direct, mask),) = blend_faces([entry_of(IMAGE, FACE)], scale=2.0)
    ((result, other_mask),) = blend_faces([entry_of(None, FACE)], onto=[large])
    assert torch.equal(result, direct) and torch.equal(mask, other_mask)


@pytest.mark.parametrize("size", [(90, 120), (9, 12), (180, 240)])
def test_nothing_changes_outside_an_area(size: tuple[int, int]):
    """Bit for bit, although masks reach there; inside it is as without an area."""
    area = torch.zeros(size)
    area[:, : size[1] // 2] = 1
    ((whole, mask),) = blend_faces([entry_of(IMAGE, FACE)])
    ((result, own_mask),) = blend_faces([entry_of(IMAGE, FACE)], areas=[area])
    seen = resize_mask(area, (90, 120))
    assert torch.equal(result[:, seen == 0], IMAGE[:, seen == 0]) and not own_mask[:, seen == 0].any()
    assert torch.equal(result[:, seen == 1], whole[:, seen == 1])
    assert torch.equal(own_mask, mask * seen) and float(own_mask[0, 45, 40]) == 1
    assert 0.4 < float((seen == 0).float().mean()) < 0.52


def test_within_an_area_of_one_half_a_face_shows_by_half():
    ((whole, mask),) = blend_faces([entry_of(IMAGE, FACE)])
    ((result, own_mask),) = blend_faces([entry_of(IMAGE, FACE)], areas=[torch.full((90, 120), 0.5)])
    assert torch.allclose(result, (whole + IMAGE) / 2, atol=1e-6) and torch.equal(own_mask, mask / 2)


def test_each_image_has_its_own_area_and_writes_into_its_own_buffer():
    images, buffers = [IMAGE.clone(), IMAGE.clone()], [torch.zeros_like(IMAGE) for _ in range(2)]
    areas = [torch.zeros(90, 120), torch.ones(90, 120)]
    entries = [entry_of(image, FACE) for image in images]
    first, second = blend_faces(entries, areas=areas, out=buffers)
    assert first.image is buffers[0] and torch.equal(first.image, IMAGE) and not first.mask.any()
    assert second.image is buffers[1] and not torch.equal(second.image, IMAGE)


def test_masks_of_other_sizes():
    mask = torch.zeros(10, 20)
    mask[:, 10:] = 1
    assert resize_mask(mask, (10, 20)) is mask
    for size in ((20, 40), (5, 10)):
        resized = resize_mask(mask, size)
        assert resized.shape == size and float(resized.min()) >= 0 and float(resized.max()) <= 1
        assert float(resized.mean()) == pytest.approx(0.5, abs=1e-6)
        assert not resized[:, : size[1] // 4].any() and bool((resized[:, -size[1] // 4 :] == 1).all())
    assert resize_mask(mask.bool(), (20, 40)).dtype == torch.float32


def aligned(opacity: float = 1.0) -> ImageFaces:
    (entry,) = aligned_faces([random_image(40, 32, 2)], SIDE)
    return entry.with_used([replace(entry.used[0], restored=random_image(SIDE, SIDE, 4), opacity=opacity)])


def test_an_aligned_face_is_the_restored_crop():
    ((image, mask),) = blend_faces([aligned()])
    assert torch.equal(image, random_image(SIDE, SIDE, 4)) and torch.equal(mask, torch.ones(1, SIDE, SIDE))
    ((large, mask),) = blend_faces([aligned(0.25)], scale=1.5)
    assert large.shape == (3, 96, 96) and torch.equal(mask, torch.full((1, 96, 96), 0.25))
    mixed = torch.lerp(aligned().used[0].crop.image, random_image(SIDE, SIDE, 4), 0.25)
    assert torch.equal(large, resize_lanczos(mixed, (96, 96)))


@pytest.mark.parametrize("given", ["background", "areas", "out"])
def test_an_aligned_face_takes_nothing_around_it(given: str):
    entry = aligned()
    values = {"background": entry.image, "areas": [torch.ones(40, 32)], "out": [entry.image.clone()]}
    with pytest.raises(InputError, match="aligned: there is nothing around the face"):
        blend_faces([entry], **{given: values[given]})


def test_an_aligned_face_that_is_skipped_leaves_its_image():
    entry = aligned()
    left = replace(entry, faces=(replace(entry.faces[0], skipped="not selected"),))
    ((image, mask),) = blend_faces([left])
    assert torch.equal(image, entry.image) and not mask.any()
    bare = entry.with_used([replace(entry.used[0], restored=None)])
    with pytest.raises(InputError, match="the aligned face has not been restored"):
        blend_faces([bare])


def test_mistakes_are_named():
    with pytest.raises(InputError, match=r"image: blending needs floating point .*, got none"):
        blend_faces([entry_of(None, FACE)])
    for wrong in (IMAGE[0], IMAGE[:1], IMAGE.byte()):
        with pytest.raises(InputError, match=r"image: blending needs floating point"):
            blend_faces([entry_of(None, FACE)], onto=[wrong])
    with pytest.raises(InputError, match="face 0: has no mask"):
        blend_faces([entry_of(IMAGE, replace(FACE, mask=None))])
    with pytest.raises(InputError, match="scale"):
        blend_faces([entry_of(IMAGE, FACE)], scale=8)
