"""The log of a run: JSON lines, lines of text, progress bar, TensorBoard, wandb."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from train.errors import BadInput
from train.loop.log import RunLog, finish_in_time, flatten, read_log

ROOT = Path(__file__).parents[1]


def test_a_resumed_log_keeps_the_events_up_to_the_checkpoint(tmp_path):
    log = RunLog(tmp_path, 0, 4, lambda text: None, progress_bar=False)
    for step in (1, 2, 3):
        log.step(step, {"loss": float(step)}, shown=False)
    RunLog(tmp_path, 2, 4, lambda text: None, progress_bar=False)
    assert [e["step"] for e in read_log(tmp_path)] == [1, 2]
    RunLog(tmp_path, 0, 4, lambda text: None, progress_bar=False)
    assert read_log(tmp_path) == []


def test_a_line_has_the_mean_loss_since_the_last_line(tmp_path):
    lines: list[str] = []
    log = RunLog(tmp_path, 0, 4, lines.append, progress_bar=False)
    log.last_line = float("inf")  # no line because of the time
    for step, loss in enumerate((1.0, 3.0, 5.0, 7.0), 1):
        log.step(step, {"loss": loss}, shown=step % 2 == 0)
        log.last_line = float("inf")
    assert [line.split()[-1] for line in lines] == ["2", "6"]


def test_a_terminal_gets_a_bar(tmp_path, capsys):
    log = RunLog(tmp_path, 0, 2, lambda text: None, progress_bar=True)
    log.step(1, {"loss": 1.0}, shown=True)
    log.print_line("a line")
    log.close()
    captured = capsys.readouterr()
    assert "1/2" in captured.err and "loss=" not in captured.out
    assert "a line" in captured.out + captured.err


def test_tensorboard_reads_the_events_and_none_twice_after_a_resumption(tmp_path):
    for first, steps in ((0, (1, 2, 3)), (2, (3, 4))):
        time.sleep(1.1)  # TensorBoard orders files by the second they were begun in
        log = RunLog(tmp_path, first, 4, lambda text: None, progress_bar=False)
        for step in steps:
            log.step(step, {"loss": float(10 * first + step)}, shown=False)
        log.record(steps[-1], {"valid": {"t2a": {"R@1": 0.5}}})
        log.close()
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(1, 1.0), (2, 2.0), (3, 23.0), (4, 24.0)]
    assert [e.value for e in events.Scalars("valid/t2a/R@1")][-1] == 0.5


WANDB_RUN = """
import os, sys, pathlib
from train.loop.log import RunLog
for first in (0, 1):
    log = RunLog(pathlib.Path(sys.argv[1]), first, 2, print, progress_bar=False, wandb="project")
    log.step(first + 1, {"loss": 1.0}, shown=False)
    log.close()
sys.stdout.flush()
os._exit(0)  # what wandb does when a process ends is not ours to test
"""


def test_a_resumed_run_continues_the_same_run_of_wandb(tmp_path):
    # In a process of its own: wandb's threads do not go well with the processes that other tests fork.
    environment = os.environ | {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false", "TMPDIR": str(tmp_path)}
    words = [sys.executable, "-c", WANDB_RUN, str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    written = [path.stem for path in tmp_path.glob("wandb/offline-run-*/*.wandb")]
    assert len(written) == 2
    assert set(written) == {f"run-{(tmp_path / 'wandb-id').read_text()}"}


def test_a_wandb_that_never_ends_does_not_hold_the_run():
    never, lines = threading.Event(), list[str]()
    finish_in_time(never.wait, 0.01, lines.append)
    never.set()
    assert len(lines) == 1 and "log.jsonl has every event" in lines[0]
    finish_in_time(lambda: None, 60, lines.append)
    assert len(lines) == 1


def test_lines_come_when_they_are_due_or_after_five_seconds(tmp_path):
    lines: list[str] = []
    log = RunLog(tmp_path, 0, 20, lines.append, progress_bar=False)
    log.last_line = time.monotonic()
    log.step(1, {"loss": 1.0}, shown=False)
    assert lines == []
    log.last_line = time.monotonic() - 6
    log.step(2, {"loss": 2.0, "lr": 0.5}, shown=False)
    assert lines == ["step     2/20  loss 1.5  lr 0.5"]
    log.step(3, {"loss": 4.0}, shown=False)
    log.step(4, {"loss": 6.0}, shown=True)
    assert lines[1:] == ["step     4/20  loss 5"]


def test_a_run_that_begins_again_has_an_empty_log(tmp_path):
    RunLog(tmp_path, 0, 2, lambda text: None, progress_bar=False).record(1, {"loss": 1.0})
    assert read_log(tmp_path) == [{"step": 1, "loss": 1.0}]
    RunLog(tmp_path, 0, 2, lambda text: None, progress_bar=False)
    assert read_log(tmp_path) == []


def test_a_line_of_text_is_reported_if_there_is_no_bar(tmp_path):
    lines: list[str] = []
    RunLog(tmp_path, 0, 2, lines.append, progress_bar=False).print_line("a line")
    assert lines == ["a line"]


def test_flatten_leaves_out_what_is_no_number():
    assert flatten({"a": {"b": 1, "c": {"d": 2.5}}, "e": "text", "f": None}) == {"a/b": 1, "a/c/d": 2.5}


def test_a_last_line_that_was_not_written_completely_is_left_out(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "lo')
    assert read_log(tmp_path) == [{"step": 1, "loss": 2.0}]
    RunLog(tmp_path, 1, 4, lambda text: None, progress_bar=False).step(2, {"loss": 3.0}, shown=False)
    assert [event["step"] for event in read_log(tmp_path)] == [1, 2]


@pytest.mark.parametrize("line", ["{", "[]", "1", '{"loss": 1}', '{"step": 1, "valid": 3}', '{"step": 1, "valid": {}}'])
def test_another_line_that_is_no_event_is_bad_input(tmp_path, line):
    (tmp_path / "log.jsonl").write_text(f'{line}\n{{"step": 1, "loss": 2.0}}\n')
    with pytest.raises(BadInput, match=r"log\.jsonl: line 1 is no event"):
        read_log(tmp_path)


def test_a_number_that_is_not_finite_is_not_logged(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        RunLog(tmp_path, 0, 4, lambda text: None, progress_bar=False).record(1, {"loss": float("inf")})
    assert read_log(tmp_path) == []
