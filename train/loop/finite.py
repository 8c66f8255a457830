"""Stop a run before a number that is not finite reaches weights, checkpoints or scores."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from train.errors import NotFinite, Stopped
from train.loop.parallel import complete, local
from train.loop.ranks import any_rank

MOST_NAMED = 5  # samples or parameters in a message
REMEDY = "the last checkpoint is from before: lower lr, set clip_norm, or look at these samples"


def check_rows(what: str, vectors: Tensor, names: Sequence[str]) -> None:
    """Raise NotFinite, with their names, if rows of embeddings are not finite. vectors: (n, 512). names: of the n rows, or empty."""
    broken = (~vectors.detach().isfinite().all(1)).nonzero().flatten().tolist()
    if broken:
        named = _named([repr(names[i]) if names else f"number {i + 1}" for i in broken])
        raise NotFinite(f"the {what} embeddings of {named} are not finite, {len(broken)} of {len(vectors)}")


def check_batch(step: int, audio: Tensor, text: Tensor, keys: Sequence[str]) -> None:
    """Raise Stopped if a row of embeddings is not finite. audio, text: (n, 512). keys: of the n samples, in their order."""
    try:
        check_rows("audio", audio, keys)
        check_rows("text", text, keys)
    except NotFinite as error:
        raise Stopped(f"step {step}: {error}; {_of(keys)}; {REMEDY}") from error


def gradient_norm(model: nn.Module) -> Tensor:
    """Return the norm of all gradients, the same on all ranks. It may be infinite although all gradients are finite."""
    norm = nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None])
    return complete(norm).to(norm.device)


def check_gradients(step: int, model: nn.Module, keys: Sequence[str], norm: Tensor) -> None:
    """Raise Stopped, on all ranks, that names parameters if a gradient is not finite. norm: of all gradients."""
    if not norm.isfinite():  # also where finite gradients are too large to be squared
        named = {name: local(p.grad) for name, p in model.named_parameters() if p.grad is not None}
        _stop_if_any(step, "gradients of", _not_finite(named), keys, norm.device)


def check_weights(step: int, model: nn.Module, keys: Sequence[str] = ()) -> None:
    """Raise Stopped, on all ranks, that names weights and statistics of batch normalisation if one is not finite on any rank."""
    tensors = {name: local(x) for name, x in model.state_dict().items() if x.is_floating_point()}
    norm = nn.utils.get_total_norm(list(tensors.values()))
    _stop_if_any(step, "weights", [] if norm.isfinite() else _not_finite(tensors), keys, norm.device)


def _stop_if_any(step: int, what: str, names: list[str], keys: Sequence[str], device: torch.device) -> None:
    """Raise Stopped on all ranks if one of them has names: none waits for another that stopped."""
    if any_rank(bool(names), device):
        subject = f"{what} {_named(names)}" if names else f"{what.removesuffix(' of')} of another rank"
        raise Stopped(f"step {step}: the {subject} are not finite; {_of(keys)}; {REMEDY}")


def _not_finite(named: dict[str, Tensor]) -> list[str]:
    return [name for name, x in named.items() if not torch.isfinite(x).all()]


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} others" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _of(keys: Sequence[str]) -> str:
    return f"the batch is {', '.join(keys)}" if keys else "the batch has no keys"
