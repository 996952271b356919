import numpy as np
import pytest

from training.degrade import TRAINING_MIX, degrade_for_training, move, scratch


def test_training_mix_is_a_distribution_and_is_seeded() -> None:
    assert sum(chance for chance, _ in TRAINING_MIX) == pytest.approx(1.0)
    picture = np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    runs = [degrade_for_training(picture, np.random.default_rng(5)) for _ in range(2)]
    assert np.array_equal(*runs)


def test_motion_blurs_along_its_line_alone() -> None:
    columns = np.zeros((64, 64, 3), np.uint8)
    columns[:, ::8] = 255
    across, along = move(columns, 9, 0), move(columns, 9, 90)
    assert across.dtype == np.uint8 and across.shape == columns.shape
    assert across.std() < 0.5 * columns.std() and np.array_equal(along, columns)
    assert np.array_equal(move(columns, 1.5, 30), columns), "too short to be seen"
    assert abs(float(move(columns, 16, 45).mean()) - float(columns.mean())) < 5


def test_scratches_are_seeded_and_few() -> None:
    face = np.full((128, 128, 3), 120, np.uint8)
    shares = []
    for seed in range(30):
        scratched = scratch(face, np.random.default_rng(seed))
        assert np.array_equal(scratched, scratch(face, np.random.default_rng(seed)))
        shares.append(float((scratched != face).any(2).mean()))
    assert max(shares) < 0.4 and sum(share > 0 for share in shares) > 25
    assert (face == 120).all(), "the picture itself is not drawn on"
