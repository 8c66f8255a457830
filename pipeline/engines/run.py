"""Run pipelines on an engine: `local` is Beam's FnApiRunner with our settings; other runners and options go to Beam unchanged."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from pipeline.failures import EngineError
from pipeline.machine.cores import n_cores

if TYPE_CHECKING:  # Beam takes two seconds to import, and a build that has nothing to do needs none of it
    import apache_beam as beam

    from pipeline.output.storage import Folder
    from pipeline.recipe.model import BuildRecipe

LOCAL = frozenset({"local", "DirectRunner"})
"""Names of the local engine. Beam's DirectRunner would choose one of three engines, one of which loses elements: we always use the same."""

OWN = {
    "DataflowRunner": "pipeline.engines.dataflow",
    "PortableRunner": "pipeline.engines.portable",
    "PrismRunner": "pipeline.engines.portable",
    "SparkRunner": "pipeline.engines.spark",
}
"""Runner -> the module that opens its pipelines and knows what it cannot do. All other runners are opened as Beam does."""

running: list[Any] = []
"""Results of the pipelines that run now: what `cancel_running` ends."""


class EngineModule(Protocol):
    """What a module of `OWN` has."""

    def open_pipeline(self, runner: str, options: Sequence[str]) -> beam.Pipeline:
        """Return an empty pipeline; `options` are those of Beam that the user gave."""

    def faults(self, options: Sequence[str], folder: Folder, recipe: BuildRecipe | None) -> Iterator[str]:
        """Yield a line with the remedy for everything that cannot work, before anything runs."""


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
            result = pipeline.run()
            running.append(result)
            try:
                state = result.wait_until_finish()
            finally:
                running.remove(result)
        except RuntimeError as error:  # Beam raises it with the worker's traceback as its text
            raise EngineError(str(error)) from error
        if state != "DONE":  # apache_beam.runners.runner.PipelineState
            raise EngineError(f"the job on {self.runner} ended as {state}, not as DONE")

    def faults(self, folder: Folder, recipe: BuildRecipe | None = None) -> Iterator[str]:
        """Yield a line with the remedy for everything that cannot work on this engine, before anything runs."""
        if self.runner in OWN:
            yield from _module(self.runner).faults(self.options, folder, recipe)

    def _empty(self, one_worker: bool) -> beam.Pipeline:
        if self.runner in LOCAL:
            from pipeline.engines.local import local_pipeline

            return local_pipeline(self.n_workers or n_cores(), self.options, one_worker)
        if self.runner in OWN:
            return _module(self.runner).open_pipeline(self.runner, self.options)
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions

        return beam.Pipeline(options=PipelineOptions([f"--runner={self.runner}", *self.options]))


def _module(runner: str) -> EngineModule:
    return cast(EngineModule, importlib.import_module(OWN[runner]))


def cancel_running() -> None:
    """End the jobs that run on other machines; the local engine ends with this process."""
    for result in running:
        result.cancel()


def open_engine(runner: str, n_workers: int | None, options: Sequence[str]) -> Engine:
    """Return an engine, after a check that Beam has the runner; the options go to Beam unchanged.

    Raises:
        ValueError: there is no such runner, its package is not installed, or the first argument is not an option.
    """
    if options and not options[0].startswith("-"):
        raise ValueError(f"unexpected argument {options[0]!r}")
    if runner not in LOCAL and runner not in OWN:
        from apache_beam.runners.runner import create_runner

        try:
            create_runner(runner)
        except (ValueError, ImportError, AttributeError) as error:
            raise ValueError(f"--runner {runner}: {error}") from error
    return Engine(runner, n_workers, tuple(options))
