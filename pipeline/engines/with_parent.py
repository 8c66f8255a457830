"""Run a program that ends when the process that started it ends, however that ends: `python with_parent.py PROGRAM ARGUMENT...`.

A process that is killed cannot stop its children, and a program that goes on alone holds cores and ports. This file is run as a script
and imports nothing of the project, so that it starts in milliseconds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType

LOOK_SECONDS = 0.1  # between two looks at the parent
END_SECONDS = 5.0  # from SIGTERM to SIGKILL


def run_with_parent(command: list[str]) -> int:
    """Run a program until it ends, this process gets SIGTERM, or its parent is gone; return the exit code of the program."""
    parent = os.getppid()
    child = subprocess.Popen(command)

    def end(*_: int | FrameType | None) -> None:
        child.terminate()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the parent decides what ends
    while child.poll() is None:
        try:
            child.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                return _ended(child)
    return child.returncode


def _ended(child: subprocess.Popen[bytes]) -> int:
    child.terminate()
    try:
        return child.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


if __name__ == "__main__":
    sys.exit(run_with_parent(sys.argv[1:]))
