"""Small pictures as PNG: the learning curve of a run, the confusion of a classifier."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from train.log import read_log

WIDTH, HEIGHT, EDGE = 800, 400, 50  # pixels
COLOURS = ("#1f6fb4", "#d1662b", "#3f8f4f")


def learning_curve(folder: Path) -> Path:
    """Draw training loss, and mAP@10 on valid both ways, over the steps of a run; return the file."""
    events = read_log(folder)
    loss = [(e["step"], e["loss"]) for e in events if "loss" in e]
    valid = [(e["step"], e["valid"]["t2a"]["mAP@10"], e["valid"]["a2t"]["mAP@10"]) for e in events if "valid" in e]
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((EDGE, EDGE, WIDTH - EDGE, HEIGHT - EDGE), outline="#999999")
    last, top = max(step for step, _ in loss), max(value for _, value in loss)
    lines = [(f"loss, 0 to {top:.2f}", loss, top)]
    if valid:
        lines.append(("valid text to audio mAP@10, 0 to 1", [(s, t) for s, t, _ in valid], 1.0))
        lines.append(("valid audio to text mAP@10, 0 to 1", [(s, a) for s, _, a in valid], 1.0))
    for i, (title, points, ceiling) in enumerate(lines):
        draw.text((EDGE + i * 240, EDGE - 20), title, fill=COLOURS[i])
        draw.line([place(step / last, value / ceiling) for step, value in points], fill=COLOURS[i], width=2)
    draw.text((EDGE, HEIGHT - EDGE + 8), f"step 1 to {last}", fill="black")
    image.save(folder / "learning-curve.png")
    return folder / "learning-curve.png"


def place(x: float, y: float) -> tuple[float, float]:
    """Turn shares of the axes into pixels."""
    return EDGE + x * (WIDTH - 2 * EDGE), HEIGHT - EDGE - y * (HEIGHT - 2 * EDGE)


def confusion_picture(counts: np.ndarray, labels: tuple[str, ...], path: Path) -> None:
    """Draw counts (true, predicted): darker is more; rows are true classes."""
    cell, left = max(8, min(40, 1600 // len(labels))), 160
    image = Image.new("RGB", (left + cell * len(labels) + 10, 30 + cell * len(labels)), "white")
    draw = ImageDraw.Draw(image)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    draw.text((left, 8), "predicted: the same order as the rows", fill="black")
    for row, label in enumerate(labels):
        draw.text((4, 30 + row * cell), label[:24], fill="black")
        for column, share in enumerate(shares[row]):
            shade = int(255 * (1 - share))
            corner = (left + column * cell, 28 + row * cell)
            draw.rectangle((*corner, corner[0] + cell - 1, corner[1] + cell - 1), fill=(shade, shade, 255))
    image.save(path)
