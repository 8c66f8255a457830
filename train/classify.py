"""Which class is a clip of: by words alone (zero-shot), or by a classifier trained on labelled clips."""

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, Subset

from train.checkpoint import Run
from train.data import Example
from train.evaluate import embed_clips, embed_texts
from train.metrics import confusion, mean_average_precision
from train.model import EMBEDDING
from train.problem import BadInput
from train.sounds import FolderClips, open_clips

PROMPT = "This is a sound of {label}."  # Wu et al. 2023, section 4.3


@dataclass(frozen=True)
class Outcome:
    """Scores of a classification: accuracy is None when clips have several classes; confusion counts (true, predicted)."""

    accuracy: float | None
    mean_ap: float
    n_clips: int
    labels: tuple[str, ...]
    confusion: np.ndarray


def zero_shot(run: Run, where: str, split: str, labels: list[str], prompts: list[str], cache: Path) -> Outcome:
    """Name each clip by the class whose prompt is nearest; of several prompts a class's embeddings are averaged."""
    found = embed_clips(run.model, open_clips(where, run.model.fused, cache, (split,)))
    labels = labels or tags_of(found.tags)
    truth = targets(found.tags, labels)
    text = sum(embed_texts(run.model, run.tokenizer, [p.format(label=x) for x in labels], run.recipe.context) for p in prompts)
    return outcome(found.audio @ (text / np.linalg.norm(text, axis=1, keepdims=True)).T, truth, labels)


def supervised(run: Run, where: str, split: str, labels: list[str], how: str, cache: Path, epochs: int = 10) -> Outcome:
    """Train a classifier ("linear", "mlp", or "finetune": the audio tower too) on the train split, score it on split.

    In a folder of sounds, which has no splits, every fifth file by the hash of its name is for scoring.
    """
    train_clips, test_clips = two_parts(run, where, split, cache)
    if how == "finetune":
        return finetune(run, train_clips, test_clips, labels, epochs)
    seen, unseen = embed_clips(run.model, train_clips), embed_clips(run.model, test_clips)
    labels = labels or tags_of(seen.tags + unseen.tags)
    truth = torch.from_numpy(targets(seen.tags, labels))
    head = make_head(how, EMBEDDING, len(labels))
    audio = torch.from_numpy(seen.audio)
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-2 if how == "linear" else 1e-3, weight_decay=1e-2)
    for _ in range(300):
        rows = torch.randperm(len(audio))[:4096]
        optimizer.zero_grad()
        class_loss(head(audio[rows]), truth[rows]).backward()
        optimizer.step()
    with torch.inference_mode():
        return outcome(head(torch.from_numpy(unseen.audio)).numpy(), targets(unseen.tags, labels), labels)


def finetune(run: Run, train_clips: Dataset, test_clips: Dataset, labels: list[str], epochs: int) -> Outcome:
    """Train the audio tower and a linear head on it, with SpecAugment as in training."""
    seen, unseen = load_all(train_clips), load_all(test_clips)
    labels = labels or tags_of([e.tags for e in seen + unseen])
    truth = torch.from_numpy(targets([e.tags for e in seen], labels))
    tower, head = run.model.audio_branch, nn.Linear(run.model.audio_branch.config.out_width, len(labels))
    head.to(run.model.logit_scale_a.device)
    optimizer = torch.optim.AdamW([*tower.parameters(), *head.parameters()], lr=3e-4, weight_decay=1e-2)
    tower.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(seen)).split(16):
            if len(rows) == 1:
                continue  # one clip has no batch statistics
            optimizer.zero_grad()
            class_loss(head(tower(*mels(seen, rows, head))), truth[rows].to(head.weight.device)).backward()
            optimizer.step()
    tower.eval()
    with torch.inference_mode():
        parts = [head(tower(*mels(unseen, rows, head))).cpu() for rows in torch.arange(len(unseen)).split(16)]
    return outcome(torch.cat(parts).numpy(), targets([e.tags for e in unseen], labels), labels)


def make_head(how: str, width: int, n_classes: int) -> nn.Module:
    """Return a linear classifier, or the perceptron of the paper: 512-1024-classes."""
    if how == "linear":
        return nn.Linear(width, n_classes)
    return nn.Sequential(nn.Linear(width, 1024), nn.ReLU(), nn.Dropout(0.2), nn.Linear(1024, n_classes))


def class_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross entropy if each clip has one class, else binary cross entropy a class."""
    if bool((truth.sum(1) == 1).all()):
        return F.cross_entropy(logits, truth.argmax(1))
    return F.binary_cross_entropy_with_logits(logits, truth)


def two_parts(run: Run, where: str, split: str, cache: Path) -> tuple[Dataset, Dataset]:
    """Return the clips to learn from and those to score on."""
    clips = open_clips(where, run.model.fused, cache, ("train",))
    if not isinstance(clips, FolderClips):
        return clips, open_clips(where, run.model.fused, cache, (split,))
    for_scoring = [zlib.crc32(p.name.encode()) % 5 == 0 for p in clips.paths]
    if len(set(for_scoring)) < 2:
        raise BadInput(f"{where} has too few sounds to learn from some and score on others")
    return tuple(Subset(clips, [i for i, scored in enumerate(for_scoring) if scored == part]) for part in (False, True))  # type: ignore[return-value]


def load_all(clips: Dataset) -> list[Example]:
    """Read all clips into memory (about 1 MB each with fusion), without the broken ones."""
    return [item for items in DataLoader(clips, batch_size=16, collate_fn=list) for item in items if isinstance(item, Example)]


def mels(clips: list[Example], rows: Tensor, head: nn.Linear) -> tuple[Tensor, Tensor]:
    """Stack the features of some clips on the head's device."""
    chosen = [clips[int(i)].features for i in rows]
    device = head.weight.device
    return torch.stack([f.mel for f in chosen]).to(device), torch.tensor([f.longer for f in chosen], device=device)


def tags_of(tags: list[tuple[str, ...]]) -> list[str]:
    """List all tags, sorted."""
    names = sorted({name for some in tags for name in some})
    if len(names) < 2:
        raise BadInput(f"the clips have {len(names)} different tags; classification needs at least two")
    return names


def targets(tags: list[tuple[str, ...]], labels: list[str]) -> np.ndarray:
    """Return (n_clips, n_labels) of 0 and 1; a tag that is no label is refused by name."""
    unknown = sorted({name for some in tags for name in some} - set(labels))
    if unknown:
        raise BadInput(f"{len(unknown)} tags are not in the class list: {', '.join(unknown[:5])}; it has {', '.join(labels[:5])}, ...")
    return np.array([[float(label in some) for label in labels] for some in tags], np.float32)


def outcome(scores: np.ndarray, truth: np.ndarray, labels: list[str]) -> Outcome:
    """Score (n_clips, n_labels) against the truth."""
    single = bool((truth.sum(1) == 1).all())
    predicted, true = scores.argmax(1), truth.argmax(1)
    accuracy = float((predicted == true).mean()) if single else None
    return Outcome(accuracy, mean_average_precision(scores, truth), len(scores), tuple(labels), confusion(predicted, true, len(labels)))


def read_labels(path: Path) -> list[str]:
    """Read a class list: one name a line, or the JSON of the reference trainer, {name: number}."""
    import json

    if not path.is_file():
        raise BadInput(f"{path} is no file; give a class list with one name a line")
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return [name for name, _ in sorted(json.loads(text).items(), key=lambda pair: pair[1])]
    return [line.strip() for line in text.splitlines() if line.strip()]
