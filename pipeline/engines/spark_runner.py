"""Define a runner of Beam that submits pipelines to Spark with spark-submit."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pipeline import AppliedPTransform, PipelineVisitor
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.portable_runner import JobServiceHandle, PortableRunner
from apache_beam.runners.runner import PipelineResult, PipelineRunner, PipelineState
from google.protobuf import json_format

from pipeline.engines import boot
from pipeline.engines.elements import Elements
from pipeline.engines.spark_failures import failure_of
from pipeline.engines.spark_jar import jar_path
from pipeline.engines.spark_job import SparkJob
from pipeline.engines.spark_machine import spark_submit
from pipeline.engines.spark_options import WORKER, SparkSettings, beam_options, submit_command, worker_script
from pipeline.report.terminal import print_notes

MAX_PARTS = 10_000
"""Parts of the work. Spark needs some milliseconds for each, and the driver memory."""


JAVA_OPTIONS = {
    "runner": "org.apache.beam.runners.spark.SparkRunner",
    # Results that two steps read are computed once, also where memory is short.
    "storage_level": "MEMORY_AND_DISK",
}
"""Options that only the Java side of Beam knows, unless others are given."""


class SparkSubmitRunner(PipelineRunner):
    """Submit pipelines to Spark in client mode.

    The work is divided into as many parts as the longest `Create` of the pipeline has elements, or more where there are many cores: each
    shard of a build is then a task of Spark, and a worker that is done takes the next.
    """

    def __init__(self, settings: SparkSettings):
        super().__init__()
        self.settings = settings
        self.needs = boot.versions()
        self.beam_options = beam_options(settings, self.needs)
        self._n_parts = 1

    def run_pipeline(self, pipeline: beam.Pipeline, options: PipelineOptions) -> PipelineResult:
        """Submit a pipeline, and return a result to wait for."""
        self._n_parts = min(longest_create(pipeline), MAX_PARTS)
        return super().run_pipeline(pipeline, options)

    def run_portable_pipeline(self, pipeline: beam_runner_api_pb2.Pipeline, options: PipelineOptions) -> PipelineResult:
        """Write the files of a job, and start it."""
        stop_workers = PortableRunner.start_and_replace_loopback_environments(pipeline, options)
        pipeline = PortableRunner._optimize_pipeline(pipeline, options)
        encoded = JobServiceHandle.encode_pipeline_options(
            JAVA_OPTIONS | options.get_all_options(drop_default=True, retain_unknown_options=True)
        )
        job = Path(tempfile.mkdtemp(prefix="laion-audio-spark-"))
        (job / "pipeline.pb").write_bytes(pipeline.SerializeToString())
        (job / "options.json").write_text(json_format.MessageToJson(encoded), encoding="utf-8")
        (job / WORKER).write_text(worker_script(self.settings.worker_python()), encoding="utf-8")
        command = submit_command(self.settings, spark_submit(), jar_path(), job, self._n_parts)
        return SparkResult(SparkJob(command, job, dict(os.environ)), self.settings, self.needs, stop_workers)


class SparkResult(PipelineResult):
    """A job that was submitted.

    Args:
        needs: the versions that workers must have.
        stop_workers: what ends the workers of a local job.
    """

    def __init__(self, job: SparkJob, settings: SparkSettings, needs: str, stop_workers: list[Callable[[], object]]):
        super().__init__(PipelineState.RUNNING)
        self.job = job
        self.settings = settings
        self.needs = needs
        self._stop_workers = stop_workers

    @property
    def state(self) -> str:
        """One of `PipelineState`."""
        if self.job.is_cancelled:
            return PipelineState.CANCELLED
        code = self.job.poll()
        return PipelineState.RUNNING if code is None else PipelineState.FAILED if code else PipelineState.DONE

    def wait_until_finish(self, duration: int | None = None) -> str:
        """Wait for the end of the job; return its state.

        Raises:
            EngineError: a step failed; the message is the traceback of the worker.
            RunnerError: the cluster could not run the job.
        """
        try:
            code = self.job.wait()
        finally:
            for stop in self._stop_workers:
                stop()
        if self.job.is_cancelled or not code:
            self.job.remove_files(keep_log=False)
            return self.state
        text, log = self.job.failure()
        self.job.remove_files(keep_log=True)
        print_notes([f"the log of Spark is {self.job.log}"])
        raise failure_of(text, log, self.settings.master, self.settings.worker_python(), self.needs)

    def cancel(self) -> None:
        """End the job on the cluster."""
        self.job.cancel()


def longest_create(pipeline: beam.Pipeline) -> int:
    """Return the number of elements of the longest `Create` of a pipeline, at least 1; elements that are in files count, too."""
    lengths = [1]

    class Visitor(PipelineVisitor):
        def enter_composite_transform(self, node: AppliedPTransform) -> None:
            if isinstance(node.transform, beam.Create | Elements):
                lengths.append(len(node.transform.values))

    pipeline.visit(Visitor())
    return max(lengths)
