"""Other projects' restorers against their networks' own calls, with random weights. Noise of GFPGAN counts in them."""

import builtins
import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from stand_ins import restorers
from vqfr_core.errors import Cancelled, InputError, WeightsError
from vqfr_core.networks import by_spandrel
from vqfr_core.networks.base import Restorer
from vqfr_core.pipeline.restoring.restore import restore_faces, sweep_faces
from vqfr_core.types import Box, Face, FaceCrop, FaceDetection, ImageFaces
from vqfr_core.weights.folders import Folders
from vqfr_core.weights.store import WeightStore

pytest.importorskip("spandrel")

SIZE_PX = 64


def faces(count: int, side_px: int = SIZE_PX) -> Tensor:
    return torch.rand(count, 3, side_px, side_px, generator=torch.Generator().manual_seed(3))


def described(model: nn.Module, half: bool = False) -> Any:
    return SimpleNamespace(model=model, supports_half=half, supports_bfloat16=True)


@pytest.fixture(scope="module")
def small_gfpgan() -> Restorer:
    """Of a size that spandrel does not recognise, but of its class."""
    network = restorers.gfpgan(out_size=SIZE_PX, narrow=1 / 16, num_style_feat=32)
    return by_spandrel.GfpganRestorer(described(network), "gfpgan", "GFPGAN")


class WeightedModule(nn.Module):
    """Stands in for CodeFormer, which is not installed everywhere: how it is called, and what it needs."""

    def __init__(self) -> None:
        super().__init__()
        self.own = nn.Parameter(torch.ones(1))
        self.weights: list[Any] = []

    def forward(self, x: Tensor, weight: float = 0.5) -> tuple[Tensor, None]:
        self.weights.append(weight)
        return (x * weight if weight > 0 else x * 0), None


@pytest.fixture
def stand_in() -> Restorer:
    return by_spandrel.CodeFormerRestorer(described(WeightedModule()), "codeformer", "CodeFormer")


def test_gfpgan_equals_its_own_call(small_gfpgan: Restorer):
    x = faces(2)
    with torch.inference_mode():
        own = small_gfpgan.module(2 * x - 1, return_rgb=False, randomize_noise=False)[0]
        noisy = small_gfpgan.module(2 * x - 1, return_rgb=False)[0]
        before = torch.get_rng_state()
        first, second = (small_gfpgan.restore(x, [0.5]).answers[0] for _ in range(2))
        both = torch.cat([small_gfpgan.restore(face, [0.5]).answers[0] for face in x.split(1)])
    assert torch.equal(first, (own + 1) / 2) and torch.equal(first, second)
    torch.testing.assert_close(first, both)
    assert (noisy - own).abs().max() > 0.05, "the weights have to show noise"
    assert torch.equal(before, torch.get_rng_state())
    assert not small_gfpgan.has_fidelity and "no fidelity" in (small_gfpgan.fidelity_note() or "")


def test_a_restoreformer_file(tmp_path: Path):
    path, before = restorers.save(restorers.restoreformer(), tmp_path / "RestoreFormer.pth"), torch.get_rng_state()
    restorer = WeightStore(lambda: Folders(tmp_path)).open("restorer", str(path), "cpu")
    assert restorer.describe()["name"] == "RestoreFormer" and restorer.title == "RestoreFormer"
    x = faces(1, 128)
    with torch.inference_mode():
        own = restorers.restoreformer()(2 * x - 1)[0]
        first, second = (restorer.restore(x, [0.5]).answers[0] for _ in range(2))
    assert torch.equal(first, (own + 1) / 2) and torch.equal(first, second)
    assert torch.equal(before, torch.get_rng_state())
    assert not any(part.is_meta for part in restorer.module.state_dict().values())


