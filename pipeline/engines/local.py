"""Run pipelines on this machine: always Beam's FnApiRunner, with threads that lose no rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms import userstate
from apache_beam.transforms.environments import EmbeddedPythonGrpcEnvironment, python_sdk_capabilities

from pipeline.engines import local_processes as local_processes  # registers itself with Beam
from pipeline.engines.worker_output import silence_workers

THREADS = "--direct_running_mode=multi_threading"
NEVER = 10**9
"""Milliseconds, longer than any run."""

silence_workers()


def _once_a_step(look: Callable[[beam.DoFn], Any]) -> Callable[[beam.DoFn], Any]:
    """Return a function that gives the same for a step, and looks at it once.

    Beam looks for state and timers in the signatures of all methods of a step eight times (Beam 2.77): two fifths of the time that
    planning a small recipe takes. A step does not change its methods.
    """
    seen: WeakKeyDictionary[beam.DoFn, Any] = WeakKeyDictionary()

    def specs(step: beam.DoFn) -> Any:
        if step not in seen:
            seen[step] = look(step)
        return seen[step]

    return specs


userstate.get_dofn_specs = _once_a_step(userstate.get_dofn_specs)  # type: ignore[assignment]  # other names of arguments


def local_pipeline(n_workers: int, options: Sequence[str], one_worker: bool) -> beam.Pipeline:
    """Return an empty pipeline that runs here.

    Args:
        n_workers: threads, each of which makes one shard at a time.
        options: options of Beam; `--direct_running_mode` chooses another mode than threads.
        one_worker: use one worker, unless the options choose a mode.
    """
    mode_given = any(option.startswith("--direct_running_mode") for option in options)
    if THREADS in options or not (mode_given or one_worker):
        others = [option for option in options if option != THREADS]
        settings = _LocalOptions([f"--direct_num_workers={n_workers}", *others])
        return beam.Pipeline(runner=FnApiRunner(default_environment=_threads()), options=settings)
    workers = n_workers if mode_given else 1
    return beam.Pipeline(runner=FnApiRunner(), options=_LocalOptions([f"--direct_num_workers={workers}", *options]))


class _LocalOptions(PipelineOptions):
    """Options whose views are made once: Beam asks for a view a thousand times for each pipeline, and makes a parser of all its options
    for each (Beam 2.77): a third of the time that a small pipeline takes to start. Views share their values, so they stay correct."""

    def view_as(self, cls: type[Any]) -> Any:
        views = self.__dict__.setdefault("_views", {})
        if cls not in views:
            views[cls] = super().view_as(cls)
        return views[cls]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_views"}


def _threads() -> EmbeddedPythonGrpcEnvironment:
    """Return an environment of worker threads without the timer that sends a worker's output every second.

    The timer does not wait until an element is written completely (Beam 2.77): steps of more than a second lose or garble rows.
    """
    return EmbeddedPythonGrpcEnvironment(data_buffer_time_limit_ms=NEVER, capabilities=python_sdk_capabilities())
