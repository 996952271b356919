"""Several processes train one network, each on its own crops: started by `torchrun`, or a single process."""

import os
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor


def join(device: str) -> torch.device:
    """Join the other processes, if `torchrun` started several; gives this process's device."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return torch.device(device)
    on_gpu = device.startswith("cuda")
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if on_gpu else "gloo")
    return torch.device("cuda", int(os.environ["LOCAL_RANK"])) if on_gpu else torch.device(device)


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    """The number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Average the gradients over all processes."""
    if world() == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat)
    flat /= world()
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def sum_over_processes(*tensors: Tensor) -> None:
    """In place."""
    if world() > 1:
        for tensor in tensors:
            dist.all_reduce(tensor)


def copy_from_first(*tensors: Tensor) -> None:
    """Copy the first process's values to every process, in place."""
    if world() > 1:
        for tensor in tensors:
            dist.broadcast(tensor, 0)


def agree(value: float, device: torch.device) -> float:
    """The first process's number, in every process."""
    if world() == 1:
        return value
    shared = torch.tensor([value], dtype=torch.float64 if device.type != "mps" else torch.float32, device=device)
    copy_from_first(shared)
    return float(shared)