def test_formats_they_cannot_work_in(tmp_path: Path):
    restorers.save(restorers.restoreformer(), tmp_path / "RestoreFormer.pth")
    store = WeightStore(lambda: Folders(tmp_path))
    gpu = torch.device("cuda")
    half = store.open("restorer", "RestoreFormer", "cpu", "fp16", for_device=gpu)
    assert (half.precision, half.precision_asked) == ("fp32", "fp16")
    assert half.precision_note() == "RestoreFormer cannot work in fp16: fp32 was used"
    brain = store.open("restorer", "RestoreFormer", "cpu", "bf16", for_device=gpu)
    assert brain.precision == "bf16" and brain.precision_note() is None
    answer = brain.restore(faces(1, 64), [0.5]).answers[0]
    assert answer.dtype == torch.float32 and answer.isfinite().all()


def test_gfpgan_in_bf16(small_gfpgan: Restorer):
    assert small_gfpgan.precisions == ["fp32", "bf16"]
    rounded = copy.deepcopy(small_gfpgan)
    rounded.choose_precision("bf16")
    exact, answer = (network.restore(faces(1), [0.5]).answers[0] for network in (small_gfpgan, rounded))
    assert answer.dtype == torch.float32 and (answer - exact).abs().mean() < 0.05


def test_codeformer_works_in_float32_only(stand_in: Restorer):
    stand_in.choose_precision("bf16")
    assert stand_in.precision == "fp32"
    assert stand_in.precision_note() == "codeformer cannot work in bf16: fp32 was used"


def test_one_number_at_a_time_for_codeformer(stand_in: Restorer):
    x = faces(2)
    restored = stand_in.restore(x, [0.25, torch.tensor([0.0, 1.0])], keep=True)
    assert stand_in.module.weights == [0.25, 0.0, 1.0] and all(type(w) is float for w in stand_in.module.weights)
    torch.testing.assert_close(restored.answers[0], (0.25 * (2 * x - 1) + 1) / 2)
    torch.testing.assert_close(restored.answers[1][1], x[1])
    assert restored.kept is not None
    assert stand_in.can_render(restored.kept[1], 1.0) and not stand_in.can_render(restored.kept[1], 0.0)
    assert torch.equal(stand_in.render(restored.kept[1], 1.0), restored.answers[1][1])


@pytest.fixture
def found(group: Tensor) -> list[ImageFaces]:
    """Three faces in crops of 64 px."""
    width = group.shape[-1] // 5
    faces = tuple(
        Face(FaceDetection(Box(0, 0, 1, 1), (), 1.0), crop=FaceCrop(None, group[:, 100:164, x : x + 64], np.eye(2, 3)))
        for x in range(0, 3 * width, width)
    )
    return [ImageFaces(group, (420, 960), faces)]


def test_batches_progress_and_cancelling(small_gfpgan: Restorer, found: list[ImageFaces]):
    small_gfpgan.crop_px, counted = SIZE_PX, []
    (alone,) = restore_faces(found, small_gfpgan, batch_size=1)
    (both,) = restore_faces(found, small_gfpgan, 0.2, batch_size=2, progress=lambda *done: counted.append(done))
    for one, other in zip(alone.used, both.used, strict=True):
        torch.testing.assert_close(one.restored, other.restored, atol=1e-4, rtol=0)
    assert counted == [(0, 3), (2, 3), (3, 3)]
    assert not alone.notes  # the fidelity was left alone
    assert both.notes == ("gfpgan has no fidelity: the setting was ignored",)
    assert both.made_by.model["fidelity"] is None
    with pytest.raises(Cancelled):
        restore_faces(found, small_gfpgan, should_stop=lambda: True)


def test_a_fidelity_for_each_face_but_no_map(stand_in: Restorer, found: list[ImageFaces]):
    stand_in.crop_px = SIZE_PX
    (each,) = restore_faces(found, stand_in, [0.0, 0.5, 1.0], batch_size=3)
    assert stand_in.module.weights == [0.0, 0.5, 1.0] and not each.notes
    assert (each.used[2].restored - each.used[2].crop.image).abs().max() < 1e-6
    swept = sweep_faces(found, stand_in, [0.0, 1.0])
    assert torch.equal(swept[1][0].used[2].restored, each.used[2].restored)
    with pytest.raises(InputError, match="takes one fidelity per face, not a map"):
        restore_faces(found, stand_in, torch.zeros(3, 1, SIZE_PX, SIZE_PX))


