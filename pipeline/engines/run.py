"""Run pipelines on an engine: `local` is Beam's FnApiRunner with our settings; other runners and options go to Beam unchanged."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.failures import EngineError

if TYPE_CHECKING:  # Beam takes two seconds to import, and a build that has nothing to do needs none of it
    import apache_beam as beam

LOCAL = frozenset({"local", "DirectRunner"})
"""Names of the local engine. Beam's DirectRunner would choose one of three engines, one of which loses elements: we always use the same."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Which engine runs the pipelines: `runner` by name, `n_workers` for the local one (default: one a core), `options` for Beam."""

    runner: str = "local"
    n_workers: int | None = None
    options: tuple[str, ...] = ()

    def run(self, add_steps: Callable[[beam.Pipeline], object], one_worker: bool = False) -> None:
        """Run a pipeline to its end.

        Args:
            add_steps: adds the steps to an empty pipeline.
            one_worker: use one worker on the local engine: for steps in pure Python, which threads would only make slower and larger.

        Raises:
            EngineError: a step failed; the output of finished steps stays.
        """
        pipeline = self._empty(one_worker)
        add_steps(pipeline)
        try:
            pipeline.run().wait_until_finish()
        except RuntimeError as error:  # Beam raises it with the worker's traceback as its text
            raise EngineError(str(error)) from error

    def _empty(self, one_worker: bool) -> beam.Pipeline:
        if self.runner in LOCAL:
            from pipeline.engines.local import local_pipeline

            return local_pipeline(self.n_workers or n_cores(), self.options, one_worker)
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions

        return beam.Pipeline(options=PipelineOptions([f"--runner={self.runner}", *self.options]))


def n_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def open_engine(runner: str, n_workers: int | None, options: Sequence[str]) -> Engine:
    """Return an engine, after a check that Beam has the runner; the options go to Beam unchanged.

    Raises:
        ValueError: there is no such runner, its package is not installed, or the first argument is not an option.
    """
    if options and not options[0].startswith("-"):
        raise ValueError(f"unexpected argument {options[0]!r}")
    if runner not in LOCAL:
        from apache_beam.runners.runner import create_runner

        try:
            create_runner(runner)
        except (ValueError, ImportError, AttributeError) as error:
            raise ValueError(f"--runner {runner}: {error}") from error
    return Engine(runner, n_workers, tuple(options))
