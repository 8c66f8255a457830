"""How well captions find their clips and clips their captions; the same numbers each time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm
from transformers import PreTrainedTokenizerBase

from train.data.batch import Example, FixedClips
from train.errors import BadInput
from train.loop.metrics import retrieval
from train.towers.model import EMBEDDING, Clap
from train.towers.tokenizer import tokenize


@dataclass(frozen=True)
class Embedded:
    """Clips in the joint space: audio (n, 512) float32, what is known of each clip; broken: those left out, with why."""

    audio: np.ndarray
    keys: list[str]
    paths: list[str]
    captions: list[tuple[str, ...]]
    tags: list[tuple[str, ...]]
    broken: list[str]


def score(model: Clap, tokenizer: PreTrainedTokenizerBase, clips: FixedClips, context: int, workers: int = 0) -> dict:
    """Evaluate retrieval."""
    found = embed_clips(model, clips, workers)
    owner = np.repeat(np.arange(len(found.captions)), [len(c) for c in found.captions])
    text = embed_texts(model, tokenizer, [c for captions in found.captions for c in captions], context)
    scores = retrieval(found.audio @ text.T, owner)
    return {**scores, "n_clips": len(found.keys), "n_captions": len(owner), "n_broken": len(found.broken)}


def embed_clips(model: Clap, clips: Dataset, workers: int = 0) -> Embedded:
    """Embed every item of FixedClips or FolderClips."""
    audio: list[Tensor] = []
    texts: list[tuple] = []
    broken: list[str] = []
    for items in tqdm(
        DataLoader(clips, batch_size=16, collate_fn=list, num_workers=workers), "batches of 16 clips", leave=False, disable=None
    ):
        sound = [item for item in items if isinstance(item, Example)]
        broken += [item for item in items if isinstance(item, str)]
        if sound:
            audio.append(embed_features(model, [e.features.mel for e in sound], [e.features.longer for e in sound]))
            texts += [(e.key, e.path, e.captions, e.tags) for e in sound]
    if not texts:
        raise BadInput(f"all {len(broken)} clips are broken, the first: {broken[0]}" if broken else "there is no clip to embed")
    keys, paths, captions, tags = map(list, zip(*texts, strict=True))
    return Embedded(torch.cat(audio).numpy(), keys, paths, captions, tags, broken)


@contextmanager
def in_use(model: Clap) -> Iterator[torch.device]:
    """Leave training mode for a while, and gradients; give the model's device."""
    before = {module: module.training for module in model.modules()}  # those of a locked tower are not in training
    with torch.inference_mode():
        yield model.eval().logit_scale_a.device
    for module, training in before.items():
        module.training = training


def embed_features(model: Clap, mels: list[Tensor], longer: list[bool]) -> Tensor:
    """Embed clips in one go: unit vectors (n, 512) on the CPU."""
    with in_use(model) as device:
        return model.embed_audio(torch.stack(mels).to(device), torch.tensor(longer, device=device)).cpu()


def embed_texts(model: Clap, tokenizer: PreTrainedTokenizerBase, captions: list[str], context: int, batch: int = 64) -> np.ndarray:
    """Embed captions, unit vectors (n, 512); batches hold captions of like length, the outcome is in the order given."""
    order = sorted(range(len(captions)), key=lambda i: len(captions[i]))
    vectors = np.empty((len(captions), EMBEDDING), np.float32)
    with in_use(model) as device:
        for at in tqdm(range(0, len(order), batch), f"batches of {batch} texts", leave=False, disable=None):
            rows = order[at : at + batch]
            ids, mask = tokenize(tokenizer, [captions[i] for i in rows], context)
            vectors[rows] = model.embed_text(ids.to(device), mask.to(device)).cpu().numpy()
    return vectors


def table(scores: dict) -> str:
    """Lay retrieval scores out for reading."""
    names = ("R@1", "R@5", "R@10", "mAP@10", "median_rank")
    rows = [f"{'':15}" + "".join(f"{name:>13}" for name in names)]
    for key, title in (("t2a", "text to audio"), ("a2t", "audio to text")):
        rows.append(f"{title:15}" + "".join(f"{scores[key][name]:13.3f}" for name in names))
    return "\n".join([*rows, f"{scores['n_clips']} clips, {scores['n_captions']} captions, {scores['n_broken']} broken clips left out"])
