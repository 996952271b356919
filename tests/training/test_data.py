from pathlib import Path

import pytest
import torch

from training.data import batches, make_batch, read_faces, whole_face


def test_split_and_too_few(faces_tar: Path) -> None:
    faces = read_faces(faces_tar, 2)
    assert (len(faces.training), len(faces.validation)) == (4, 2)
    assert not set(faces.training) & set(faces.validation)
    assert whole_face(faces.training[0]).shape == (512, 512, 3)
    with pytest.raises(ValueError, match="6 pictures"):
        read_faces(faces_tar, 6)


def test_batches_are_named_by_seed_and_number(faces_tar: Path) -> None:
    pictures = read_faces(faces_tar, 1).training
    source = batches(pictures, 64, 2, seed=3, first=5)
    for number in (5, 6):
        batch, again = next(source), make_batch(pictures, 64, 2, 3, number)
        assert torch.equal(batch.sharp, again.sharp) and torch.equal(batch.degraded, again.degraded)
        assert batch.sharp.shape == (2, 3, 64, 64) and batch.sharp.abs().max() <= 1
    source.close()
    assert not torch.equal(batch.sharp, make_batch(pictures, 64, 2, 4, 6).sharp)
