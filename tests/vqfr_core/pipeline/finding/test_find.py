import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vqfr_core.errors import Cancelled, InputError
from vqfr_core.networks.base import Detector, RawFaces
from vqfr_core.options import FindOptions, RestoreOptions
from vqfr_core.pipeline.affine import resize_affine, transform_points
from vqfr_core.pipeline.finding.find import _merged, drop_duplicates, find_faces
from vqfr_core.types import FaceDetection, ImageFaces

# Pupils, tip of the nose and corners of the mouth in face.jpg, read off the enlarged picture by eye.
LANDMARKS = [(134.0, 141.0), (210.0, 144.0), (172.5, 186.5), (145.5, 227.0), (200.0, 228.5)]


def resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    return torch.nn.functional.interpolate(image[None], size, mode="bicubic", antialias=True)[0].clamp(0, 1)


def find_one(image: Tensor, detector: Detector, **options: object) -> ImageFaces:
    (found,) = find_faces([image], detector, FindOptions(**options))
    return found


def used(found: ImageFaces) -> list[FaceDetection]:
    return [face.detection for face in found.used]


def landmark_error(face: FaceDetection, expected: np.ndarray) -> float:
    """Mean distance, as a part of the distance between the eyes."""
    distances = np.linalg.norm(np.array(face.landmarks) - expected, axis=1)
    return float(distances.mean() / np.linalg.norm(expected[1] - expected[0]))


def test_a_portrait(mobilenet: Detector, face_picture: Tensor):
    (found,) = find_faces(face_picture[None], mobilenet)
    (face,) = used(found)
    assert face.score > 0.95 and landmark_error(face, np.array(LANDMARKS)) < 0.06
    assert 130 < face.box.width < 190 and 180 < face.box.height < 260
    assert found.image is not None and torch.equal(found.image, face_picture) and found.size == (320, 320)
    assert found.made_by.detector == mobilenet.name and found.sort is None and found.used[0].number is None


@pytest.mark.parametrize("size", [(64, 64), (150, 150), (512, 512), (900, 1200)])
def test_the_same_face_at_any_size(mobilenet: Detector, face_picture: Tensor, size: tuple[int, int]):
    """From a thumbnail to one that fills a large picture, where boxes of the largest anchors are inexact."""
    (face,) = used(find_one(resized(face_picture, size), mobilenet))
    expected = transform_points(LANDMARKS, resize_affine((320, 320), size))
    assert landmark_error(face, expected) < 0.09


def test_a_picture_cut_close_to_the_face(mobilenet: Detector, face_picture: Tensor):
    (face,) = used(find_one(face_picture[:, 60:280, 95:250], mobilenet))
    assert landmark_error(face, np.array(LANDMARKS) - (95, 60)) < 0.06


def test_a_group_in_order_of_size(mobilenet: Detector, group: Tensor):
    faces = used(find_one(group, mobilenet))
    widths = [face.box.width for face in faces]
    assert len(widths) == 5 and widths == sorted(widths, reverse=True)
    assert 110 < widths[0] < 160 and 20 < widths[-1] < 35
    assert [face.box.center.x for face in faces] == sorted(face.box.center.x for face in faces)


def test_tiles_find_what_the_overview_misses(mobilenet: Detector, group: Tensor):
    overview = find_one(group, mobilenet, detection_size=320)
    tiled = find_one(group, mobilenet, detection_size=320, tiles=True)
    assert len(overview.used) < 5
    assert len(tiled.used) == 5  # each once, though tiles overlap


def test_turned_faces(mobilenet: Detector, face_picture: Tensor):
    """Upside down: right only with rotations, and the left eye is still the first landmark."""
    (face,) = used(find_one(torch.rot90(face_picture, 2, (1, 2)), mobilenet, rotations=True))
    assert landmark_error(face, 319 - np.array(LANDMARKS)) < 0.06


def test_images_of_one_size_give_the_same_alone_and_in_a_batch(mobilenet: Detector, face_picture: Tensor):
    nothing = torch.full_like(face_picture, 0.4)
    together = find_faces(torch.stack([nothing, face_picture, face_picture.flip(2)]), mobilenet)
    assert [len(found.used) for found in together] == [0, 1, 1]
    (alone,) = used(find_one(face_picture, mobilenet))
    np.testing.assert_allclose(used(together[1])[0].landmarks, alone.landmarks, atol=0.01)
    mirrored = np.array(used(together[2])[0].landmarks)[[1, 0, 2, 4, 3]]
    mirrored[:, 0] = 319 - mirrored[:, 0]
    assert np.abs((mirrored - np.array(alone.landmarks)).mean(axis=0)).max() < 1.5


def test_images_of_different_sizes(mobilenet: Detector, face_picture: Tensor, group: Tensor):
    results = find_faces([face_picture, group], mobilenet)
    assert [len(found.used) for found in results] == [1, 5]
    assert find_faces([], mobilenet) == []


def test_skipped_faces_have_reasons_with_numbers(mobilenet: Detector, group: Tensor):
    found = find_one(group, mobilenet, min_face_px=50.0, max_face_fraction=0.45)
    assert len(found.used) == 2
    skipped = found.detections.skipped
    reasons = [face.reason for face in skipped]
    assert len(reasons) == 3
    assert sum(reason.startswith("smaller than 50 px (") for reason in reasons) == 2
    assert sum(reason.startswith("larger than 45% of the image's shorter side (4") for reason in reasons) == 1
    scores = [face.detection.score for face in skipped]
    assert scores == sorted(scores, reverse=True)
    unsure = find_one(group, mobilenet, min_confidence=1.0)
    assert unsure.used == [] and len(unsure.faces) >= 5
    assert all(face.skipped is not None and face.skipped.startswith("confidence below 1 (0.") for face in unsure.faces)


