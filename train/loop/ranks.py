"""Collective operations of processes that train together. With one process, they do nothing."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from train.errors import BadInput, NotFinite

Result = TypeVar("Result")


def join_ranks(device: torch.device) -> None:
    """Join the other processes, if torchrun started this one: by NCCL on CUDA, else by gloo."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        if device.type == "cuda":
            torch.cuda.set_device(device)  # NCCL exchanges objects through the current device
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")


def leave_ranks() -> None:
    """Leave the other processes."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def world_size() -> int:
    """Return the number of processes that train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Return the number of this process, from 0."""
    return dist.get_rank() if world_size() > 1 else 0


def barrier() -> None:
    """Wait until all ranks have called this."""
    if world_size() > 1:
        dist.barrier()


def any_rank(value: bool, device: torch.device) -> bool:
    """Return whether the value is true on any rank; all ranks get the same answer."""
    if world_size() == 1:
        return value
    flag = torch.tensor(float(value), device=device)
    dist.all_reduce(flag, dist.ReduceOp.MAX)
    return bool(flag.item())


def gather_results(work: Callable[[], Result]) -> list[Result]:
    """Call `work` on each rank, which does a share of something; return the results of all ranks, in their order, on each rank.

    Results must be picklable. Raise on all ranks the error of the first rank that has one: no rank waits for one that stopped.
    """
    if world_size() == 1:
        return [work()]
    outcome: Result | Exception
    try:
        outcome = work()
    except (BadInput, NotFinite, OSError) as error:  # an interruption by a signal is an OSError
        outcome = error
    outcomes: list[Any] = [None] * world_size()
    dist.all_gather_object(outcomes, outcome)
    for each in outcomes:
        if isinstance(each, Exception):
            raise each
    return outcomes


def sum_over_ranks(values: list[float], device: torch.device) -> list[float]:
    """Return the sum over the ranks of each number; all ranks get the same."""
    if world_size() == 1:
        return values
    sums = torch.tensor(values, dtype=torch.float32, device=device)
    dist.all_reduce(sums)
    return sums.tolist()


def all_gather(x: Tensor) -> Tensor:
    """Concatenate the tensors of all ranks, of equal shape, along the first dimension. Each rank gets the gradients of its tensor."""
    return _AllGather.apply(x) if world_size() > 1 else x


class _AllGather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
        parts = [torch.empty_like(x) for _ in range(world_size())]
        dist.all_gather(parts, x.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> Tensor:
        gradient = gradient.contiguous()
        dist.all_reduce(gradient)
        return gradient.chunk(world_size())[rank()]


@torch.no_grad()
def all_reduce_mean(tensors: list[Tensor]) -> None:
    """Replace each tensor by its mean over the ranks, with one message for all tensors."""
    if world_size() > 1 and tensors:
        flat = torch.cat([t.flatten() for t in tensors])
        dist.all_reduce(flat)
        for t, mean in zip(tensors, (flat / world_size()).split([t.numel() for t in tensors]), strict=True):
            t.copy_(mean.view_as(t))
