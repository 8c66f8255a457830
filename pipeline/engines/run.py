"""The door to Beam's engines: `local` is ours to choose, every other name and option goes to Beam unchanged."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.runner import create_runner
from apache_beam.transforms.environments import EmbeddedPythonGrpcEnvironment, python_sdk_capabilities

from pipeline.failures import EngineError

LOCAL = frozenset({"local", "DirectRunner"})
"""Beam's own DirectRunner picks one of three engines by what the pipeline holds; one of them loses elements. We always mean the same."""

THREADS = "--direct_running_mode=multi_threading"
NEVER = 10**9
"""Milliseconds, longer than any run."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Which engine runs the pipelines: `runner` by name, `n_workers` for the local one, `options` for Beam."""

    runner: str = "local"
    n_workers: int | None = None
    options: tuple[str, ...] = ()

    def run(self, wire: Callable[[beam.Pipeline], object], alone: bool = False) -> None:
        """Run the pipeline that `wire` adds to an empty one, to its end.

        Args:
            alone: let one worker do all of it, where the engine is ours to choose: for steps that are Python from end to
                end, which threads would only make slower and larger.

        Raises:
            EngineError: a step failed; the steps that had finished stay finished.
        """
        pipeline = self._empty(alone)
        wire(pipeline)
        try:
            pipeline.run().wait_until_finish()
        except RuntimeError as error:  # how Beam hands on whatever a worker raised, its traceback as text
            raise EngineError(str(error)) from error

    def _empty(self, alone: bool) -> beam.Pipeline:
        if self.runner not in LOCAL:
            return beam.Pipeline(options=PipelineOptions([f"--runner={self.runner}", *self.options]))
        mode_asked = any(option.startswith("--direct_running_mode") for option in self.options)
        if THREADS in self.options or not (mode_asked or alone):
            options = [f"--direct_num_workers={self.workers}", *(option for option in self.options if option != THREADS)]
            return beam.Pipeline(runner=FnApiRunner(default_environment=_threads()), options=PipelineOptions(options))
        n_workers = self.workers if mode_asked else 1
        return beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([f"--direct_num_workers={n_workers}", *self.options]))

    @property
    def workers(self) -> int:
        """Number of local workers: as asked for, else one a core."""
        return self.n_workers or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else self.n_workers or os.cpu_count() or 1


def open_engine(runner: str, n_workers: int | None, options: Sequence[str]) -> Engine:
    """Return an engine, after making sure that Beam has the runner; its options are given on as they are.

    Raises:
        ValueError: there is no such runner, its package is not installed, or an argument is not an option at all.
    """
    if options and not options[0].startswith("-"):
        raise ValueError(f"unexpected argument {options[0]!r}")
    if runner not in LOCAL:
        try:
            create_runner(runner)
        except (ValueError, ImportError, AttributeError) as error:
            raise ValueError(f"--runner {runner}: {error}") from error
    return Engine(runner, n_workers, tuple(options))


def _threads() -> EmbeddedPythonGrpcEnvironment:
    """Return what Beam calls multi_threading, without the clock that sends off a worker's output every second.

    That clock does not wait for the element that is being written (Beam 2.77): long steps lose or garble rows.
    """
    return EmbeddedPythonGrpcEnvironment(data_buffer_time_limit_ms=NEVER, capabilities=python_sdk_capabilities())
