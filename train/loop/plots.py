"""Plots as PNG files: the learning curve of a run, the confusion matrix of a classifier."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from train.loop.log import read_log


def learning_curve(folder: Path) -> Path:
    """Plot training loss, and mAP@10 on valid both ways, over the steps of a run. Return the path of the file."""
    events = read_log(folder)
    figure = Figure(figsize=(8, 4), layout="constrained")
    left = figure.subplots()
    left.set(xlabel="step", ylabel="loss", ylim=(0, None))
    left.plot(*zip(*((e["step"], e["loss"]) for e in events if "loss" in e), strict=True), color="C0", label="loss")
    valid = [e for e in events if "valid" in e]
    right = left.twinx()
    right.set(ylabel="mAP@10 on valid", ylim=(0, 1))
    for way, title, colour in (("t2a", "text to audio", "C1"), ("a2t", "audio to text", "C2")):
        right.plot([e["step"] for e in valid], [e["valid"][way]["mAP@10"] for e in valid], "o-", color=colour, label=title)
    figure.legend(loc="outside upper center", ncols=3)
    figure.savefig(folder / "learning-curve.png")
    return folder / "learning-curve.png"


def confusion_matrix(counts: np.ndarray, labels: list[str], path: Path) -> None:
    """Plot counts by (true class, predicted class) as shares of each true class. Darker is more."""
    side = min(3 + 0.2 * len(labels), 60)  # inches
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(counts / np.maximum(counts.sum(1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels, rotation=90)
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="predicted", ylabel="true")
    figure.savefig(path)
