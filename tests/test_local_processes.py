"""A build by processes of this machine fails when one of them is killed, instead of waiting for ever."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import apache_beam as beam
import pytest

from pipeline.engines.run import Engine
from pipeline.failures import RunnerError


def die_once(path: str) -> str:
    """Kill the process that comes first."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return path
    os.kill(os.getpid(), signal.SIGKILL)
    return path


@pytest.mark.slow
def test_a_killed_worker_process_ends_the_run_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    engine = Engine("local", 2, ("--direct_running_mode=multi_processing",))
    began = time.monotonic()
    with pytest.raises(RunnerError, match=r"a worker process was killed.*run the same command again"):
        engine.run(lambda root: root | beam.Create([str(tmp_path / "died")] * 4) | beam.Reshuffle() | beam.Map(die_once))
    assert time.monotonic() - began < 120
