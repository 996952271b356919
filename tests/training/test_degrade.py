import numpy as np
import pytest

from training.degrade import TRAINING_MIX, degrade_for_training


def test_training_mix_is_a_distribution_and_is_seeded() -> None:
    assert sum(chance for chance, _ in TRAINING_MIX) == pytest.approx(1.0)
    picture = np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    runs = [degrade_for_training(picture, np.random.default_rng(5)) for _ in range(2)]
    assert np.array_equal(*runs)
