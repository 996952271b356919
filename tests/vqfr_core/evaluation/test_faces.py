from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vqfr_core.errors import InputError
from vqfr_core.evaluation.faces import find_cases, load_face, read_face
from vqfr_core.evaluation.landmarks import FaceFinder
from vqfr_core.pipeline.align import FFHQ_TEMPLATE
from vqfr_core.weights.store import WeightStore

PICTURES = Path(__file__).parents[3] / "stand_ins" / "pictures"


def fill(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        Image.new("RGB", (40, 40), (200, 100, 50)).save(folder / name)
    return folder


def test_pairs_by_name_whatever_the_ending(tmp_path):
    originals = fill(tmp_path / "hq", "b.png", "a.png", "only_here.png")
    degraded, restored = fill(tmp_path / "lq", "a.jpg", "b.jpg"), fill(tmp_path / "ours", "a.png", "b.webp")
    first, second = find_cases(originals, degraded, [restored])
    assert (first.name, first.original, first.degraded) == ("a", originals / "a.png", degraded / "a.jpg")
    assert second.restored == (restored / "b.webp",)
    assert len(find_cases(originals, degraded, [restored], limit=1)) == 1
    assert len(find_cases(originals, None, [])) == 3


def test_a_missing_partner_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no picture named b .1 of 2"):
        find_cases(fill(tmp_path / "hq", "a.png"), fill(tmp_path / "lq", "a.png", "b.png"), [])
    with pytest.raises(InputError, match="nothing to evaluate"):
        find_cases(None, None, [])
    with pytest.raises(InputError, match="is not a folder"):
        find_cases(tmp_path / "nowhere", None, [])


def test_originals_are_degraded_the_same_way_each_time(tmp_path, reference_dir):
    folder = tmp_path / "hq"
    folder.mkdir()
    with Image.open(reference_dir / "input_face.png") as image:
        image.convert("RGB").resize((300, 300)).save(folder / "a.png")
    (case,) = find_cases(folder, None, [])
    face, again, other = (load_face(case, number, "medium", seed) for number, seed in ((1, 2), (0, 3), (0, 2)))
    assert face.original is not None and face.degraded is not None
    assert face.original.shape == face.degraded.shape == (3, 512, 512)
    assert torch.equal(face.degraded, again.degraded) and not torch.equal(face.degraded, other.degraded)
    assert torch.equal((face.degraded * 255).round() / 255, face.degraded)


def test_a_photograph_is_aligned(reference_dir):
    detector = WeightStore().open("detector", "retinaface_mobile0.25", "cpu")
    aligned = read_face(PICTURES / "face.jpg", detector)
    found = FaceFinder(detector).find(aligned)
    assert found is not None and np.abs(np.subtract(found.landmarks, FFHQ_TEMPLATE)).max() < 20
