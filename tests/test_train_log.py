"""What a run tells, and its pictures."""

import time

import matplotlib
import numpy as np
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from train.loop.log import RunLog, read_log
from train.loop.plots import confusion_picture, learning_curve


def test_a_resumed_log_forgets_what_came_after_the_checkpoint(tmp_path):
    log = RunLog(tmp_path, 0, 4, lambda text: None, bar=False)
    for step in (1, 2, 3):
        log.step(step, {"loss": float(step)}, shown=False)
    RunLog(tmp_path, 2, 4, lambda text: None, bar=False)
    assert [e["step"] for e in read_log(tmp_path)] == [1, 2]
    RunLog(tmp_path, 0, 4, lambda text: None, bar=False)
    assert read_log(tmp_path) == []


def test_lines_tell_the_mean_loss_since_the_last(tmp_path):
    said: list[str] = []
    log = RunLog(tmp_path, 0, 4, said.append, bar=False)
    log.spoken = float("inf")  # no line for time's sake
    for step, loss in enumerate((1.0, 3.0, 5.0, 7.0), 1):
        log.step(step, {"loss": loss}, shown=step % 2 == 0)
        log.spoken = float("inf")
    assert [line.split()[-1] for line in said] == ["2", "6"]


def test_a_terminal_gets_a_bar(tmp_path, capsys):
    log = RunLog(tmp_path, 0, 2, lambda text: None, bar=True)
    log.step(1, {"loss": 1.0}, shown=True)
    log.tell("a line")
    log.close()
    assert "1/2" in capsys.readouterr().err


def test_tensorboard_reads_the_events_and_none_twice_after_a_resumption(tmp_path):
    for first, steps in ((0, (1, 2, 3)), (2, (3, 4))):
        time.sleep(1.1)  # TensorBoard orders files by the second they were begun in
        log = RunLog(tmp_path, first, 4, lambda text: None, bar=False)
        for step in steps:
            log.step(step, {"loss": float(10 * first + step)}, shown=False)
        log.record(steps[-1], {"valid": {"t2a": {"R@1": 0.5}}})
        log.close()
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(1, 1.0), (2, 2.0), (3, 23.0), (4, 24.0)]
    assert [e.value for e in events.Scalars("valid/t2a/R@1")][-1] == 0.5


def test_wandb_keeps_one_run_for_a_run_that_is_resumed(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    for first in (0, 1):
        log = RunLog(tmp_path, first, 2, lambda text: None, bar=False, wandb="project")
        log.step(first + 1, {"loss": 1.0}, shown=False)
        log.close()
    written = [path.stem for path in tmp_path.glob("wandb/offline-run-*/*.wandb")]
    assert len(written) == 2
    assert set(written) == {f"run-{(tmp_path / 'wandb-id').read_text()}"}


def test_the_learning_curve_is_drawn(tmp_path):
    log = RunLog(tmp_path, 0, 2, lambda text: None, bar=False)
    for step in (1, 2):
        log.step(step, {"loss": 3.0 / step}, shown=False)
        log.record(step, {"valid": {"t2a": {"mAP@10": 0.2}, "a2t": {"mAP@10": 0.1}}})
    with Image.open(learning_curve(tmp_path)) as image:
        colours = {colour[:3] for _, colour in image.getcolors(100_000)}
    assert {(31, 119, 180), (255, 127, 14), (44, 160, 44)} <= colours  # a line each


def test_the_confusion_is_darkest_where_most_clips_are(tmp_path):
    confusion_picture(np.array([[3, 1], [0, 2]]), ["dog", "cat"], tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as image:
        colours = {colour[:3] for n, colour in image.getcolors(100_000) if n > 500}
    for share in (0.0, 0.25, 0.75, 1.0):
        shade = 255 * np.array(matplotlib.colormaps["Blues"](share)[:3])
        assert any(np.abs(shade - colour).max() < 2 for colour in colours)
