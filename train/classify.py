"""Classify clips: zero-shot by prompts, or by a classifier trained on labelled clips."""

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

from train.data.folder import FolderClips, open_clips
from train.data.samples import Example, FixedClips
from train.errors import BadInput
from train.evaluate import embed_clips
from train.loop.checkpoint import Run
from train.scores.classes import class_matrix, embed_classes
from train.scores.metrics import confusion
from train.scores.statistics import class_statistics, values_of
from train.towers.model import EMBEDDING

Clips = FixedClips | FolderClips


@dataclass(frozen=True)
class ClassScores:
    """Scores of a classification.

    accuracy: None if a clip has several classes. confusion: (n_classes, n_classes) clips by true and predicted class.
    """

    accuracy: float | None
    mean_ap: float
    n_clips: int
    confusion: np.ndarray


def zero_shot(run: Run, clips: Clips, labels: list[str], prompts: list[str]) -> ClassScores:
    """Classify each clip by the nearest prompt. The embeddings of several prompts for one class are averaged."""
    embeddings = embed_clips(run.model, clips)
    similarity = embeddings.audio @ embed_classes(run.model, run.tokenizer, labels, prompts, run.recipe.context).T
    return score_classes(similarity, class_matrix(embeddings.tags, labels))


def supervised(run: Run, train_clips: Clips, test_clips: Clips, labels: list[str], method: str, epochs: int = 10) -> ClassScores:
    """Train a classifier on some clips and score it on others.

    method: "linear" or "mlp" on frozen embeddings, or "finetune", which trains the audio tower too, for `epochs`.
    """
    if method == "finetune":
        return finetune(run, train_clips, test_clips, labels, epochs)
    train, test = embed_clips(run.model, train_clips), embed_clips(run.model, test_clips)
    audio, truth = torch.from_numpy(train.audio), torch.from_numpy(class_matrix(train.tags, labels))
    head = make_head(method, EMBEDDING, len(labels))
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-2 if method == "linear" else 1e-3, weight_decay=1e-2)
    for _ in range(300):
        rows = torch.randperm(len(audio))[:4096]
        optimizer.zero_grad()
        class_loss(head(audio[rows]), truth[rows]).backward()
        optimizer.step()
    with torch.inference_mode():
        return score_classes(head.eval()(torch.from_numpy(test.audio)).numpy(), class_matrix(test.tags, labels))


def finetune(run: Run, train_clips: Clips, test_clips: Clips, labels: list[str], epochs: int) -> ClassScores:
    """Train the audio tower with a linear head on it, with SpecAugment, and score the test clips. The run's model is changed."""
    train, test = load_all(train_clips), load_all(test_clips)
    truth = torch.from_numpy(class_matrix([e.tags for e in train], labels))
    device, tower = run.model.logit_scale_a.device, run.model.audio_branch
    head = nn.Linear(tower.config.out_width, len(labels)).to(device)

    def logits(examples: list[Example], rows: Tensor) -> Tensor:
        chosen = [examples[int(i)].features for i in rows]
        return head(tower(torch.stack([f.mel for f in chosen]).to(device), torch.tensor([f.longer for f in chosen], device=device)))

    optimizer = torch.optim.AdamW([*tower.parameters(), *head.parameters()], lr=3e-4, weight_decay=1e-2)
    tower.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(train)).split(16):
            if len(rows) > 1:  # one clip has no batch statistics
                optimizer.zero_grad()
                class_loss(logits(train, rows), truth[rows].to(device)).backward()
                optimizer.step()
    tower.eval()
    with torch.inference_mode():
        scores = torch.cat([logits(test, rows).cpu() for rows in torch.arange(len(test)).split(16)])
    return score_classes(scores.numpy(), class_matrix([e.tags for e in test], labels))


def make_head(method: str, width: int, n_classes: int) -> nn.Module:
    """Return a linear classifier, or the perceptron of the paper: width-1024-classes."""
    if method == "linear":
        return nn.Linear(width, n_classes)
    return nn.Sequential(nn.Linear(width, 1024), nn.ReLU(), nn.Dropout(0.2), nn.Linear(1024, n_classes))


def class_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Return cross entropy if each clip has one class, else binary cross entropy. Both arguments are (n_clips, n_classes)."""
    if bool((truth.sum(1) == 1).all()):
        return F.cross_entropy(logits, truth.argmax(1))
    return F.binary_cross_entropy_with_logits(logits, truth)


def open_train_and_test(root: str, fused: bool, cache: Path, split: str) -> tuple[Clips, Clips]:
    """Open the clips to train on and the clips to score: split "train" and the given one.

    A folder of sound files has no splits. There, a hash of the file name sends about every fifth file to the clips to score.
    """
    clips = open_clips(root, fused, cache, ("train",))
    if not isinstance(clips, FolderClips):
        return clips, open_clips(root, fused, cache, (split,))
    parts: tuple[list[Path], list[Path]] = ([], [])
    for path in clips.paths:
        parts[zlib.crc32(path.name.encode()) % 5 == 0].append(path)
    if not all(parts):
        raise BadInput(f"{root} has too few sound files: some are needed to train on, others to score")
    return FolderClips(clips.root, fused, parts[0]), FolderClips(clips.root, fused, parts[1])


def load_all(clips: Clips) -> list[Example]:
    """Read all clips into memory (about 1 MB each with fusion). Broken clips are left out."""
    items = tqdm((clips[i] for i in range(len(clips))), "clips", len(clips), leave=False, disable=None)
    return [item for item in items if isinstance(item, Example)]


def class_list(clips: Iterable[Clips], path: Path | None) -> list[str]:
    """Return the classes listed in a file, or all tags of the clips, sorted. Raise BadInput for tags that are not in the file."""
    tags = sorted({tag for some in clips for tags in some.tags() for tag in tags})
    labels = read_labels(path) if path else tags
    if len(labels) < 2:
        raise BadInput(f"there are {len(labels)} classes; classification needs at least two, from the clips' tags or --labels")
    unknown = [tag for tag in tags if tag not in labels]
    if unknown:
        raise BadInput(f"{len(unknown)} tags are not in the class list: {', '.join(unknown[:5])}; it has {', '.join(labels[:5])}, ...")
    return labels


def read_labels(path: Path) -> list[str]:
    """Read a class list: one name a line, or the JSON of the reference trainer, {name: number}, sorted by number."""
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
    """Check that each prompt has the field {label}, and no other field."""
    for prompt in prompts:
        if {field for _, field, _, _ in Formatter().parse(prompt) if field is not None} != {"label"}:
            raise BadInput(f"--prompt {prompt!r} should have {{label}} where the class goes, and no other braces")


def score_classes(scores: np.ndarray, truth: np.ndarray) -> ClassScores:
    """Compare predictions with the truth. Both arguments are (n_clips, n_classes); the highest score is the predicted class."""
    scores_of = values_of(class_statistics(scores, truth), len(scores))
    counts = confusion(scores.argmax(1), truth.argmax(1), scores.shape[1])
    return ClassScores(scores_of.get("accuracy"), scores_of["mAP"], len(scores), counts)
