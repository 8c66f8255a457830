"""Freed memory goes back to the system, also after larger blocks were freed."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from pathlib import Path
from pipeline.machine.freed_memory import return_freed_memory
if sys.argv[1] == "returned":
    assert return_freed_memory()
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
bytes(30_000_000)  # glibc keeps blocks of this size from now on
before = resident()
blocks = [(b"x" * 1_000_000, b"y" * 5_000) for _ in range(50)]
blocks = [small for _, small in blocks]
print(resident() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have another malloc")
def test_blocks_between_small_ones_are_returned():
    kept, returned = (
        int(subprocess.run([sys.executable, "-c", PROGRAM, way], check=True, capture_output=True, text=True).stdout)
        for way in ("kept", "returned")
    )
    assert returned < 5_000_000 < kept
