"""Plots, checked by their colours."""

import matplotlib
import numpy as np
from PIL import Image

from train.loop.log import RunLog
from train.loop.plots import confusion_matrix, learning_curve


def test_the_learning_curve_has_a_line_for_the_loss_and_for_each_direction(tmp_path):
    log = RunLog(tmp_path, 0, 2, lambda text: None, progress_bar=False)
    for step in (1, 2):
        log.step(step, {"loss": 3.0 / step}, shown=False)
        log.record(step, {"valid": {"t2a": {"mAP@10": 0.2}, "a2t": {"mAP@10": 0.1}}})
    with Image.open(learning_curve(tmp_path)) as image:
        colours = {colour[:3] for _, colour in image.getcolors(100_000)}
    assert {(31, 119, 180), (255, 127, 14), (44, 160, 44)} <= colours  # a line each


def test_the_confusion_matrix_is_darkest_where_most_clips_are(tmp_path):
    confusion_matrix(np.array([[3, 1], [0, 2]]), ["dog", "cat"], tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as image:
        colours = {colour[:3] for n, colour in image.getcolors(100_000) if n > 500}
    for share in (0.0, 0.25, 0.75, 1.0):
        shade = 255 * np.array(matplotlib.colormaps["Blues"](share)[:3])
        assert any(np.abs(shade - colour).max() < 2 for colour in colours)


def test_a_class_without_clips_is_drawn_as_zero(tmp_path):
    confusion_matrix(np.array([[0, 0], [0, 2]]), ["dog", "cat"], tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as image:
        colours = {colour[:3] for n, colour in image.getcolors(100_000) if n > 500}
    lightest = 255 * np.array(matplotlib.colormaps["Blues"](0.0)[:3])
    assert any(np.abs(lightest - colour).max() < 2 for colour in colours)
