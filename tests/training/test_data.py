from functools import partial
from pathlib import Path

import pytest
import torch

from training.data import Batch, batches, make_batch
from training.faces import read_faces


@pytest.mark.slow
@pytest.mark.parametrize("num_workers", [0, 2])
def test_batches_are_named_by_seed_and_number(faces_tar: Path, num_workers: int) -> None:
    pictures = read_faces(faces_tar, 1).training
    make = partial(make_batch, pictures, 64, 2, 3, True)
    source = batches(make, first=5, num_workers=num_workers)
    for number in (5, 6):
        batch, again = next(source), make(number)
        assert torch.equal(batch.sharp, again.sharp) and torch.equal(batch.degraded, again.degraded)
        assert batch.sharp.shape == (2, 3, 64, 64) and batch.sharp.dtype == torch.uint8
    strided = batches(make, first=4, stride=2, num_workers=num_workers)
    next(strided)
    assert torch.equal(next(strided).sharp, batch.sharp)
    assert not torch.equal(batch.sharp, make_batch(pictures, 64, 2, 4, True, 6).sharp)


def test_trained_on_in_the_networks_range() -> None:
    pixels = torch.tensor([0, 255], dtype=torch.uint8).view(1, 2, 1, 1)
    batch = Batch(pixels, pixels).on(torch.device("cpu"))
    assert batch.degraded.flatten().tolist() == [-1.0, 1.0]


def test_sharp_crops_alone_are_the_sequences_own(faces_tar: Path) -> None:
    pictures = read_faces(faces_tar, 1).training
    alone = make_batch(pictures, 64, 1, 3, False, 7)
    assert torch.equal(alone.sharp, alone.degraded)
    assert torch.equal(alone.sharp, make_batch(pictures, 64, 1, 3, True, 7).sharp)
