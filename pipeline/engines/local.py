"""Run pipelines on this machine: always Beam's FnApiRunner, with threads that lose no rows."""

from __future__ import annotations

from collections.abc import Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import EmbeddedPythonGrpcEnvironment, python_sdk_capabilities

from pipeline.engines.worker_output import silence_workers

THREADS = "--direct_running_mode=multi_threading"
NEVER = 10**9
"""Milliseconds, longer than any run."""

silence_workers()


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
        settings = PipelineOptions([f"--direct_num_workers={n_workers}", *others])
        return beam.Pipeline(runner=FnApiRunner(default_environment=_threads()), options=settings)
    workers = n_workers if mode_given else 1
    return beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([f"--direct_num_workers={workers}", *options]))


def _threads() -> EmbeddedPythonGrpcEnvironment:
    """Return an environment of worker threads without the timer that sends a worker's output every second.

    The timer does not wait until an element is written completely (Beam 2.77): steps of more than a second lose or garble rows.
    """
    return EmbeddedPythonGrpcEnvironment(data_buffer_time_limit_ms=NEVER, capabilities=python_sdk_capabilities())
