"""Half precision where it saves time, once a face has shown that it changes next to nothing."""

import logging
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..errors import is_out_of_memory
from .base import Fidelity, Restorer
from .devices import cpu_has_bf16
from .precision import Precision

LEAST_DB = 36.0
"""PSNR to float32 that half precision has to reach, in dB: differences below those of a good JPEG."""
_TENSOR_CORES = (7, 0)
"""NVIDIA's compute capability from which on fp16 is faster than float32."""

logger = logging.getLogger(__name__)


def fast_precision(device: torch.device) -> Precision:
    """The number format that "auto" tries on a device; float32 where nothing else is known to be faster."""
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= _TENSOR_CORES:
        return "fp16"
    return "bf16" if device.type == "cpu" and cpu_has_bf16() else "fp32"


class AutoPrecision:
    """The format of one restorer on one device: settled by the first face, which is restored both ways."""

    def __init__(self, tried: Precision, known_db: float | None, remember: Callable[[float], None]) -> None:
        """tried: see `fast_precision`. known_db: PSNR of an earlier trial. remember: called with that of a new one."""
        self.tried, self.agreement_db = tried, known_db
        self._remember = remember

    def choice(self, restorer: Restorer) -> Precision:
        """What the restorer should work in, as far as is known."""
        is_refused = self.agreement_db is not None and self.agreement_db < LEAST_DB
        return "fp32" if is_refused or self.tried not in restorer.precisions else self.tried

    def settle(self, restorer: Restorer, image: Tensor, fidelities: Sequence[Fidelity]) -> None:
        """Compare with float32, unless that was done, and change the restorer to float32 if they differ.

        image: one face (1, 3, S, S) in [0, 1] on the restorer's device. fidelities: those wanted. A device on which
        float32 does not fit is not asked to compare.
        """
        if restorer.precision == "fp32" or self.agreement_db is not None:
            return
        try:
            exact = restorer.in_float32()
            self.agreement_db = _agreement_db(restorer, exact, image, fidelities)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            logger.info("%s could not be compared with float32: %s", restorer.full_name, error)
            return
        self._remember(self.agreement_db)
        if self.agreement_db < LEAST_DB:
            restorer.adopt(exact)

    def reason(self, restorer: Restorer) -> str:
        """Why the restorer works in its format, for the report."""
        if self.tried == "fp32":
            return "auto: no other format is known to be faster on this device"
        if self.tried not in restorer.precisions:
            return f"auto: {restorer.title} does not work in {self.tried}"
        if self.agreement_db is None:
            return "auto: not compared with float32 yet"
        return f"auto: the first face in {self.tried} was {self.agreement_db:.1f} dB from float32 (least {LEAST_DB:g})"


def _agreement_db(restorer: Restorer, exact: Restorer, image: Tensor, fidelities: Sequence[Fidelity]) -> float:
    """The lowest PSNR, of images cut to [0, 1]; 0 for results that are not finite, 100 for equal ones."""
    pairs = zip(restorer.restore(image, fidelities).answers, exact.restore(image, fidelities).answers, strict=True)
    errors = [float((half.clamp(0, 1) - full.clamp(0, 1)).square().mean()) for half, full in pairs]
    worst = torch.tensor(errors).max().nan_to_num(1.0).clamp(min=1e-10)
    return max(0.0, float(-10 * worst.log10()))
