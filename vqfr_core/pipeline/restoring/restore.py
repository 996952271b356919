"""Send aligned faces through the network, in batches."""

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ...errors import Cancelled, InputError, OutOfMemoryError, RestorationError
from ...networks.vqfr import Network, VqfrV2
from ...types import FaceCrop, RestoredFace

Progress = Callable[[int, int], None]
"""Called with (faces done, faces in all)."""
ShouldStop = Callable[[], bool]
"""Asked before each batch; True ends the work with `Cancelled`."""
Run = Callable[[Network, Tensor, slice], list[Tensor]]


def restore_faces(
    crops: Sequence[FaceCrop],
    network: Network,
    *,
    fidelity: float | Sequence[float] | Tensor = 0.5,
    batch_size: int = 4,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> list[RestoredFace]:
    """Restore faces, `batch_size` at a time.

    Args:
        crops: aligned faces, of any number of images.
        network: from `load_model`.
        fidelity: one number, one for each crop, or a map (N, 1, 512, 512) in crop pixels; all in [0, 1]. A v1 network
            has no such input and ignores it.
        batch_size: faces at once. When the device runs out of memory it is halved and the batch done again.
        progress: called before the first and after each batch.
        should_stop: asked before each batch.

    Returns:
        One RestoredFace for each crop, in order; images on the CPU.

    Raises:
        InputError: a fidelity out of range or of the wrong number.
        OutOfMemoryError: a single face does not fit.
        RestorationError: the network gives no finite image for a face, even in float32.
        Cancelled: `should_stop` said so.
    """
    strength = _strength_by_face(fidelity, len(crops)) if network.has_fidelity else None

    def run(net: Network, x: Tensor, part: slice) -> list[Tensor]:
        return [net(x) if strength is None else net(x, _uniform(strength[part]))]

    answers = _in_batches(crops, network, run, batch_size, progress, should_stop)
    return [RestoredFace(crop, answer[0]) for crop, answer in zip(crops, answers, strict=True)]


def sweep_faces(
    crops: Sequence[FaceCrop],
    network: Network,
    fidelities: Sequence[float],
    *,
    batch_size: int = 4,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> list[list[RestoredFace]]:
    """Restore each face at several fidelities for about the price of one: one list of faces for each fidelity.

    Arguments and errors as for `restore_faces`; InputError also when the network has no fidelity (v1).
    """
    if not isinstance(network, VqfrV2):
        raise InputError("a sweep needs a VQFR v2 model: v1 has no fidelity to vary")
    for value in fidelities:
        _strength_by_face(value, 1)

    def run(net: Network, x: Tensor, part: slice) -> list[Tensor]:
        assert isinstance(net, VqfrV2)
        return net.sweep(x, list(fidelities))

    answers = _in_batches(crops, network, run, batch_size, progress, should_stop)
    return [
        [RestoredFace(crop, answer[i]) for crop, answer in zip(crops, answers, strict=True)]
        for i in range(len(fidelities))
    ]


def _in_batches(
    crops: Sequence[FaceCrop],
    network: Network,
    run: Run,
    batch_size: int,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> list[list[Tensor]]:
    """For each crop the network's answers, (3, 512, 512) in [0, 1] on the CPU."""
    done: list[list[Tensor]] = []
    if progress is not None and crops:
        progress(0, len(crops))
    while len(done) < len(crops):
        if should_stop is not None and should_stop():
            raise Cancelled(f"stopped by the user after {len(done)} of {len(crops)} faces")
        part = slice(len(done), min(len(done) + batch_size, len(crops)))
        x = torch.stack([crop.image for crop in crops[part]]).to(network.device) * 2 - 1
        try:
            with torch.inference_mode():
                answers = run(network, x, part)
                answers = [_checked(answer, network, run, x, part, i) for i, answer in enumerate(answers)]
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise RestorationError(
                    f"the network failed on face {part.start} to {part.stop - 1}: {error}"
                ) from error
            batch_size = _smaller_batch(part.stop - part.start, network, error)
            continue
        done.extend([answer[i] for answer in answers] for i in range(part.stop - part.start))
        if progress is not None:
            progress(len(done), len(crops))
    return done


def _checked(answer: Tensor, network: Network, run: Run, x: Tensor, part: slice, index: int) -> Tensor:
    """The answer as images in [0, 1] on the CPU; faces that are not finite are done again in float32."""
    images = answer.float().cpu()
    bad = [i for i, image in enumerate(images) if not image.isfinite().all()]
    if bad and network.dtype != torch.float32:
        exact = copy.deepcopy(network).set_precision(torch.float32)
        for i in bad:
            face = part.start + i
            images[i] = run(exact, x[i : i + 1], slice(face, face + 1))[index][0].float().cpu()
        bad = [i for i in bad if not images[i].isfinite().all()]
    if bad:
        raise RestorationError(
            f"the network gave no usable image for face {part.start + bad[0]}, even in float32. "
            "Are the weights damaged? `python -m vqfr_core models verify` checks them."
        )
    return images.clamp(-1, 1).add_(1).div_(2)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of PyTorch means that memory ran out, on any device."""
    return (
        isinstance(error, torch.OutOfMemoryError)
        or "out of memory" in str(error).lower()
        or ("can't allocate memory" in str(error).lower() or "not enough memory" in str(error).lower())
    )


def _smaller_batch(batch_size: int, network: Network, error: BaseException) -> int:
    if network.device.type in ("cuda", "xpu", "mps"):
        getattr(torch, network.device.type).empty_cache()
    if batch_size == 1:
        raise OutOfMemoryError(
            f"not enough memory on {network.device} for a single face. Close other programs or unload other models, "
            "choose fp16 or bf16 precision, or use the CPU (device cpu)."
        ) from error
    return batch_size // 2


def _strength_by_face(fidelity: float | Sequence[float] | Tensor, num_faces: int) -> Tensor:
    """(N,) or (N, 1, H, W) float32 on the CPU, checked."""
    values = torch.as_tensor(fidelity, dtype=torch.float32).cpu()
    if not values.isfinite().all() or values.numel() and (values.min() < 0 or values.max() > 1):
        raise InputError("fidelity has to lie in 0 to 1: 0 is the most realistic, 1 closest to the input")
    if values.ndim == 0:
        values = values.expand(num_faces)
    if values.shape[0] != num_faces:
        raise InputError(f"{values.shape[0]} fidelities were given for {num_faces} faces; give one, or one for each")
    return values


def _uniform(strength: Tensor) -> float | Tensor:
    """A plain number where all faces share it, which lets the network skip what fidelity 0 does not need."""
    values = strength.unique()
    return float(values) if values.numel() == 1 else strength