def test_the_first_gfpgan_is_told(tmp_path: Path):
    names = ("conv_body_first.0.weight", "stylegan_decoder.style_mlp.1.weight", "toRGB.0.weight")
    path = tmp_path / "GFPGANv1.pth"
    torch.save({name: torch.zeros(1) for name in names}, path)
    with pytest.raises(WeightsError, match=r"GFPGANv1.pth: this is the first GFPGAN"):
        WeightStore(lambda: Folders(tmp_path)).open("restorer", str(path), "cpu")


def test_another_restoreformer_is_told(tmp_path: Path):
    path = tmp_path / "other.pth"
    torch.save({f"vqvae.{name}": part for name, part in restorers.restoreformer().state_dict().items()}, path)
    with pytest.raises(WeightsError, match="built differently"):
        WeightStore(lambda: Folders(tmp_path)).open("restorer", str(path), "cpu")


@pytest.mark.parametrize(
    ("package", "build", "told"),
    [
        (
            "spandrel",
            by_spandrel.build_gfpgan,
            "GFPGAN needs .* spandrel .*--with restorers .or: pip install spandrel.$",
        ),
        ("spandrel_extra_arches", by_spandrel.build_codeformer, "S-Lab License 1.0.*non-commercial use only"),
    ],
)
def test_a_missing_package(package: str, build: Any, told: str, monkeypatch: pytest.MonkeyPatch):
    def refuse(name: str) -> Any:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(by_spandrel, "import_module", refuse)
    with pytest.raises(WeightsError, match=told):
        build({})


def test_nothing_of_spandrel_is_imported_by_menus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    restorers.save(restorers.restoreformer(), tmp_path / "RestoreFormer.pth")
    imported, original = [], builtins.__import__

    def note(name: str, *more: Any) -> Any:
        imported.append(name)
        return original(name, *more)

    monkeypatch.setattr(builtins, "__import__", note)
    texts = [choice.text for choice in WeightStore(lambda: Folders(tmp_path)).choices("restorer")]
    assert texts[-1] == "RestoreFormer.pth (RestoreFormer)"
    assert not any(name.startswith("spandrel") for name in imported)


@pytest.mark.slow
def test_a_gfpgan_file(tmp_path: Path):
    """At the published size, the only one that spandrel knows."""
    network = restorers.gfpgan()
    restorers.save(network, tmp_path / "GFPGANv1.4.pth")
    before = torch.get_rng_state()
    restorer = WeightStore(lambda: Folders(tmp_path)).open("restorer", "GFPGANv1.4", "cpu")
    x = faces(1, 512)
    with torch.inference_mode():
        own = network(2 * x - 1, return_rgb=False, randomize_noise=False)[0]
        first, second = (restorer.restore(x, [0.5]).answers[0] for _ in range(2))
    assert torch.equal(first, (own + 1) / 2) and torch.equal(first, second)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.slow
def test_a_codeformer_file(tmp_path: Path):
    """Where the user has its package. Installed neither for the tests nor with this project: see THIRD_PARTY.md."""
    pytest.importorskip("spandrel_extra_arches")
    network = restorers.codeformer()
    restorers.save(network, tmp_path / "codeformer-v0.1.0.pth")
    before = torch.get_rng_state()
    restorer = WeightStore(lambda: Folders(tmp_path)).open("restorer", "codeformer", "cpu")
    assert restorer.fidelity == "number" and restorer.name == "codeformer-v0.1.0"
    x = faces(1, 512)
    with torch.inference_mode():
        own = [network(2 * x - 1, weight=weight)[0] for weight in (0.0, 0.7)]
        low, high = restorer.restore(x, [0.0, 0.7]).answers
    assert torch.equal(low, (own[0] + 1) / 2) and torch.equal(high, (own[1] + 1) / 2) and not torch.equal(low, high)
    assert torch.equal(before, torch.get_rng_state())
