from pathlib import Path

import torch

from training.data import batches, make_batch
from training.faces import read_faces


def test_batches_are_named_by_seed_and_number(faces_tar: Path) -> None:
    pictures = read_faces(faces_tar, 1).training
    source = batches(pictures, 64, 2, seed=3, first=5)
    for number in (5, 6):
        batch, again = next(source), make_batch(pictures, 64, 2, 3, number)
        assert torch.equal(batch.sharp, again.sharp) and torch.equal(batch.degraded, again.degraded)
        assert batch.sharp.shape == (2, 3, 64, 64) and batch.sharp.abs().max() <= 1
    source.close()
    strided = batches(pictures, 64, 2, seed=3, first=4, stride=2)
    next(strided)
    assert torch.equal(next(strided).sharp, batch.sharp)
    strided.close()
    assert not torch.equal(batch.sharp, make_batch(pictures, 64, 2, 4, 6).sharp)
