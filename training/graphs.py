"""Training steps as CUDA graphs: launching a step's kernels from Python takes longer than running them.

A step is recorded once for each kind of step (size of the batch, losses in use) and then replayed on new data. It must
not read a number back from the device, and everything that changes from step to step must be one of its tensors.
"""

import logging
from collections.abc import Callable, Hashable, Sequence

import torch
from torch import Tensor

from .distributed import world

logger = logging.getLogger("training")

Figures = dict[str, Tensor]
Step = Callable[..., Figures]
"""Takes tensors only."""

NUM_PLAIN = 3
"""Steps of a kind that run as usual before it is recorded: they compile kernels and create the optimiser's state."""


class StepGraphs:
    """Runs steps, on one CUDA device from recordings; elsewhere, and if recording fails, as usual."""

    def __init__(self, device: torch.device) -> None:
        self.records = device.type == "cuda" and world() == 1  # what processes tell each other was not tried
        self._phase: Hashable = None
        self._num_plain: dict[Hashable, int] = {}
        self._graphs: dict[Hashable, tuple[torch.cuda.CUDAGraph, list[Tensor], Figures]] = {}
        # Nothing can be recorded on the default stream. Only steps use the other one: some operators, such as
        # torchvision's deformable convolution in validation, always run on the default stream.
        self._stream = torch.cuda.Stream(device) if self.records else None

    def run(self, phase: Hashable, kind: Hashable, step: Step, *inputs: Tensor) -> Figures:
        """What `step(*inputs)` returns. Valid until the next call.

        phase: recordings of an earlier phase are thrown away, with their memory. kind: within a phase, everything the
        step's course depends on, except for the numbers in `inputs`.
        """
        if self._stream is None or not self.records:
            return step(*inputs)
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            outputs = self._run_here(phase, kind, step, inputs)
        torch.cuda.current_stream().wait_stream(self._stream)
        return outputs

    def _run_here(self, phase: Hashable, kind: Hashable, step: Step, inputs: Sequence[Tensor]) -> Figures:
        if phase != self._phase:
            self._phase = phase
            self._graphs.clear()
            self._num_plain.clear()
            torch.cuda.empty_cache()
        done = self._num_plain.get(kind, 0)
        if done < NUM_PLAIN:
            self._num_plain[kind] = done + 1
            return step(*inputs)
        if kind not in self._graphs and not self._record(kind, step, inputs):
            return step(*inputs)
        graph, held, outputs = self._graphs[kind]
        for place, value in zip(held, inputs, strict=True):
            place.copy_(value)
        graph.replay()
        return dict(outputs)

    def _record(self, kind: Hashable, step: Step, inputs: Sequence[Tensor]) -> bool:
        held = [value.clone() for value in inputs]
        graph = torch.cuda.CUDAGraph()
        others = next(iter(self._graphs.values()), None)
        try:
            torch.cuda.synchronize()
            # Only this thread is recorded: another one pins memory for the loader.
            with torch.cuda.graph(
                graph,
                pool=others[0].pool() if others else None,
                stream=torch.cuda.current_stream(),
                capture_error_mode="thread_local",
            ):
                outputs = step(*held)
        except RuntimeError as error:
            logger.warning("steps cannot be recorded and run as usual, slower: %s", error)
            self.records = False
            return False
        self._graphs[kind] = graph, held, outputs
        return True
