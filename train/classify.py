"""Classify clips: zero-shot by prompts, or by a classifier trained on labelled clips."""

import json
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from train.data.folder import FolderClips, open_clips
from train.data.lines import check_words, read_lines
from train.data.samples import Example, FixedClips
from train.data.shards import find_shards
from train.errors import BadInput
from train.evaluate import by_dataset, embed_clips
from train.loop.checkpoint import Run
from train.scores.classes import class_matrix, embed_classes, folds_of
from train.scores.metrics import confusion
from train.scores.protocols import PROTOCOLS, Protocol, protocol_of
from train.scores.statistics import class_statistics, values_of
from train.towers.model import EMBEDDING

Clips = FixedClips | FolderClips


@dataclass(frozen=True)
class ClassScores:
    """Scores of a classification.

    accuracy: None if a clip has several classes. fold_mean: mean accuracy of the folds, None without folds. confusion: (n_classes,
    n_classes) clips by true and predicted class.
    """

    accuracy: float | None
    fold_mean: float | None
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
    scores = train_head(train.audio, class_matrix(train.tags, labels), method)(test.audio)
    return score_classes(scores, class_matrix(test.tags, labels))


def cross_validated(run: Run, clips: FixedClips, protocol: Protocol, labels: list[str], method: str) -> ClassScores:
    """Classify the clips of each fold by a classifier trained on all other folds: "linear" or "mlp", on frozen embeddings."""
    embeddings = embed_clips(run.model, clips)
    truth = class_matrix(embeddings.tags, labels)
    folds = folds_of(protocol, embeddings)
    if len(np.unique(folds)) < 2 or not folds.all():
        raise BadInput(f"{int((folds == 0).sum())} of {len(folds)} clips have no fold in key or address; all need one, of several")
    scores = np.empty_like(truth)
    for fold in np.unique(folds):
        own = folds == fold
        scores[own] = train_head(embeddings.audio[~own], truth[~own], method)(embeddings.audio[own])
    return score_classes(scores, truth, folds)


def train_head(audio: np.ndarray, truth: np.ndarray, method: str) -> Callable[[np.ndarray], np.ndarray]:
    """Train a classifier of embeddings; return a function from embeddings to scores. The same input gives the same classifier.

    audio: (n_clips, 512). truth: (n_clips, n_classes). method: "linear" or "mlp".
    """
    x, wanted = torch.from_numpy(audio), torch.from_numpy(truth)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        head = make_head(method, EMBEDDING, truth.shape[1])
        optimizer = torch.optim.AdamW(head.parameters(), lr=1e-2 if method == "linear" else 1e-3, weight_decay=1e-2)
        for _ in range(300):
            rows = torch.randperm(len(x))[:4096]
            optimizer.zero_grad()
            class_loss(head(x[rows]), wanted[rows]).backward()
            optimizer.step()
    head.eval().requires_grad_(False)
    return lambda some: head(torch.from_numpy(some)).numpy()


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


def open_folds(root: str, fused: bool, cache: Path, split: str, method: str) -> tuple[FixedClips, Protocol] | None:
    """Open shards that have folds instead of a train split: those of ESC-50 and UrbanSound8K. None if there is something to train on.

    Raise BadInput for other shards without a train split.
    """
    try:
        find_shards(root, "train")
    except BadInput as error:
        clips = open_clips(root, fused, cache, (split,))
        if isinstance(clips, FolderClips):
            return None
        names = {protocol_of(name).name for name in by_dataset(clips)}
        protocol = PROTOCOLS[names.pop()]
        if names or not protocol.fold or method == "finetune":
            folded = " or ".join(name for name, each in PROTOCOLS.items() if each.fold)
            text = f"{root} has no train split to train a classifier on; the folds of one set, {folded}, can be used by linear and mlp"
            raise BadInput(text) from error
        return clips, protocol
    return None


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
    if path.suffix != ".json":
        return read_lines(path, "class name")
    try:
        return [name for name, _ in sorted(json.loads(path.read_bytes()).items(), key=lambda pair: pair[1])]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise BadInput(f"{path} should be a JSON object {{name: number}}: {error}") from error


def check_prompts(prompts: list[str]) -> None:
    """Check that each prompt is text that has the field {label}, and no other field."""
    for prompt in prompts:
        check_words("--prompt", prompt)
        try:
            parts = list(Formatter().parse(prompt))
        except ValueError:
            parts = []
        if {(field, style, kind) for _, field, style, kind in parts if field is not None} != {("label", "", None)}:
            raise BadInput(f"--prompt {prompt!r} should have {{label}} where the class goes, and no other braces")


def score_classes(scores: np.ndarray, truth: np.ndarray, folds: np.ndarray | None = None) -> ClassScores:
    """Compare predictions with the truth. Both are (n_clips, n_classes); the highest score is the predicted class. folds: (n_clips,)."""
    scores_of = values_of(class_statistics(scores, truth, folds), len(scores))
    counts = confusion(scores.argmax(1), truth.argmax(1), scores.shape[1])
    return ClassScores(scores_of.get("accuracy"), scores_of.get("fold_mean"), scores_of["mAP"], len(scores), counts)
