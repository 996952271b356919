"""Trying settings on one image: the same results as from scratch, and the network runs no more often than it must."""

from pathlib import Path

import pytest
import torch

from vqfr_core import Cancelled, FaceRestorer, RestoreOptions, read_picture
from vqfr_core.interactive import Rework

GROUP = Path(__file__).parents[1] / "data" / "group.jpg"


@pytest.fixture(scope="module")
def restorer(tiny_v2) -> FaceRestorer:
    return FaceRestorer(tiny_v2, device="cpu")


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return read_picture(GROUP).images[0]


@pytest.fixture
def encodings(restorer, monkeypatch) -> list[int]:
    """Grows by one whenever the network looks at faces."""
    seen: list[int] = []
    restorer.network.encoder.register_forward_hook(lambda *_: seen.append(1))
    yield seen
    restorer.network.encoder._forward_hooks.clear()


@pytest.mark.parametrize("model", ["tiny_v1", "tiny_v2"])
def test_equal_to_restoring_from_scratch(model, image, request):
    restorer = FaceRestorer(request.getfixturevalue(model), device="cpu")
    work = Rework(image)
    work.restore(restorer, RestoreOptions(max_faces=1, fidelity=0.3))
    for changes in ({"fidelity": 0.0}, {"fidelity": 0.8, "opacity": 0.5, "mask": "box", "color_match": 0.0}):
        options = RestoreOptions(max_faces=1, **changes)
        again, fresh = work.restore(restorer, options), restorer.restore(image, options)
        assert torch.equal(again.image, fresh.image) and torch.equal(again.mask, fresh.mask)
        assert again.report.faces == fresh.report.faces and again.report.options == fresh.report.options


def test_only_new_faces_go_through_the_network(restorer, image, encodings):
    work, options = Rework(image), RestoreOptions(max_faces=2)
    assert not work.is_kept(restorer, options)
    work.restore(restorer, options)
    assert len(encodings) == 2 and work.is_kept(restorer, options)
    for changed in (
        options.replace(fidelity=0.9),
        options.replace(opacity=0.3, scale=2.0),
        options.replace(select="1"),
    ):
        assert work.is_kept(restorer, changed)
        work.restore(restorer, changed)
    assert len(encodings) == 2
    work.restore(restorer, options.replace(max_faces=3))
    assert len(encodings) == 3


def test_a_sweep_uses_what_is_kept(restorer, image, encodings):
    work, options = Rework(image), RestoreOptions(select="largest")
    first = work.restore(restorer, options)
    results = work.sweep(restorer, [0.0, 0.5, 1.0], options)
    assert len(encodings) == 1 and torch.equal(results[1].image, first.image)
    assert [result.report.options["fidelity"] for result in results] == [0.0, 0.5, 1.0]


def test_memory_has_a_limit(restorer, image, encodings):
    work = Rework(image, max_bytes=1)
    options = RestoreOptions(max_faces=2)
    work.restore(restorer, options)
    assert len(work._kept) == 1 and not work.is_kept(restorer, options)
    work.forget()
    assert work.num_bytes == image.numel() * 4


def test_faces_are_known_by_the_numbers_of_the_selection(restorer, image):
    work, options = Rework(image), RestoreOptions(sort="left-right", select="1,2")
    numbered = work.numbers(restorer, options)
    assert work.detect(restorer, options).faces == numbered[1:3] and len(numbered) > 3


def test_an_aligned_face(restorer, image):
    face, options = image[:, 40:140, 40:140], RestoreOptions(aligned=True, fidelity=0.7)
    assert torch.equal(Rework(face).restore(restorer, options).image, restorer.restore(face, options).image)


def test_it_stops_when_told_and_keeps_what_is_done(restorer, image, encodings):
    work, options = Rework(image), RestoreOptions(max_faces=2)
    seen: list[tuple[int, int]] = []
    with pytest.raises(Cancelled, match="1 of 2"):
        work.restore(restorer, options, progress=lambda *p: seen.append(p), should_stop=lambda: len(seen) > 0)
    assert seen == [(0, 2)]
    work.restore(restorer, options, progress=lambda *p: seen.append(p))
    assert len(encodings) == 2 and seen[-1] == (2, 2)
