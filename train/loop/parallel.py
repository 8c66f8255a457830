"""Train one model on several ranks: a copy on each, whose gradients are averaged (DDP), or a share of the weights on each (FSDP2)."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from train.loop.ranks import all_reduce_mean, world_size
from train.towers.model import Clap


def parallelize(module: nn.Module, towers: Clap, kind: str) -> nn.Module:
    """Return a module whose backward pass leaves the mean of the gradients over all ranks, sent in buckets while it goes on.

    With one rank, the module itself. kind "ddp": each rank has all weights; those of rank 0 at this call. kind "fsdp": each rank has
    a share of every weight, and gets the others of a layer when it computes that layer; the parameters of the module are replaced by
    DTensors. All parameters of `towers` must be used by the module's forward.
    """
    if world_size() == 1:
        return module
    if kind == "fsdp":
        return shard(module, towers)
    # Unused: the fusion's parameters have no gradient on a rank whose clips are all short, if the tower is in evaluation mode.
    return DistributedDataParallel(module, broadcast_buffers=False, find_unused_parameters=True)


def shard(module: nn.Module, towers: Clap) -> nn.Module:
    """Divide the weights of each layer over the ranks, in place: those of lists of layers, then of both towers, then the rest."""
    from torch.distributed.fsdp import FSDPModule, fully_shard  # as slow to import as torch: only where it is used

    layers = [layer for part in towers.modules() if isinstance(part, nn.ModuleList) for layer in part]
    numbers = {p for p in towers.parameters() if p.ndim == 0}  # FSDP2 refuses them: the temperature
    for part in (*reversed(layers), towers.audio_branch, towers.text_branch):  # inner layers first
        fully_shard(part)
    fully_shard(module, ignored_params=numbers)
    for part in module.modules():
        if isinstance(part, FSDPModule):
            part.set_reduce_scatter_unused_params(True)  # see `parallelize`
    for number in numbers:
        number.register_hook(_mean)
    return module


def _mean(gradient: Tensor) -> Tensor:
    mean = gradient.clone()
    all_reduce_mean([mean])
    return mean


def is_share(x: Tensor) -> bool:
    """Return whether a tensor is a DTensor of FSDP2, of which this rank holds a share."""
    return hasattr(x, "full_tensor")


def local(x: Tensor) -> Tensor:
    """Return this rank's share of a tensor, which is the tensor itself if it is not sharded."""
    return cast(Any, x).to_local() if is_share(x) else x


def complete(x: Tensor) -> Tensor:
    """Return all of a tensor; on the CPU if it was sharded, where there is room for a model. All ranks must call this in the same order."""
    return cast(Any, x).full_tensor().cpu() if is_share(x) else x


def shared_like(x: Tensor, parameter: Tensor) -> Tensor:
    """Return a complete tensor as the parameter is: on its device and, if that is sharded and has the same shape, this rank's share."""
    moved = x.to(parameter.device)
    if not is_share(parameter) or x.shape != parameter.shape:
        return moved
    from torch.distributed.tensor import distribute_tensor

    share = cast(Any, parameter)
    return distribute_tensor(moved, share.device_mesh, share.placements, src_data_rank=None)


def complete_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return all weights and buffers of a model by name, as one process has them. All ranks must call this."""
    return {name: complete(x) for name, x in model.state_dict().items()}


def put_shares_first(optimizer: torch.optim.Optimizer) -> None:
    """Order groups and parameters: GradScaler looks for the ranks in the first gradient alone (torch 2.15)."""
    for group in optimizer.param_groups:
        group["params"].sort(key=is_share, reverse=True)
    optimizer.param_groups.sort(key=lambda group: is_share(group["params"][0]), reverse=True)


def optimizer_state(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, dict[str, Tensor]]:
    """Return what the optimizer knows of each parameter, by name, as one process has it. All ranks must call this.

    Rates and weight decay are not part of it: they follow from recipe and step. So a run may continue with other groups of parameters.
    """
    known = {name: optimizer.state[p] for name, p in model.named_parameters() if p in optimizer.state}
    return {name: {key: complete(x) for key, x in state.items()} for name, state in known.items()}


def load_optimizer_state(model: nn.Module, optimizer: torch.optim.Optimizer, saved: dict[str, dict[str, Tensor]]) -> None:
    """Set what `optimizer_state` returned, with any number of ranks and either kind. Parameters that are not in it begin anew."""
    for name, parameter in model.named_parameters():
        if name in saved:
            optimizer.state[parameter] = {key: shared_like(x, parameter) for key, x in saved[name].items()}
