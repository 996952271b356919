"""What can be tested without CUDA: elsewhere steps run as usual."""

import torch
from torch import Tensor

from training.graphs import StepGraphs


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
