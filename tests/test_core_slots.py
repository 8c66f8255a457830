"""Processes of one machine share its cores: no more conversions at once than cores, and a process that is killed gives its slots back."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from transforms.audio.core_slots import CoreSlots

PROGRAM = """
import pathlib, sys, time
from transforms.audio.core_slots import CoreSlots
folder, n_rounds = pathlib.Path(sys.argv[1]), int(sys.argv[2])
slots = CoreSlots(folder / "slots", [0, 1])
hold = slots.all_slots if sys.argv[3] == "all" else slots.a_slot
import threading
def work(name):
    for number in range(n_rounds):
        with hold():
            mine = folder / "held" / f"{name}-{number}"
            mine.touch()
            with open(folder / f"seen-{name}", "a") as seen:
                print(len(list(mine.parent.iterdir())), file=seen)
            time.sleep(0.003)
            mine.unlink()
threads = [threading.Thread(target=work, args=(f"{sys.argv[4]}-{t}",)) for t in range(3 if sys.argv[3] == "one" else 1)]
[t.start() for t in threads]; [t.join() for t in threads]
"""
HOLDER = """
import pathlib, sys, time
from transforms.audio.core_slots import CoreSlots
slots = CoreSlots(pathlib.Path(sys.argv[1]), [0, 1])
with slots.all_slots() if sys.argv[2] == "all" else slots.a_slot():
    print("held", flush=True)
    time.sleep(60)
"""


@contextlib.contextmanager
def holding(path: Path, what: str) -> Iterator[subprocess.Popen[str]]:
    """Run a process that holds one slot or all slots of the cores 0 and 1."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path), what], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def run_two(folder: Path, n_rounds: int, what: str) -> None:
    (folder / "held").mkdir()
    command = [sys.executable, "-c", PROGRAM, str(folder), str(n_rounds), what]
    processes = [subprocess.Popen([*command, name]) for name in "ab"]
    assert [process.wait(60) for process in processes] == [0, 0]


def most_at_once(folder: Path) -> int:
    return max(int(line) for file in folder.glob("seen-*") for line in file.read_text().split())


def test_two_processes_together_hold_no_more_slots_than_there_are_cores(tmp_path):
    run_two(tmp_path, 15, "one")
    assert most_at_once(tmp_path) == 2


def test_two_processes_that_want_all_slots_get_them_one_after_the_other(tmp_path):
    run_two(tmp_path, 8, "all")
    assert most_at_once(tmp_path) == 1


def test_a_process_that_is_killed_gives_its_slots_back(tmp_path):
    with holding(tmp_path / "slots", "all") as holder:
        slots = CoreSlots(tmp_path / "slots", [0, 1])
        assert slots._try_take() is None
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with slots.all_slots():
            assert slots._try_take() is None


def test_whoever_wants_all_slots_waits_for_the_one_that_is_held(tmp_path):
    waits = []
    with holding(tmp_path / "slots", "one") as holder:

        def wait(seconds: float) -> None:
            waits.append(seconds)
            holder.kill()
            holder.wait()

        with CoreSlots(tmp_path / "slots", [0, 1], wait).all_slots():
            assert waits


def test_processes_on_different_cores_do_not_wait_for_each_other(tmp_path):
    with holding(tmp_path / "slots", "all"):
        assert CoreSlots(tmp_path / "slots", [5])._try_take() == 5
