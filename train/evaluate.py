"""Embed clips and captions with a trained model, and score retrieval. The same model and clips give the same numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm
from transformers import PreTrainedTokenizerBase

from train.data.samples import Example, FixedClips
from train.errors import BadInput, NotFinite
from train.loop.metrics import retrieval
from train.towers.model import EMBEDDING, Clap
from train.towers.tokenizer import tokenize

MOST_NAMED = 5  # clips or texts in a message


@dataclass(frozen=True)
class ClipEmbeddings:
    """Unit vectors audio (n, 512) float32 and the metadata of each clip. broken: messages about the clips left out."""

    audio: np.ndarray
    keys: list[str]
    paths: list[str]
    captions: list[tuple[str, ...]]
    tags: list[tuple[str, ...]]
    broken: list[str]


def score(model: Clap, tokenizer: PreTrainedTokenizerBase, clips: FixedClips, context: int, workers: int = 0) -> dict:
    """Embed all clips and all their captions and score retrieval both ways; see `retrieval`."""
    embeddings = embed_clips(model, clips, workers)
    owner = np.repeat(np.arange(len(embeddings.captions)), [len(c) for c in embeddings.captions])
    text = embed_texts(model, tokenizer, [c for captions in embeddings.captions for c in captions], context)
    scores = retrieval(embeddings.audio @ text.T, owner)
    return {**scores, "n_clips": len(embeddings.keys), "n_captions": len(owner), "n_broken": len(embeddings.broken)}


def embed_clips(model: Clap, clips: Dataset, workers: int = 0) -> ClipEmbeddings:
    """Embed every item of FixedClips or FolderClips, 16 at a time.

    Raise BadInput if none can be used, NotFinite, with the keys, if an embedding is not finite.
    """
    audio: list[Tensor] = []
    metadata: list[tuple] = []
    broken: list[str] = []
    loader = DataLoader(clips, batch_size=16, collate_fn=list, num_workers=workers)
    for items in tqdm(loader, "batches of 16 clips", leave=False, disable=None):
        examples = [item for item in items if isinstance(item, Example)]
        broken += [item for item in items if isinstance(item, str)]
        if examples:
            audio.append(embed_features(model, [e.features.mel for e in examples], [e.features.longer for e in examples]))
            metadata += [(e.key, e.path, e.captions, e.tags) for e in examples]
    if not metadata:
        raise BadInput(f"all {len(broken)} clips are broken, the first: {broken[0]}" if broken else "there is no clip to embed")
    keys, paths, captions, tags = map(list, zip(*metadata, strict=True))
    vectors = torch.cat(audio).numpy()
    check_vectors("clips", vectors, keys)
    return ClipEmbeddings(vectors, keys, paths, captions, tags, broken)


def check_vectors(what: str, vectors: np.ndarray, names: list[str]) -> None:
    """Raise NotFinite that names clips or texts if their rows of `vectors` are not finite."""
    broken = np.flatnonzero(~np.isfinite(vectors).all(1))
    if len(broken):
        named = ", ".join(repr(names[i]) for i in broken[:MOST_NAMED])
        raise NotFinite(f"the embeddings of {len(broken)} of {len(names)} {what} are not finite, the first: {named}")


@contextmanager
def evaluation_mode(model: Clap) -> Iterator[torch.device]:
    """Switch to evaluation without gradients; afterwards switch each module back. Yield the model's device."""
    before = {module: module.training for module in model.modules()}  # those of a locked tower are not in training
    with torch.inference_mode():
        yield model.eval().logit_scale_a.device
    for module, training in before.items():
        module.training = training


def embed_features(model: Clap, mels: list[Tensor], longer: list[bool]) -> Tensor:
    """Embed clips as one batch: unit vectors (n, 512) on the CPU."""
    with evaluation_mode(model) as device:
        return model.embed_audio(torch.stack(mels).to(device), torch.tensor(longer, device=device)).cpu()


def embed_texts(model: Clap, tokenizer: PreTrainedTokenizerBase, captions: list[str], context: int, batch: int = 64) -> np.ndarray:
    """Embed captions: unit vectors (n, 512) float32 in the given order. Captions of similar length share a batch.

    Raise NotFinite, with the texts, if one is not finite.
    """
    by_length = sorted(range(len(captions)), key=lambda i: len(captions[i]))
    vectors = np.empty((len(captions), EMBEDDING), np.float32)
    with evaluation_mode(model) as device:
        for start in tqdm(range(0, len(by_length), batch), f"batches of {batch} texts", leave=False, disable=None):
            rows = by_length[start : start + batch]
            ids, mask = tokenize(tokenizer, [captions[i] for i in rows], context)
            vectors[rows] = model.embed_text(ids.to(device), mask.to(device)).cpu().numpy()
    check_vectors("texts", vectors, captions)
    return vectors


def score_table(scores: dict) -> str:
    """Format the scores of `score` as a table."""
    names = ("R@1", "R@5", "R@10", "mAP@10", "median_rank")
    rows = [f"{'':15}" + "".join(f"{name:>13}" for name in names)]
    for key, title in (("t2a", "text to audio"), ("a2t", "audio to text")):
        rows.append(f"{title:15}" + "".join(f"{scores[key][name]:13.3f}" for name in names))
    return "\n".join([*rows, f"{scores['n_clips']} clips, {scores['n_captions']} captions, {scores['n_broken']} broken clips left out"])
