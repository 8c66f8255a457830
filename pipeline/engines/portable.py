"""Run pipelines on a job service: a program that takes jobs by Beam's Job API, here or on another machine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import grpc
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions
from apache_beam.runners.portability.portable_runner import JobServiceHandle, PortableRunner
from apache_beam.runners.runner import PipelineResult

from pipeline.engines.job_service import described_options
from pipeline.engines.prism_program import answers
from pipeline.engines.worker_output import silence_workers

if TYPE_CHECKING:
    from pipeline.output.storage import Folder
    from pipeline.recipe.model import BuildRecipe

FOREVER = 10**8
"""Seconds, longer than any job."""
CONNECT_SECONDS = 5.0
START_ONE = "start one with `python -m apache_beam.runners.portability.local_job_service_main --job_port=PORT`, or Spark's or Flink's"


def open_pipeline(runner: str, options: Sequence[str]) -> beam.Pipeline:
    """Return an empty pipeline that runs on the job service that `--job_endpoint` names."""
    return beam.Pipeline(runner=JobServiceRunner(), options=with_defaults(options))


def with_defaults(options: Sequence[str]) -> PipelineOptions:
    """Return the options of Beam, with values of ours where Beam's defaults do not suit builds.

    * Without an environment Beam asks for Docker. In LOOPBACK the workers are threads of this process, which see the files that it sees.
    * Beam loses a job after `job_server_timeout`, 300 s, because it counts for the streams that report the state of the job, too.
    """
    settings = PipelineOptions(list(options))
    portable = settings.view_as(PortableOptions)
    portable.environment_type = portable.environment_type or "LOOPBACK"
    if "job_server_timeout" not in settings.get_all_options(drop_default=True):
        portable.job_server_timeout = FOREVER
    return settings


def faults(options: Sequence[str], folder: Folder, recipe: BuildRecipe | None) -> Iterator[str]:
    """Yield a line with the remedy where no job service is named, or none answers."""
    endpoint = PipelineOptions(list(options)).view_as(PortableOptions).job_endpoint
    yield from _endpoint_faults(endpoint or "")


def _endpoint_faults(endpoint: str) -> Iterator[str]:
    host, _, port = endpoint.rpartition(":")
    if not endpoint:
        yield f"--job_endpoint=HOST:PORT is needed, the address of a job service; {START_ONE}"
    elif not host or not port.isdecimal():
        yield f"--job_endpoint={endpoint}: give host:port of a job service, as in localhost:8099"
    elif not answers(host, int(port), CONNECT_SECONDS):
        yield f"--job_endpoint={endpoint}: nothing answers there; {START_ONE}"
    else:
        try:
            described_options(endpoint)
        except ConnectionError:
            yield f"--job_endpoint={endpoint}: what answers there is no job service; {START_ONE}"


silence_workers()


class JobServiceRunner(PortableRunner):
    """Beam's runner for job services, which says in words that a service is gone."""

    def create_job_service(self, options: PipelineOptions) -> JobServiceHandle:
        """Connect to the service; Beam would wait for it as long as for a job."""
        endpoint = options.view_as(PortableOptions).job_endpoint
        if next(_endpoint_faults(endpoint), None):
            raise _gone(endpoint, "nothing answers")
        return super().create_job_service(options)

    def create_job_service_handle(self, job_service: Any, options: PipelineOptions) -> JobServiceHandle:
        """Return the handle that submits a job."""
        return _Handle(job_service, options)

    def run_portable_pipeline(self, pipeline: Any, options: PipelineOptions) -> PipelineResult:
        """Submit a job; return its result."""
        endpoint = options.view_as(PortableOptions).job_endpoint
        with _connected(endpoint):
            return JobResult(super().run_portable_pipeline(pipeline, options), endpoint)


class _Handle(JobServiceHandle):
    def run(self, preparation_id: str) -> tuple[Any, ...]:
        """Run a job. Its messages end when the service is gone; the stream of its states says so."""
        job, messages, states = super().run(preparation_id)
        return job, _until_gone(messages), states


def _until_gone(messages: Iterator[Any]) -> Iterator[Any]:
    with contextlib.suppress(grpc.RpcError):
        yield from messages


class JobResult(PipelineResult):
    """A job on a job service."""

    def __init__(self, job: PipelineResult, endpoint: str):
        super().__init__(None)
        self.job, self.endpoint = job, endpoint

    @property
    def state(self) -> Any:
        """The state of the job, as the service says it now."""
        with _connected(self.endpoint):
            return self.job.state

    def wait_until_finish(self, duration: int | None = None) -> Any:
        """Wait for the end of the job and return its state; raise RuntimeError where it failed, or the service is gone."""
        with _connected(self.endpoint):
            return self.job.wait_until_finish(duration)

    def cancel(self) -> None:
        """End the job, where its service still answers."""
        with contextlib.suppress(grpc.RpcError):
            self.job.cancel()


@contextlib.contextmanager
def _connected(endpoint: str) -> Iterator[None]:
    try:
        yield
    except grpc.RpcError as error:
        raise _gone(endpoint, error.details() if isinstance(error, grpc.Call) else "no answer") from error


def _gone(endpoint: str, why: str) -> RuntimeError:
    """Return the error of a service that is gone, worded as a worker reports it, so that its sentence is that of a connection."""
    return RuntimeError(f"ConnectionError: the job service at {endpoint} cannot be reached any more ({why})")
