"""`python -m train` says how threads wait before torch loads what starts them."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

TORCH = importlib.util.find_spec("torch")
OPENMP = sorted((Path(TORCH.origin).parent / "lib").glob("libgomp*.so*")) if TORCH and TORCH.origin else []
AFTER_HELP = """
import ctypes, runpy, sys
sys.argv[1:] = ["--help"]
try:
    runpy.run_module("train", run_name="__main__")
except SystemExit:
    assert "torch" not in sys.modules
    ctypes.CDLL({library!r})  # it reports its settings when it is loaded
"""


def report_of_openmp(**variables: str) -> str:
    """Return what torch's OpenMP library reports when it is loaded after the command line has been read."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    command = [sys.executable, "-c", AFTER_HELP.format(library=str(OPENMP[0]))]
    done = subprocess.run(command, env=kept | {"OMP_DISPLAY_ENV": "TRUE", **variables}, check=True, capture_output=True, text=True)
    return done.stderr


@pytest.mark.skipif(not OPENMP, reason="this build of torch has another OpenMP")
def test_threads_wait_passively_unless_the_user_says_how():
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in report_of_openmp()
    assert "OMP_WAIT_POLICY = 'ACTIVE'" in report_of_openmp(OMP_WAIT_POLICY="ACTIVE")
