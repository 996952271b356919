from pathlib import Path

import pytest
import torch

from training.data import Batch, batches, make_batch
from training.faces import read_faces


@pytest.mark.slow
@pytest.mark.parametrize("num_workers", [0, 2])
def test_batches_are_named_by_seed_and_number(faces_tar: Path, num_workers: int) -> None:
    pictures = read_faces(faces_tar, 1).training
    source = batches(pictures, 64, 2, seed=3, first=5, num_workers=num_workers)
    for number in (5, 6):
        batch, again = next(source), make_batch(pictures, 64, 2, 3, number)
        assert torch.equal(batch.sharp, again.sharp) and torch.equal(batch.degraded, again.degraded)
        assert batch.sharp.shape == (2, 3, 64, 64) and batch.sharp.dtype == torch.uint8
    strided = batches(pictures, 64, 2, seed=3, first=4, stride=2, num_workers=num_workers)
    next(strided)
    assert torch.equal(next(strided).sharp, batch.sharp)
    assert not torch.equal(batch.sharp, make_batch(pictures, 64, 2, 4, 6).sharp)


def test_trained_on_in_the_networks_range() -> None:
    pixels = torch.tensor([0, 255], dtype=torch.uint8).view(1, 2, 1, 1)
    batch = Batch(pixels, pixels).on(torch.device("cpu"))
    assert batch.degraded.flatten().tolist() == [-1.0, 1.0]
