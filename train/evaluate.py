"""Embed clips and captions with a trained model, on all ranks, and score retrieval. Ranks and workers do not change a number."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm
from transformers import PreTrainedTokenizerBase

from train.data.samples import Example, FixedClips
from train.data.shards import shards_by_dataset
from train.errors import BadInput
from train.loop.finite import check_rows
from train.loop.ranks import gather_results, rank, world_size
from train.loop.signals import ignore_interrupts
from train.scores.metrics import rank_retrieval
from train.scores.statistics import mean_scores, retrieval_scores
from train.towers.model import EMBEDDING, Clap
from train.towers.tokenizer import tokenize

CLIPS_AT_ONCE = 16
TEXTS_AT_ONCE = 64
T = TypeVar("T")
Interruptible = Callable[[], AbstractContextManager]
"""Makes the block in which a signal may end the work at once. Nothing is exchanged with other ranks in it."""


@dataclass(frozen=True)
class ClipEmbeddings:
    """Unit vectors audio (n, 512) float32 and the metadata of each clip. broken: messages about the clips left out."""

    audio: np.ndarray
    keys: list[str]
    paths: list[str]
    captions: list[tuple[str, ...]]
    tags: list[tuple[str, ...]]
    addresses: list[str]
    broken: list[str]

    def texts(self) -> tuple[list[str], np.ndarray]:
        """Return the captions of all clips in one list, and the index of the clip of each: (n_captions,)."""
        owner = np.repeat(np.arange(len(self.captions)), [len(captions) for captions in self.captions])
        return [caption for captions in self.captions for caption in captions], owner


def score(
    model: Clap,
    tokenizer: PreTrainedTokenizerBase,
    sets: Mapping[str, FixedClips],
    context: int,
    workers: int = 0,
    interruptible: Interruptible = nullcontext,
) -> dict:
    """Score retrieval both ways within each dataset, and the mean over the datasets; see `retrieval_statistics`. All ranks get the same."""
    scores = {name: score_set(model, tokenizer, clips, context, workers, interruptible) for name, clips in sets.items()}
    means = mean_scores([{way: each[way] for way in ("t2a", "a2t")} for each in scores.values()])
    counts = {name: sum(each[name] for each in scores.values()) for name in ("n_clips", "n_captions", "n_broken")}
    return {**means, **counts, "datasets": scores}


def score_set(
    model: Clap, tokenizer: PreTrainedTokenizerBase, clips: FixedClips, context: int, workers: int, interruptible: Interruptible
) -> dict:
    """Score retrieval among the clips of one dataset, with all their captions."""
    embeddings = embed_clips(model, clips, workers, interruptible)
    captions, owner = embeddings.texts()
    text = embed_texts(model, tokenizer, captions, context, interruptible=interruptible)
    scores = retrieval_scores(rank_retrieval(embeddings.audio @ text.T, owner))
    return {**scores, "n_clips": len(embeddings.keys), "n_captions": len(owner), "n_broken": len(embeddings.broken)}


def by_dataset(clips: FixedClips) -> dict[str, FixedClips]:
    """Return the clips of each dataset, by the name of its folder."""
    return {
        name: FixedClips(shards, clips.fused, clips.cache, most_bytes=clips.most_bytes)
        for name, shards in shards_by_dataset(clips.shards).items()
    }


def embed_clips(model: Clap, clips: Dataset, workers: int = 0, interruptible: Interruptible = nullcontext) -> ClipEmbeddings:
    """Embed every item of FixedClips or FolderClips, 16 at a time. The ranks take the batches in turn; all get all embeddings.

    Raise BadInput if none can be used, NotFinite, with the keys, if an embedding is not finite.
    """
    batches = in_batches(list(range(len(clips))), CLIPS_AT_ONCE)  # type: ignore[arg-type]

    def embed_own() -> list[tuple[np.ndarray, list[tuple], list[str]]]:
        with interruptible():
            loader = DataLoader(
                clips, batch_sampler=own_share(batches), collate_fn=list, num_workers=workers, worker_init_fn=ignore_interrupts
            )
            return [_embed_batch(model, items) for items in tqdm(loader, f"batches of {CLIPS_AT_ONCE} clips", leave=False, disable=None)]

    parts = _in_order(gather_results(embed_own), len(batches))
    metadata = [row for _, rows, _ in parts for row in rows]
    broken = [message for _, _, messages in parts for message in messages]
    if not metadata:
        raise BadInput(f"all {len(broken)} clips are broken, the first: {broken[0]}" if broken else "there is no clip to embed")
    keys, paths, captions, tags, addresses = map(list, zip(*metadata, strict=True))
    return ClipEmbeddings(np.concatenate([vectors for vectors, _, _ in parts]), keys, paths, captions, tags, addresses, broken)


def _embed_batch(model: Clap, items: list[Example | str]) -> tuple[np.ndarray, list[tuple], list[str]]:
    """Return the embeddings and the metadata of the clips of a batch, and the messages about those that are broken."""
    examples = [item for item in items if isinstance(item, Example)]
    broken = [item for item in items if isinstance(item, str)]
    if not examples:
        return np.empty((0, EMBEDDING), np.float32), [], broken
    vectors = embed_features(model, [e.features.mel for e in examples], [e.features.longer for e in examples])
    check_rows("audio", vectors, [e.key for e in examples])
    return vectors.numpy(), [(e.key, e.path, e.captions, e.tags, e.address) for e in examples], broken


def embed_texts(
    model: Clap,
    tokenizer: PreTrainedTokenizerBase,
    captions: list[str],
    context: int,
    interruptible: Interruptible = nullcontext,
) -> np.ndarray:
    """Embed captions: unit vectors (n, 512) float32 in the given order. Captions of similar length share a batch.

    A text that is there several times is embedded once, so that equal texts have equal vectors. The ranks take the batches in turn; all
    get all embeddings. Raise NotFinite, with the texts, if one is not finite.
    """
    unique = sorted(set(captions), key=lambda text: (len(text), text))
    batches = in_batches(unique, TEXTS_AT_ONCE)

    def embed_own() -> list[np.ndarray]:
        with interruptible(), evaluation_mode(model) as device:
            own = tqdm(own_share(batches), f"batches of {TEXTS_AT_ONCE} texts", leave=False, disable=None)
            return [_embed_tokens(model, texts, *tokenize(tokenizer, texts, context), device) for texts in own]

    vectors = np.concatenate(_in_order(gather_results(embed_own), len(batches)) or [np.empty((0, EMBEDDING), np.float32)])
    row = {text: i for i, text in enumerate(unique)}
    return vectors[[row[text] for text in captions]]


def _embed_tokens(model: Clap, texts: list[str], ids: Tensor, mask: Tensor, device: torch.device) -> np.ndarray:
    vectors = model.embed_text(ids.to(device), mask.to(device)).cpu()
    check_rows("text", vectors, texts)
    return vectors.numpy()


def in_batches(items: list[T], size: int) -> list[list[T]]:
    """Cut items into batches of `size`; the last may be smaller."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def own_share(batches: list[T]) -> list[T]:
    """Return every n-th batch, of n ranks. Batches do not change with the number of ranks, so neither do their embeddings."""
    return batches[rank() :: world_size()]


def _in_order(shares: list[list[T]], n: int) -> list[T]:
    """Undo `own_share`: return the n results of all ranks in the order of the batches.

    >>> _in_order([["a", "c"], ["b"]], 3)
    ['a', 'b', 'c']
    """
    return [shares[i % len(shares)][i // len(shares)] for i in range(n)]


@contextmanager
def evaluation_mode(model: Clap) -> Iterator[torch.device]:
    """Switch to evaluation without gradients; afterwards switch each module back. Yield the model's device."""
    before = {module: module.training for module in model.modules()}  # those of a locked tower are not in training
    try:
        with torch.inference_mode():
            yield model.eval().logit_scale_a.device
    finally:
        for module, training in before.items():
            module.training = training


def embed_features(model: Clap, mels: list[Tensor], longer: list[bool]) -> Tensor:
    """Embed clips as one batch: unit vectors (n, 512) on the CPU."""
    with evaluation_mode(model) as device:
        return model.embed_audio(torch.stack(mels).to(device), torch.tensor(longer, device=device)).cpu()
