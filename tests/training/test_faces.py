"""Where the faces of a run come from."""

import shutil
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.data import decode, whole_face
from training.faces import read_faces
from vqfr_core.errors import InputError

PORTRAIT = Path(__file__).parents[2] / "examples" / "portrait.jpg"


def test_split_and_too_few(faces_tar: Path) -> None:
    faces = read_faces(faces_tar, 2)
    assert (len(faces.training), len(faces.validation)) == (4, 2)
    assert not set(faces.training) & set(faces.validation)
    assert whole_face(faces.training[0]).shape == (512, 512, 3)
    assert len(read_faces(faces_tar).validation) == 1
    with pytest.raises(InputError, match="6 faces"):
        read_faces(faces_tar, 6)


def test_a_folder_is_read_like_a_tar(faces_tar: Path, tmp_path: Path) -> None:
    with tarfile.open(faces_tar) as tar:
        tar.extractall(tmp_path, filter="data")
    assert read_faces(tmp_path / "faces", 2) == read_faces(faces_tar, 2)


def test_photographs_become_aligned_faces(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    for name in ("a.jpg", "b.jpg"):
        shutil.copy(PORTRAIT, photographs / name)
    cv2.imwrite(str(photographs / "wall.png"), np.full((300, 300, 3), 90, np.uint8))
    faces = read_faces(photographs, 1, align=True)
    assert decode(faces.training[0]).shape == (512, 512, 3) and faces.training == faces.validation
    assert "wall.png: no face found" in caplog.text
