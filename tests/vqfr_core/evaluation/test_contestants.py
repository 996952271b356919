"""Which rows of the table a model gets."""

import pytest

from vqfr_core import FaceRestorer, RestoreOptions
from vqfr_core.evaluation.contestants import Model
from vqfr_core.weights.store import WeightStore

FIDELITIES = (0.0, 0.25, 0.5, 0.75, 1.0)


@pytest.mark.parametrize(
    ("model", "expected"), [("tiny_v1", [0.0, 0.25, 0.5]), ("tiny_v2", list(FIDELITIES)), ("none", [None])]
)
def test_a_row_for_each_fidelity_that_differs(model, expected, request, small_store: WeightStore, monkeypatch):
    path = request.getfixturevalue("tiny_v1" if model == "none" else model)
    restorer = FaceRestorer(path, device="cpu", store=small_store)
    if model == "none":
        monkeypatch.setattr(restorer.model, "fidelity", "none")
    contestant = Model(restorer, FIDELITIES, RestoreOptions())
    assert [row.fidelity for row in contestant.rows] == expected
