"""Which class is a clip of: by words alone (zero-shot), or by a classifier trained on labelled clips."""

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from train.data.batch import Example, FixedClips
from train.data.folder import FolderClips, open_clips
from train.errors import BadInput
from train.evaluate import embed_clips, embed_texts
from train.loop.checkpoint import Run
from train.loop.metrics import confusion, mean_average_precision
from train.towers.model import EMBEDDING

Clips = FixedClips | FolderClips
PROMPT = "This is a sound of {label}."  # Wu et al. 2023, section 4.3


@dataclass(frozen=True)
class Outcome:
    """Scores of a classification: accuracy is None when clips have several classes; confusion counts (true, predicted)."""

    accuracy: float | None
    mean_ap: float
    n_clips: int
    confusion: np.ndarray


def zero_shot(run: Run, clips: Clips, labels: list[str], prompts: list[str]) -> Outcome:
    """Name each clip by the class whose prompt is nearest; of several prompts a class's embeddings are averaged."""
    found = embed_clips(run.model, clips)
    text = sum(embed_texts(run.model, run.tokenizer, [p.format(label=x) for x in labels], run.recipe.context) for p in prompts)
    return outcome(found.audio @ (text / np.linalg.norm(text, axis=1, keepdims=True)).T, targets(found.tags, labels))


def supervised(run: Run, train_clips: Clips, test_clips: Clips, labels: list[str], how: str, epochs: int = 10) -> Outcome:
    """Train a classifier ("linear", "mlp", or "finetune": the audio tower too) on some clips, score it on the others."""
    if how == "finetune":
        return finetune(run, train_clips, test_clips, labels, epochs)
    seen, unseen = embed_clips(run.model, train_clips), embed_clips(run.model, test_clips)
    audio, truth = torch.from_numpy(seen.audio), torch.from_numpy(targets(seen.tags, labels))
    head = make_head(how, EMBEDDING, len(labels))
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-2 if how == "linear" else 1e-3, weight_decay=1e-2)
    for _ in range(300):
        rows = torch.randperm(len(audio))[:4096]
        optimizer.zero_grad()
        class_loss(head(audio[rows]), truth[rows]).backward()
        optimizer.step()
    with torch.inference_mode():
        return outcome(head.eval()(torch.from_numpy(unseen.audio)).numpy(), targets(unseen.tags, labels))


def finetune(run: Run, train_clips: Clips, test_clips: Clips, labels: list[str], epochs: int) -> Outcome:
    """Train the audio tower and a linear head on it, with SpecAugment as in training."""
    seen, unseen = load_all(train_clips), load_all(test_clips)
    truth = torch.from_numpy(targets([e.tags for e in seen], labels))
    device, tower = run.model.logit_scale_a.device, run.model.audio_branch
    head = nn.Linear(tower.config.out_width, len(labels)).to(device)

    def logits(clips: list[Example], rows: Tensor) -> Tensor:
        chosen = [clips[int(i)].features for i in rows]
        return head(tower(torch.stack([f.mel for f in chosen]).to(device), torch.tensor([f.longer for f in chosen], device=device)))

    optimizer = torch.optim.AdamW([*tower.parameters(), *head.parameters()], lr=3e-4, weight_decay=1e-2)
    tower.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(seen)).split(16):
            if len(rows) > 1:  # one clip has no batch statistics
                optimizer.zero_grad()
                class_loss(logits(seen, rows), truth[rows].to(device)).backward()
                optimizer.step()
    tower.eval()
    with torch.inference_mode():
        scores = torch.cat([logits(unseen, rows).cpu() for rows in torch.arange(len(unseen)).split(16)])
    return outcome(scores.numpy(), targets([e.tags for e in unseen], labels))


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


def two_parts(where: str, fused: bool, cache: Path, split: str) -> tuple[Clips, Clips]:
    """Open the clips to learn from and those to score on; in a folder, which has no splits, every fifth by the hash of its name scores."""
    clips = open_clips(where, fused, cache, ("train",))
    if not isinstance(clips, FolderClips):
        return clips, open_clips(where, fused, cache, (split,))
    parts: tuple[list[Path], list[Path]] = ([], [])
    for path in clips.paths:
        parts[zlib.crc32(path.name.encode()) % 5 == 0].append(path)
    if not all(parts):
        raise BadInput(f"{where} has too few sounds to learn from some and score on others")
    return FolderClips(clips.root, fused, parts[0]), FolderClips(clips.root, fused, parts[1])


def load_all(clips: Clips) -> list[Example]:
    """Read all clips into memory (about 1 MB each with fusion), without the broken ones."""
    items = tqdm((clips[i] for i in range(len(clips))), "clips", len(clips), leave=False, disable=None)
    return [item for item in items if isinstance(item, Example)]


def class_list(clips: Iterable[Clips], path: Path | None) -> list[str]:
    """Return the classes: of a file, or all tags of the clips, sorted; a tag that is no class of the file is refused by name."""
    names = sorted({name for some in clips for tags in some.tags() for name in tags})
    labels = read_labels(path) if path else names
    if len(labels) < 2:
        raise BadInput(f"there are {len(labels)} classes; classification needs at least two, from the clips' tags or --labels")
    unknown = [name for name in names if name not in labels]
    if unknown:
        raise BadInput(f"{len(unknown)} tags are not in the class list: {', '.join(unknown[:5])}; it has {', '.join(labels[:5])}, ...")
    return labels


def read_labels(path: Path) -> list[str]:
    """Read a class list: one name a line, or the JSON of the reference trainer, {name: number}."""
    if not path.is_file():
        raise BadInput(f"{path} is no file; give a class list with one name a line")
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".json":
        return [line.strip() for line in text.splitlines() if line.strip()]
    try:
        return [name for name, _ in sorted(json.loads(text).items(), key=lambda pair: pair[1])]
    except (ValueError, AttributeError, TypeError) as error:
        raise BadInput(f"{path} should be a JSON object {{name: number}}: {error}") from error


def check_prompts(prompts: list[str]) -> None:
    """See that each prompt has a place for the class, and no other."""
    for prompt in prompts:
        if {field for _, field, _, _ in Formatter().parse(prompt) if field is not None} != {"label"}:
            raise BadInput(f"--prompt {prompt!r} should have {{label}} where the class goes, and no other braces")


def targets(tags: list[tuple[str, ...]], labels: list[str]) -> np.ndarray:
    """Return (n_clips, n_labels) of 0 and 1."""
    return np.array([[float(label in some) for label in labels] for some in tags], np.float32)


def outcome(scores: np.ndarray, truth: np.ndarray) -> Outcome:
    """Score (n_clips, n_labels) against the truth."""
    single = bool((truth.sum(1) == 1).all())
    predicted, true = scores.argmax(1), truth.argmax(1)
    accuracy = float((predicted == true).mean()) if single else None
    return Outcome(accuracy, mean_average_precision(scores, truth), len(scores), confusion(predicted, true, scores.shape[1]))
