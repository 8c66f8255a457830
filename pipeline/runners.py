"""The door to Beam's engines: `local` is ours to choose, every other name and option goes to Beam unchanged."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipeline.errors import EngineError

LOCAL = frozenset({"local", "DirectRunner"})
"""Beam's own DirectRunner picks one of three engines by what the pipeline holds; one of them loses elements. We always mean the same."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Which engine runs the pipelines: `runner` by name, `n_workers` for the local one, `options` for Beam."""

    runner: str = "local"
    n_workers: int | None = None
    options: tuple[str, ...] = ()

    def run(self, wire: Callable[[beam.Pipeline], object]) -> None:
        """Run the pipeline that `wire` adds to an empty one, to its end.

        Raises:
            EngineError: a step failed; the steps that had finished stay finished.
        """
        pipeline = self._empty()
        wire(pipeline)
        try:
            pipeline.run().wait_until_finish()
        except RuntimeError as error:  # how Beam hands on whatever a worker raised, its traceback as text
            raise EngineError(str(error)) from error

    def _empty(self) -> beam.Pipeline:
        if self.runner not in LOCAL:
            return beam.Pipeline(options=PipelineOptions([f"--runner={self.runner}", *self.options]))
        options = ["--direct_running_mode=multi_threading", f"--direct_num_workers={self.workers}", *self.options]
        return beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions(options))

    @property
    def workers(self) -> int:
        """Number of local workers: as asked for, else one a core."""
        return self.n_workers or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else self.n_workers or os.cpu_count() or 1


def parse_beam_options(options: Sequence[str]) -> tuple[str, ...]:
    """Return Beam's options as they were given, after letting Beam's own parser look at them.

    Raises:
        ValueError: an argument is not an option at all.
    """
    stray = [option for option in options if not option.startswith("-")]
    if stray and not any(option.startswith("-") for option in options):
        raise ValueError(f"unexpected argument {stray[0]!r}")
    return tuple(options)
