"""Trying settings on one image: the same results as from scratch, and the network runs no more often than it must."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import torch

from stand_ins.upscalers import SmallUpscaler
from vqfr_core import Cancelled, FaceRestorer, RestoreOptions
from vqfr_core.interactive import InteractiveImage, compare
from vqfr_core.networks.by_spandrel import CodeFormerRestorer
from vqfr_core.pipeline.enlarging.enlarger import Enlarger


@pytest.fixture(scope="module")
def restorer(tiny_v2, small_store) -> FaceRestorer:
    return FaceRestorer(tiny_v2, device="cpu", store=small_store)


@pytest.fixture(scope="module")
def image(group) -> torch.Tensor:
    return group


@pytest.fixture
def encodings(restorer) -> Iterator[list[int]]:
    """Grows by one whenever the network looks at faces."""
    seen: list[int] = []
    handle = restorer.network.encoder.register_forward_hook(lambda *_: seen.append(1))
    yield seen
    handle.remove()


@pytest.fixture
def detections(restorer, monkeypatch) -> list[int]:
    """Grows by one whenever the detector looks at pictures."""
    detector, seen = restorer.detector(), []
    find = detector.find
    monkeypatch.setattr(detector, "find", lambda *args: (seen.append(1), find(*args))[1])
    return seen


@pytest.mark.parametrize("model", ["tiny_v1", "tiny_v2"])
def test_equal_to_restoring_from_scratch(model, image, small_store, request):
    restorer = FaceRestorer(request.getfixturevalue(model), device="cpu", store=small_store)
    work = InteractiveImage(image)
    work.restore(restorer, RestoreOptions(max_faces=1, fidelity=0.3))
    for changes in (
        {"fidelity": 0.0},
        {"fidelity": 0.8, "opacity": 0.5, "mask": "crop", "color_match": 0.0},
        {"sort": "score", "select": "0"},
    ):
        options = RestoreOptions(max_faces=1, **changes)
        again, fresh = work.restore(restorer, options), restorer.restore(image, options)
        assert torch.equal(again.image, fresh.image) and torch.equal(again.mask, fresh.mask)
        restored = [[face for face in report.faces if not face.reason] for report in (again.report, fresh.report)]
        assert restored[0] == restored[1] != [] and again.report.options == fresh.report.options
        assert again.report.notes == fresh.report.notes and again.report.model == fresh.report.model


def test_only_new_faces_go_through_the_network(restorer, image, encodings):
    work, options = InteractiveImage(image), RestoreOptions(max_faces=2)
    assert not work.is_kept(restorer, options)
    work.restore(restorer, options)
    assert len(encodings) == 2 and work.is_kept(restorer, options)
    for changed in (
        options.replace(fidelity=0.9),
        options.replace(opacity=0.3, scale=2.0),
        options.replace(select="1"),
        options.replace(sort="score", select="largest"),
    ):
        assert work.is_kept(restorer, changed)
        work.restore(restorer, changed)
    assert len(encodings) == 2
    work.restore(restorer, options.replace(max_faces=3))
    assert len(encodings) == 3


def test_the_detector_runs_only_when_its_settings_change(restorer, image, detections):
    work, options = InteractiveImage(image), RestoreOptions(select="0")
    work.detect(restorer, options)
    looks = len(detections)
    work.detect(restorer, options.replace(select="1", sort="score", mask="crop", fidelity=0.1))
    assert len(detections) == looks > 0
    assert len(work.detect(restorer, options.replace(min_face_px=50.0, select="all")).used) == 3
    assert len(detections) == 2 * looks


def test_a_sweep_uses_what_is_kept(restorer, image, encodings):
    work, options = InteractiveImage(image), RestoreOptions(select="largest")
    first = work.restore(restorer, options)
    results = work.sweep(restorer, [0.0, 0.5, 1.0], options)
    assert len(encodings) == 1 and torch.equal(results[1].image, first.image)
    assert [result.report.options["fidelity"] for result in results] == [0.0, 0.5, 1.0]
    assert work.sweep(restorer, [], options) == []


def test_memory_has_a_limit(restorer, image, encodings):
    work = InteractiveImage(image, max_bytes=1)
    options = RestoreOptions(max_faces=2)
    work.restore(restorer, options)
    one_face = 3 * 128 * 128 * 4 + 2 * 32 * 128 * 128 * 4  # its crop, and two features
    assert work.num_bytes == image.numel() * 4 + one_face and not work.is_kept(restorer, options)
    assert work.is_kept(restorer, options.replace(select="1"))
    work.forget()
    assert work.num_bytes == image.numel() * 4 and not work.is_kept(restorer, options.replace(select="1"))


def test_faces_are_known_by_the_numbers_of_the_selection(restorer, image):
    work, options = InteractiveImage(image), RestoreOptions(sort="left-right", select="1,2")
    chosen = work.detect(restorer, options)
    assert [face.number for face in chosen.used] == [1, 2] and len(chosen.faces) == 5
    everything = work.detect(restorer, options.replace(select="all"))
    assert [face.number for face in everything.faces] == [face.number for face in chosen.faces]


def test_an_aligned_face(restorer, image, encodings):
    face, options = image[:, 40:140, 40:140], RestoreOptions(aligned=True, fidelity=0.7)
    work = InteractiveImage(face)
    assert torch.equal(work.restore(restorer, options).image, restorer.restore(face, options).image)
    work.restore(restorer, options.replace(fidelity=0.1))
    assert len(encodings) == 2 and work.is_kept(restorer, options)


def test_an_aligned_face_is_cut_for_each_size_of_crops(restorer, image, monkeypatch):
    work, options = InteractiveImage(image[:, 40:140, 40:140]), RestoreOptions(aligned=True)
    assert work.detect(restorer, options).used[0].crop.image.shape[-1] == restorer.model.crop_px
    monkeypatch.setattr(restorer.model, "crop_px", 96)
    assert work.detect(restorer, options).used[0].crop.image.shape[-1] == 96


def test_it_stops_when_told_and_keeps_what_is_done(restorer, image, encodings):
    work, options = InteractiveImage(image), RestoreOptions(max_faces=2)
    seen: list[tuple[int, int]] = []
    with pytest.raises(Cancelled, match="1 of 2"):
        work.restore(restorer, options, progress=lambda *p: seen.append(p), should_stop=lambda: seen[-1:] == [(1, 2)])
    assert seen == [(0, 2), (1, 2)]
    work.restore(restorer, options, progress=lambda *p: seen.append(p))
    assert len(encodings) == 2 and seen[-1] == (2, 2)


def test_several_restorers_side_by_side(image, small_store, tiny_v1, restorer, monkeypatch):
    """Each as alone, the faces found once, every face counted once for each restorer."""
    other = FaceRestorer(tiny_v1, device="cpu", store=small_store)
    options, counted = RestoreOptions(max_faces=2), []
    with monkeypatch.context() as patch:
        patch.setattr(other, "find", None)  # the first one has found the faces
        columns = compare(
            InteractiveImage(image, max_bytes=0),
            [lambda: restorer, lambda: other],
            [0.0, 1.0],
            options,
            progress=lambda done, total: counted.append((done, total)),
        )
    names = ("tiny_v2", "tiny_v1")
    assert [column.label for column in columns] == [f"{name}, fidelity {value}" for name in names for value in (0, 1)]
    assert counted[0] == (0, 4) and counted[-1] == (4, 4)
    alone = [own.restore(image, options.replace(fidelity=value)) for own in (restorer, other) for value in (0.0, 1.0)]
    for column, result in zip(columns, alone, strict=True):
        assert torch.equal(column.result.image, result.image)


def test_a_face_is_restored_again_if_another_fidelity_needs_the_network(image, small_store, tiny_v1):
    """Like CodeFormer: kept faces are shown again only at the fidelities they were restored at."""
    network = small_store.open("restorer", tiny_v1, "cpu")
    slow = CodeFormerRestorer(
        SimpleNamespace(model=Weighted(), supports_half=False, supports_bfloat16=True), "slow", "a slow one"
    )
    slow.crop_px = network.crop_px
    restorer = FaceRestorer(tiny_v1, device="cpu", store=small_store)
    restorer._model = slow
    work, options = InteractiveImage(image), RestoreOptions(max_faces=2, fidelity=0.25)
    first = work.restore(restorer, options)
    assert slow.module.weights == [0.25, 0.25] and work.is_kept(restorer, options.replace(opacity=0.5))
    assert not work.is_kept(restorer, options.replace(fidelity=0.75))
    assert torch.equal(work.restore(restorer, options).image, first.image) and len(slow.module.weights) == 2
    again = work.restore(restorer, options.replace(fidelity=0.75))
    assert len(slow.module.weights) == 4
    assert torch.equal(again.image, restorer.restore(image, options.replace(fidelity=0.75)).image)


class Weighted(torch.nn.Module):
    """Mixes the face with its negative."""

    def __init__(self):
        super().__init__()
        self.own = torch.nn.Parameter(torch.ones(1))
        self.weights: list[float] = []

    def forward(self, x: torch.Tensor, weight: float) -> tuple[torch.Tensor]:
        self.weights.append(weight)
        return (x * (2 * weight - 1),)


def test_a_background_is_made_once_for_a_size(restorer, face_picture):
    seen = []

    class Counted(SmallUpscaler):
        def run(self, image: torch.Tensor) -> torch.Tensor:
            seen.append(tuple(image.shape))
            return super().run(image)

    work, options, background = InteractiveImage(face_picture), RestoreOptions(fidelity=0.0), Enlarger(Counted())
    assert not work.is_kept(restorer, options, background)
    first = work.restore(restorer, options, background=background)
    assert work.is_kept(restorer, options, background) and len(seen) == 1
    changed = options.replace(opacity=0.5)
    again = work.restore(restorer, changed, background=background)
    assert len(seen) == 1 and not torch.equal(first.image, again.image)
    assert torch.equal(again.image, restorer.restore(face_picture, changed, background=Enlarger(SmallUpscaler())).image)
    assert not work.is_kept(restorer, options.replace(scale=2), background)
    assert not work.is_kept(restorer, options, Enlarger(SmallUpscaler()))
    before = work.num_bytes
    work.forget()
    assert before - work.num_bytes >= 3 * 320 * 320 * 4
