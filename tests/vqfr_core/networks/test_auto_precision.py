"""Half precision is kept if the first face shows that it is as good, and given up if not."""

import pytest
import torch
from torch import Tensor, nn

from vqfr_core.networks.auto_precision import AutoPrecision, fast_precision
from vqfr_core.networks.base import Restorer


class Shifting(Restorer):
    """In half precision its result is off by a constant."""

    def __init__(self, shift: float) -> None:
        super().__init__(nn.Linear(2, 2), "shifting", "Shifting")
        self.shift = shift

    def run(self, images: Tensor) -> Tensor:
        return images * 0.5 + (0.0 if self.precision == "fp32" else self.shift)


def restorer_with(shift: float, auto: AutoPrecision) -> Shifting:
    restorer = Shifting(shift)
    restorer.reopen = lambda: Shifting(shift)
    restorer.choose_precision(auto.choice(restorer))
    restorer.auto = auto
    return restorer


@pytest.fixture
def face() -> Tensor:
    return torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("shift", "precision", "db"), [(0.01, "bf16", 40.0), (0.05, "fp32", 26.02), (float("nan"), "fp32", 0.0)]
)
def test_the_first_face_decides(face, shift, precision, db):
    measured: list[float] = []
    restorer = restorer_with(shift, AutoPrecision("bf16", None, measured.append))
    stored = restorer.module.weight
    for _ in range(2):
        restorer.auto.settle(restorer, face, [0.5])
    assert restorer.precision == precision and measured == pytest.approx([db], abs=0.05)
    assert (restorer.module.weight is not stored) == (precision == "fp32"), "the weights as stored, not as rounded"
    assert restorer.module.weight.dtype == (torch.float32 if precision == "fp32" else torch.bfloat16)
    assert f"was {db:.1f} dB from float32" in restorer.precision_reason


@pytest.mark.parametrize(("known_db", "precision"), [(41.0, "bf16"), (20.0, "fp32")])
def test_what_is_known_is_not_compared_again(face, known_db, precision):
    restorer = restorer_with(0.05, AutoPrecision("bf16", known_db, lambda db: pytest.fail("compared again")))
    restorer.auto.settle(restorer, face, [0.5])
    assert restorer.precision == precision


def test_without_memory_for_float32_half_precision_stays(face):
    restorer = restorer_with(0.05, AutoPrecision("bf16", None, lambda db: pytest.fail("nothing was compared")))

    def reopen() -> Restorer:
        raise torch.OutOfMemoryError("CUDA out of memory")

    restorer.reopen = reopen
    restorer.auto.settle(restorer, face, [0.5])
    assert restorer.precision == "bf16" and "not compared" in restorer.precision_reason


def test_a_network_that_cannot_work_in_it_stays_in_float32(face):
    auto, restorer = AutoPrecision("fp16", None, lambda db: None), Shifting(0.0)
    restorer.precisions = ("fp32",)
    assert auto.choice(restorer) == "fp32" and "does not work in fp16" in auto.reason(restorer)


def test_what_is_tried_follows_the_device(monkeypatch):
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert fast_precision(cpu) == "fp32"
    monkeypatch.setattr("vqfr_core.networks.auto_precision.cpu_has_bf16", lambda: True)
    assert fast_precision(cpu) == "bf16" and fast_precision(torch.device("mps")) == "fp32"
    for capability, precision in (((6, 1), "fp32"), ((7, 5), "fp16"), ((9, 0), "fp16")):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, known=capability: known)
        assert fast_precision(cuda) == precision
