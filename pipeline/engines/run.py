"""Run pipelines on an engine: `local` is Beam's FnApiRunner with our settings; options go to Beam unchanged, after a check."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from pipeline.engines.machines import elsewhere
from pipeline.engines.refusals import LOCAL, faults_of_command, faults_of_folder, standard_name
from pipeline.engines.runner_failures import RunnerFailures, sentence_of
from pipeline.failures import EngineError, RunnerError
from pipeline.machine.cores import n_cores

if TYPE_CHECKING:  # Beam takes two seconds to import, and a build that has nothing to do needs none of it
    import apache_beam as beam

    from pipeline.output.storage import Folder
    from pipeline.recipe.model import BuildRecipe

OWN = {
    "DataflowRunner": "pipeline.engines.dataflow",
    "PortableRunner": "pipeline.engines.portable",
    "PrismRunner": "pipeline.engines.prism",
    "SparkRunner": "pipeline.engines.spark",
}
"""Runner -> the module that opens its pipelines and knows what it cannot do. All other runners are opened as Beam does."""

CANCEL_SECONDS = 15.0
"""Time that a job on other machines has to end after a signal; whoever sent it may kill this process half a minute later."""

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
            RunnerError: the engine failed, or the job ended in another state than DONE.
        """
        with RunnerFailures(self.runner):
            pipeline = self._empty(one_worker)
        add_steps(pipeline)
        with RunnerFailures(self.runner):
            result = pipeline.run()
            running.append(result)
            try:
                state = result.wait_until_finish()
            finally:
                running.remove(result)
        if state != "DONE":  # apache_beam.runners.runner.PipelineState; `None` and UNKNOWN are those of a job that was never sent
            raise RunnerError(f"the job on {self.runner} ended as {state or 'UNKNOWN'}, not as DONE: not all of it was done")

    def load(self) -> None:
        """Import what the engine needs, and no more. Called before modules that import Beam."""
        if self.runner in LOCAL:
            from pipeline.engines.import_beam import import_beam

            import_beam()

    @property
    def is_local(self) -> bool:
        """Whether pipelines run in this process, or in processes that it starts."""
        return self.runner in LOCAL and not self.is_remote

    @property
    def is_remote(self) -> bool:
        """Whether workers may run on other machines, which do not see the disks of this one."""
        return elsewhere(self.runner, self.options) is not None

    def faults(self, folder: Folder, recipe: BuildRecipe | None = None) -> Iterator[str]:
        """Yield a line with the remedy for everything that cannot work on this engine, before anything runs."""
        yield from faults_of_folder(self.runner, self.options, folder, recipe)
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


def cancel_running(seconds: float = CANCEL_SECONDS) -> list[str]:
    """End the jobs that run on other machines; the local engine ends with this process.

    Return a line for each job that could not be ended, or whose engine did not answer within `seconds`.
    """
    threads = [_Cancelling(result) for result in list(running)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return [thread.failure for thread in threads if thread.failure]


class _Cancelling(threading.Thread):
    """Cancels one job; `failure` says why it may go on, and is empty once its engine has confirmed the end."""

    def __init__(self, result: Any):
        super().__init__(daemon=True)
        self.result = result
        self.failure = "the engine has not confirmed that the job is cancelled; look whether it still runs"

    def run(self) -> None:
        try:
            with RunnerFailures("cancelling the job"):
                self.result.cancel()
        except (EngineError, OSError) as error:
            self.failure = f"{sentence_of(error)}; look whether the job still runs"
        else:
            self.failure = ""


def open_engine(runner: str, n_workers: int | None, options: Sequence[str]) -> Engine:
    """Return an engine, after a check that Beam has the runner and that the runner knows the options.

    Raises:
        ValueError: there is no such runner, its package is not installed, or it cannot take the options; the message has a line for each.
    """
    runner = standard_name(runner)
    if faults := list(faults_of_command(runner, n_workers, options, OWN)):
        raise ValueError("\n".join(faults))
    return Engine(runner, n_workers, tuple(options))
