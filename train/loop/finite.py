"""Stop a run before a number that is not finite reaches weights, checkpoints or scores."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from train.errors import NotFinite, Stopped

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


def check_gradients(step: int, model: nn.Module, keys: Sequence[str]) -> Tensor:
    """Return the norm of all gradients. Raise Stopped that names parameters if one is not finite."""
    norm = nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None])
    if not norm.isfinite():  # also where finite gradients are too large to be squared
        named = ((name, p.grad) for name, p in model.named_parameters() if p.grad is not None)
        names = _not_finite(named)
        if names:
            raise Stopped(f"step {step}: the gradients of {_named(names)} are not finite; {_of(keys)}; {REMEDY}")
    return norm


def check_weights(step: int, model: nn.Module, keys: Sequence[str] = ()) -> None:
    """Raise Stopped that names weights and statistics of batch normalisation if one is not finite."""
    tensors = {name: x for name, x in model.state_dict().items() if x.is_floating_point()}
    if not nn.utils.get_total_norm(list(tensors.values())).isfinite():
        names = _not_finite(tensors.items())
        if names:
            raise Stopped(f"step {step}: the weights {_named(names)} are not finite; {_of(keys)}; {REMEDY}")


def _not_finite(named: Iterable[tuple[str, Tensor]]) -> list[str]:
    return [name for name, x in named if not torch.isfinite(x).all()]


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} others" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _of(keys: Sequence[str]) -> str:
    return f"the batch is {', '.join(keys)}" if keys else "the batch has no keys"
