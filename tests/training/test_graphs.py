"""Steps run as usual on a CPU. When and on what they are recorded is tested with a stand-in for CUDA's graphs."""

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor

from training.graphs import NUM_PLAIN, StepGraphs


class Recorded:
    """Stands for a CUDA graph: its outputs are its inputs, so there is nothing to compute."""

    num_replayed = 0

    def pool(self) -> None:
        return None

    def replay(self) -> None:
        Recorded.num_replayed += 1


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> StepGraphs:
    """As on a GPU."""
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Recorded)
    for name in ("graph", "stream"):
        monkeypatch.setattr(torch.cuda, name, lambda *args, **settings: nullcontext())
    for name in ("synchronize", "empty_cache", "current_stream"):
        monkeypatch.setattr(torch.cuda, name, lambda: Stream())
    Recorded.num_replayed = 0
    made = StepGraphs(torch.device("cpu"))
    made.records, made._stream = True, Stream()  # type: ignore[assignment]
    return made


class Stream:
    def wait_stream(self, other: Any) -> None:
        pass


def test_on_a_cpu_every_step_runs_as_usual() -> None:
    graphs, seen = StepGraphs(torch.device("cpu")), []

    def step(x: Tensor, y: Tensor) -> dict[str, Tensor]:
        seen.append((x, y))
        return {"sum": x + y}

    for number in range(6):
        x, y = torch.tensor(float(number)), torch.tensor(1.0)
        assert graphs.run("phase", number % 2, step, x, y)["sum"] == number + 1
        assert seen[-1][0] is x and seen[-1][1] is y
    assert len(seen) == 6 and not graphs.records


def test_each_kind_is_recorded_after_some_plain_steps_and_again_in_another_phase(graphs: StepGraphs) -> None:
    calls: list[Tensor] = []

    def step(x: Tensor) -> dict[str, Tensor]:
        calls.append(x)
        return {"same": x}

    for phase in ("first", "second"):
        for kind in (True, False):
            for number in range(NUM_PLAIN + 3):
                given = torch.tensor(float(number))
                assert graphs.run(phase, kind, step, given)["same"] == number
    assert len(calls) == 4 * (NUM_PLAIN + 1) and Recorded.num_replayed == 4 * 3


def test_what_cannot_be_recorded_runs_as_usual(graphs: StepGraphs, caplog: pytest.LogCaptureFixture) -> None:
    calls: list[Tensor] = []

    def step(x: Tensor) -> dict[str, Tensor]:
        calls.append(x)
        if len(calls) == NUM_PLAIN + 1:
            raise RuntimeError("not permitted when stream is capturing")
        return {"same": x}

    for number in range(NUM_PLAIN + 3):
        assert graphs.run("phase", 0, step, torch.tensor(float(number)))["same"] == number
    assert "run as usual, slower: not permitted" in caplog.text and Recorded.num_replayed == 0