def test_all_settings_do_as_a_group_too(mobilenet: Detector, face_picture: Tensor):
    (by_group,) = find_faces([face_picture], mobilenet, FindOptions(min_face_px=200.0))
    (by_all,) = find_faces([face_picture], mobilenet, RestoreOptions(min_face_px=200.0))
    assert by_group.detections == by_all.detections and not by_all.used


def test_cancelling_takes_effect_before_each_batch(mobilenet: Detector, group: Tensor):
    with pytest.raises(Cancelled, match="stopped while looking for faces"):
        find_faces([group], mobilenet, should_stop=lambda: True)
    asked: list[int] = []
    find_faces([group], mobilenet, should_stop=lambda: bool(asked.append(1)))
    assert len(asked) == 3  # before each of two views, and once after


@pytest.mark.parametrize("image", [torch.zeros(1, 64, 64), torch.zeros(3, 64, 64).byte(), torch.zeros(3, 0, 64)])
def test_wrong_images_are_refused(mobilenet: Detector, image: Tensor):
    with pytest.raises(InputError, match="image 1: needs RGB"):
        find_faces([torch.zeros(3, 64, 64), image], mobilenet)


class Unsure(Detector):
    """Sees a face everywhere, with doubt."""

    stride_px, look_px, min_view_px, max_face_px = 32, 320, 320, 400
    fill = (0.5, 0.5, 0.5)

    def find(self, pictures: Tensor, min_score: float) -> list[RawFaces]:
        box, landmarks = np.array([[4.0, 4, 30, 40]]), np.array([LANDMARKS]) / 10
        return [RawFaces(box, landmarks, np.array([0.5]))] * len(pictures)


def test_what_the_second_look_cannot_make_sure_is_not_looked_at_again():
    detector = Unsure(nn.Identity(), "unsure", "an unsure detector")
    found = find_one(torch.rand(3, 64, 96), detector, rotations=True, min_confidence=0.8)
    assert found.used == [] and {face.skipped for face in found.faces} == {"confidence below 0.8 (0.50)"}
    halved = find_one(torch.rand(3, 64, 96), detector, min_confidence=0.74, min_face_px=0.0)
    assert [face.skipped for face in halved.faces] == []  # not seen again: 0.25 is not worth a line


def overlapping(*shifts: float) -> np.ndarray:
    """Boxes of 10 x 10 px, shifted to the right."""
    return np.array([[shift, 0.0, shift + 10, 10.0] for shift in shifts])


@pytest.mark.parametrize(
    ("shifts", "scores", "kept"),
    [
        ([0, 1, 30], [0.5, 0.9, 0.7], [1, 2]),
        ([0, 4.2], [0.6, 0.9], [1]),  # overlap 5.8 / 14.2 = 0.408
        ([0, 4.3], [0.6, 0.9], [1, 0]),  # 5.7 / 14.3 = 0.399
        ([0, 4, 8], [0.7, 0.9, 0.8], [1]),
        ([0, 3, 7], [0.9, 0.8, 0.7], [0, 2]),  # what is dropped drops nothing itself
        ([], [], []),
    ],
)
def test_of_faces_that_overlap_the_surest_stays(shifts: list, scores: list, kept: list):
    landmarks = np.zeros((len(shifts), 5, 2))
    faces = RawFaces(overlapping(*shifts).reshape(-1, 4), landmarks, np.array(scores, dtype=float))
    assert drop_duplicates(faces).scores.tolist() == [scores[index] for index in kept]


def test_random_boxes_are_thinned_out_as_by_hand():
    generator = np.random.default_rng(0)
    corners = generator.uniform(0, 60, (200, 2))
    boxes = np.concatenate([corners, corners + generator.uniform(5, 30, (200, 2))], axis=1)
    faces = RawFaces(boxes, np.zeros((200, 5, 2)), generator.permutation(200) / 200)

    def overlap(a: np.ndarray, b: np.ndarray) -> float:
        shared = np.prod(np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None))
        return float(shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared))

    kept: list[int] = []
    for index in np.argsort(-faces.scores):
        if all(overlap(boxes[index], boxes[other]) <= 0.4 for other in kept):
            kept.append(int(index))
    assert drop_duplicates(faces).boxes.tolist() == boxes[kept].tolist()


def test_boxes_end_where_the_image_does():
    boxes = np.array([[-5.0, -4, 40, 30], [50, 20, 99, 70], [85, 10, 120, 30]])
    faces = _merged([RawFaces(boxes, np.zeros((3, 5, 2)), np.array([0.9, 0.8, 0.7]))], (60, 80))
    assert [face.box for face in faces] == [(0, 0, 40, 30), (50, 20, 79, 59)]  # the last is not in the image at all


def test_a_low_confidence_can_be_asked_for():
    class Doubtful(Unsure):
        def find(self, pictures: Tensor, min_score: float) -> list[RawFaces]:
            faces = super().find(pictures, min_score)[0]
            return [faces._replace(scores=np.array([0.2])).take(np.array([0.2]) >= min_score)] * len(pictures)

    image = torch.rand(3, 64, 64)
    detector = Doubtful(nn.Identity(), "doubtful", "a doubtful detector")
    options = FindOptions(min_confidence=0.05, min_face_px=0)
    assert len(find_faces([image], detector, options)[0].used) == 1
    assert not find_faces([image], detector, FindOptions(min_face_px=0))[0].faces
