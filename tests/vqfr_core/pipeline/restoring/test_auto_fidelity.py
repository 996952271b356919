from functools import partial

import pytest

from vqfr_core.pipeline.restoring import auto_fidelity
from vqfr_core.pipeline.restoring.auto_fidelity import restore_by_degradation
from vqfr_core.pipeline.restoring.restore import sweep_faces
from vqfr_core.types import Drift, Measures, all_used


@pytest.fixture
def restored(monkeypatch, recorder, entry):
    """restored(tones at fidelity 1, sharpness) gives the faces; the drift grows as the fidelity falls."""

    def restore(least: float, *sharpness: float | None):
        def drifts(crop, results, detector):
            # The recorder darkens by a tenth of the fidelity.
            fidelities = [10 * (1 - float(result.max() / crop.max())) for result in results]
            return [Drift(None, least + 4 * (1 - fidelity)) for fidelity in fidelities]

        monkeypatch.setattr(auto_fidelity, "drifts", drifts)
        own = entry(1 + len(sharpness))
        faces = own.used[1:]  # the first one is black
        measured = [None if value is None else Measures(value, 0.0) for value in sharpness]
        images = [own.__class__(None, (9, 9), tuple(map(with_measures, faces, measured)))]
        return restore_by_degradation(images, recorder, None, partial(sweep_faces, images, recorder))

    return restore


def with_measures(face, measures):
    return face.__class__(**{**vars(face), "measures": measures})


def test_the_more_degraded_the_lower(restored, recorder):
    faces = all_used(restored(0.0, 0.0, 0.15, 0.9, None))
    assert [face.fidelity for face in faces] == pytest.approx([0.0, 0.5, 1.0, 1.0])


def test_raised_where_the_face_drifts(restored, recorder, monkeypatch):
    monkeypatch.setattr(type(recorder), "sweeps_fast", True)
    (images,) = restored(2.5, 0.0, 0.24)
    assert [face.fidelity for face in images.used] == pytest.approx([0.75, 0.8])
    assert [face.drift.tones for face in images.used] == pytest.approx([3.5, 3.3], abs=1e-3)
    assert images.made_by.model["fidelity"] == "auto"
    (face,) = all_used(restored(5.0, 0.0))
    assert face.fidelity == 1.0 and "may not look like the input" in face.warning


def test_a_network_that_is_best_at_one_fidelity_gets_it(restored, recorder, monkeypatch):
    monkeypatch.setattr(type(recorder), "most_realistic_at", 0.5)
    monkeypatch.setattr(type(recorder), "settles_at", 0.5)
    (images,) = restored(0.0, 0.0, 0.2)
    assert [face.fidelity for face in images.used] == [0.5, 0.5] and len(recorder.asked[0]) == 1
    assert images.notes == ("recorder (a recorder) looks best at fidelity 0.5, so every face has that",)


def test_a_network_without_fidelity_says_so(restored, recorder):
    recorder.fidelity = "none"
    (images,) = restored(0.0, 0.1)
    assert images.used[0].fidelity is None and images.made_by.model["fidelity"] is None
    assert images.notes == ("recorder (a recorder) has no fidelity: the setting was ignored",)
