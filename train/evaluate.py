"""How well captions find their clips and clips their captions; the same numbers each time."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from transformers import PreTrainedTokenizerBase

from train.data import Example, FixedClips
from train.metrics import retrieval
from train.model import Clap
from train.problem import BadInput
from train.shards import find_shards
from train.tokenizer import tokenize


@dataclass(frozen=True)
class Embedded:
    """Clips in the joint space: audio (n, 512) float32, what is known of each clip; broken: those left out, with why."""

    audio: np.ndarray
    keys: list[str]
    paths: list[str]
    captions: list[tuple[str, ...]]
    tags: list[tuple[str, ...]]
    broken: list[str]


def score(model: Clap, tokenizer: PreTrainedTokenizerBase, shards: str, split: str, context: int, cache: Path, workers: int = 0) -> dict:
    """Evaluate retrieval on a split over all its datasets."""
    found = embed_clips(model, FixedClips(find_shards(shards, split), model.fused, cache), workers)
    owner = np.repeat(np.arange(len(found.captions)), [len(c) for c in found.captions])
    text = embed_texts(model, tokenizer, [c for captions in found.captions for c in captions], context)
    scores = retrieval(found.audio @ text.T, owner)
    return {**scores, "n_clips": len(found.keys), "n_captions": len(owner), "n_broken": len(found.broken)}


def embed_clips(model: Clap, clips: Dataset, workers: int = 0) -> Embedded:
    """Embed every item of FixedClips or FolderClips."""
    audio: list[Tensor] = []
    texts: list[tuple] = []
    broken: list[str] = []
    for items in DataLoader(clips, batch_size=16, collate_fn=list, num_workers=workers):
        sound = [item for item in items if isinstance(item, Example)]
        broken += [item for item in items if isinstance(item, str)]
        if sound:
            audio.append(embed_features(model, [e.features.mel for e in sound], [e.features.longer for e in sound]))
            texts += [(e.key, e.path, e.captions, e.tags) for e in sound]
    if not texts:
        raise BadInput(f"all {len(broken)} clips are broken, the first: {broken[0]}" if broken else "there is no clip to embed")
    keys, paths, captions, tags = map(list, zip(*texts, strict=True))
    return Embedded(torch.cat(audio).numpy(), keys, paths, captions, tags, broken)


@torch.inference_mode()
def embed_features(model: Clap, mels: list[Tensor], longer: list[bool]) -> Tensor:
    """Embed clips in one go: unit vectors (n, 512) on the CPU."""
    was_training, device = model.training, model.logit_scale_a.device
    model.eval()
    vectors = model.embed_audio(torch.stack(mels).to(device), torch.tensor(longer, device=device)).cpu()
    model.train(was_training)
    return vectors


@torch.inference_mode()
def embed_texts(model: Clap, tokenizer: PreTrainedTokenizerBase, captions: list[str], context: int, batch: int = 64) -> np.ndarray:
    """Embed captions, unit vectors (n, 512); batches hold captions of like length, the outcome is in the order given."""
    was_training, device = model.training, model.logit_scale_a.device
    model.eval()
    order = sorted(range(len(captions)), key=lambda i: len(captions[i]))
    vectors = np.empty((len(captions), 512), np.float32)
    for at in range(0, len(order), batch):
        rows = order[at : at + batch]
        ids, mask = tokenize(tokenizer, [captions[i] for i in rows], context)
        vectors[rows] = model.embed_text(ids.to(device), mask.to(device)).cpu().numpy()
    model.train(was_training)
    return vectors


def table(scores: dict) -> str:
    """Lay retrieval scores out for reading."""
    names = ("R@1", "R@5", "R@10", "mAP@10", "median_rank")
    rows = [f"{'':15}" + "".join(f"{name:>13}" for name in names)]
    for key, title in (("t2a", "text to audio"), ("a2t", "audio to text")):
        rows.append(f"{title:15}" + "".join(f"{scores[key][name]:13.3f}" for name in names))
    return "\n".join([*rows, f"{scores['n_clips']} clips, {scores['n_captions']} captions, {scores['n_broken']} broken clips left out"])
