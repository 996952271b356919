from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vqfr_core.errors import Cancelled, InputError
from vqfr_core.pipeline.affine import resize_affine, transform_points
from vqfr_core.pipeline.finding.detect import detect_faces
from vqfr_core.types import FaceDetection
from vqfr_core.weights.detector import FaceDetectorNet, load_detector

DATA = Path(__file__).resolve().parents[3] / "data"
CPU = torch.device("cpu")

# Pupils, tip of the nose and corners of the mouth in face.jpg, read off the enlarged picture by eye.
LANDMARKS = [(134.0, 141.0), (210.0, 144.0), (172.5, 186.5), (145.5, 227.0), (200.0, 228.5)]


def read(name: str) -> torch.Tensor:
    with Image.open(DATA / name) as file:
        return torch.from_numpy(np.array(file.convert("RGB"))).permute(2, 0, 1).float() / 255


def resized(image: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return torch.nn.functional.interpolate(image[None], size, mode="bicubic", antialias=True)[0].clamp(0, 1)


def landmark_error(face: FaceDetection, expected: np.ndarray) -> float:
    """Mean distance, as a part of the distance between the eyes."""
    distances = np.linalg.norm(np.array(face.landmarks) - expected, axis=1)
    return float(distances.mean() / np.linalg.norm(expected[1] - expected[0]))


@pytest.fixture(scope="module")
def detector() -> FaceDetectorNet:
    return load_detector("retinaface_mobile0.25", "cpu")


@pytest.fixture(scope="module")
def portrait() -> torch.Tensor:
    return read("face.jpg")


def test_a_portrait(detector: FaceDetectorNet, portrait: torch.Tensor):
    (result,) = detect_faces(portrait[None], detector)
    assert len(result.faces) == 1 and result.faces[0].score > 0.95
    assert landmark_error(result.faces[0], np.array(LANDMARKS)) < 0.06
    box = result.faces[0].box
    assert 130 < box.width < 190 and 180 < box.height < 260


@pytest.mark.parametrize("size", [(64, 64), (150, 150), (512, 512), (900, 1200)])
def test_the_same_face_at_any_size(detector: FaceDetectorNet, portrait: torch.Tensor, size: tuple[int, int]):
    """From a thumbnail to one that fills a large picture, where boxes of the largest anchors are inexact."""
    (result,) = detect_faces([resized(portrait, size)], detector)
    assert len(result.faces) == 1
    face = result.faces[0]
    expected = transform_points(LANDMARKS, resize_affine((320, 320), size))
    assert landmark_error(face, expected) < 0.09


def test_a_picture_cut_close_to_the_face(detector: FaceDetectorNet, portrait: torch.Tensor):
    (result,) = detect_faces([portrait[:, 60:280, 95:250]], detector)
    assert len(result.faces) == 1
    assert landmark_error(result.faces[0], np.array(LANDMARKS) - (95, 60)) < 0.06


def test_a_group_in_order_of_size(detector: FaceDetectorNet):
    (result,) = detect_faces([read("group.jpg")], detector)
    widths = [face.box.width for face in result.faces]
    assert len(widths) == 5 and widths == sorted(widths, reverse=True)
    assert 110 < widths[0] < 160 and 20 < widths[-1] < 35
    assert [face.box.center.x for face in result.faces] == sorted(face.box.center.x for face in result.faces)


def test_tiles_find_what_the_overview_misses(detector: FaceDetectorNet):
    group = read("group.jpg")
    (overview,) = detect_faces([group], detector, detection_size_px=320)
    (tiled,) = detect_faces([group], detector, detection_size_px=320, tiles=True)
    assert len(overview.faces) < 5
    assert len(tiled.faces) == 5  # each once, though tiles overlap


def test_turned_faces(detector: FaceDetectorNet, portrait: torch.Tensor):
    """Upside down: right only with rotations, and the left eye is still the first landmark."""
    upside_down = torch.rot90(portrait, 2, (1, 2))
    (result,) = detect_faces([upside_down], detector, rotations=True)
    assert len(result.faces) == 1
    assert landmark_error(result.faces[0], 319 - np.array(LANDMARKS)) < 0.06


def test_images_of_one_size_give_the_same_alone_and_in_a_batch(detector: FaceDetectorNet, portrait: torch.Tensor):
    nothing = torch.full_like(portrait, 0.4)
    together = detect_faces(torch.stack([nothing, portrait, portrait.flip(2)]), detector)
    assert [len(result.faces) for result in together] == [0, 1, 1]
    (alone,) = detect_faces([portrait], detector)
    np.testing.assert_allclose(together[1].faces[0].landmarks, alone.faces[0].landmarks, atol=0.01)
    mirrored = np.array(together[2].faces[0].landmarks)[[1, 0, 2, 4, 3]]
    mirrored[:, 0] = 319 - mirrored[:, 0]
    assert np.abs((mirrored - np.array(alone.faces[0].landmarks)).mean(axis=0)).max() < 1.5


def test_images_of_different_sizes(detector: FaceDetectorNet, portrait: torch.Tensor):
    results = detect_faces([portrait, read("group.jpg")], detector)
    assert [len(result.faces) for result in results] == [1, 5]
    assert detect_faces([], detector) == []


def test_skipped_faces_have_reasons_with_numbers(detector: FaceDetectorNet):
    group = read("group.jpg")
    (result,) = detect_faces([group], detector, min_face_px=50, max_face_fraction=0.45)
    assert len(result.faces) == 2
    reasons = [skipped.reason for skipped in result.skipped]
    assert len(reasons) == 3
    assert sum(reason.startswith("smaller than 50 px (") for reason in reasons) == 2
    assert sum(reason.startswith("larger than 45% of the image's shorter side (4") for reason in reasons) == 1
    scores = [skipped.detection.score for skipped in result.skipped]
    assert scores == sorted(scores, reverse=True)
    (unsure,) = detect_faces([group], detector, min_confidence=1.0)
    assert unsure.faces == [] and len(unsure.skipped) >= 5
    assert all(skipped.reason.startswith("confidence below 1 (0.") for skipped in unsure.skipped)


def test_progress_and_cancelling(detector: FaceDetectorNet, portrait: torch.Tensor):
    calls: list[tuple[int, int]] = []
    detect_faces([portrait, read("group.jpg")], detector, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]  # one view of the portrait, two of the group
    with pytest.raises(Cancelled):
        detect_faces([portrait], detector, cancelled=lambda: True)


@pytest.mark.parametrize("image", [torch.zeros(1, 64, 64), torch.zeros(3, 64, 64).byte(), torch.zeros(3, 0, 64)])
def test_wrong_images_are_refused(detector: FaceDetectorNet, image: torch.Tensor):
    with pytest.raises(InputError, match="image 1: needs RGB"):
        detect_faces([torch.zeros(3, 64, 64), image], detector)


def test_resnet50_runs_through_everything():
    """Its weights are not in this package; random ones, made unsure of everything, have to pass every step."""
    retinaface = pytest.importorskip("facexlib.detection.retinaface")
    torch.manual_seed(0)
    network = retinaface.RetinaFace("resnet50", device=CPU)
    with torch.no_grad():
        for head in network.ClassHead:
            head.conv1x1.weight.zero_()
            head.conv1x1.bias.zero_()
    net = FaceDetectorNet("retinaface_resnet50", network, CPU, Path("none.pth"))
    (result,) = detect_faces([torch.rand(3, 64, 96)], net, rotations=True)
    assert result.faces == [] and all(skipped.reason == "confidence below 0.8 (0.50)" for skipped in result.skipped)
    assert len(result.skipped) > 0
