"""Job services: defaults that suit builds, what is refused before anything runs, and errors in words."""

from __future__ import annotations

import socket

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PortableOptions
from apache_beam.runners.portability.local_job_service import LocalJobServicer

from pipeline.engines import portable
from pipeline.engines.portable import FOREVER, with_defaults
from pipeline.engines.prism_program import free_port
from pipeline.engines.run import open_engine
from pipeline.failures import EngineError, explain
from pipeline.output.storage import Folder

FULL = "[Errno 28] No space left on device"


def faults(*options):
    return list(portable.faults(options, Folder("/nowhere"), None))


def portable_options(*options):
    return with_defaults(options).view_as(PortableOptions)


def test_workers_are_in_this_process_and_a_job_may_take_days_unless_options_say_otherwise():
    assert (portable_options().environment_type, portable_options().job_server_timeout) == ("LOOPBACK", FOREVER)
    given = portable_options("--environment_type=DOCKER", "--job_server_timeout=7")
    assert (given.environment_type, given.job_server_timeout) == ("DOCKER", 7)


@pytest.mark.parametrize("endpoint", ["localhost", "localhost:", ":8099", "localhost:http"])
def test_an_endpoint_without_host_or_port_is_refused(endpoint):
    (line,) = faults(f"--job_endpoint={endpoint}")
    assert line == f"--job_endpoint={endpoint}: give host:port of a job service, as in localhost:8099"


def test_a_missing_endpoint_and_one_where_nothing_answers_are_refused_with_the_command_that_starts_a_service():
    closed = f"localhost:{free_port()}"
    assert [line.partition(";")[0] for line in (*faults(), *faults(f"--job_endpoint={closed}"))] == [
        "--job_endpoint=HOST:PORT is needed, the address of a job service",
        f"--job_endpoint={closed}: nothing answers there",
    ]
    assert "local_job_service_main" in faults()[0]


def test_a_server_that_is_no_job_service_is_refused(monkeypatch):
    monkeypatch.setattr("pipeline.engines.job_service.described_options.__defaults__", (0.1,))
    with socket.create_server(("localhost", 0)) as other:
        (line,) = faults(f"--job_endpoint=localhost:{other.getsockname()[1]}")
    assert "what answers there is no job service; start one with" in line


@pytest.fixture
def service():
    servicer = LocalJobServicer()
    port = servicer.start_grpc_server(0)
    yield servicer, f"localhost:{port}"
    servicer.stop(None)


def _fail(number: int) -> None:
    raise OSError(28, "No space left on device")


def test_the_error_of_a_step_comes_back_from_a_job_service_as_one_sentence(service, capfd):
    engine = open_engine("PortableRunner", None, [f"--job_endpoint={service[1]}"])
    assert list(engine.faults(Folder("/nowhere"))) == []
    with pytest.raises(EngineError) as caught:
        engine.run(lambda root: root | beam.Create([1]) | beam.Map(_fail))
    assert explain(caught.value, "build").sentence == FULL
    assert "Traceback" not in capfd.readouterr().err


def test_a_job_service_that_is_gone_is_an_error_in_words_that_says_to_run_again(service):
    pipeline = portable.open_pipeline("PortableRunner", [f"--job_endpoint={service[1]}"])
    pipeline | beam.Create([1])
    service[0].stop(None)
    with pytest.raises(RuntimeError) as caught:
        pipeline.run()
    failure = explain(EngineError(str(caught.value)), "build")
    assert failure.sentence.startswith(f"the job service at {service[1]} cannot be reached any more")
    assert failure.remedy.startswith("run the same command again") and not failure.is_bug
