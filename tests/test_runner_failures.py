"""Exceptions of runners become one sentence, or the traceback of the worker; faults of this program stay what they are."""

from __future__ import annotations

import time
from typing import Any

import apache_beam as beam
import grpc
import pytest

from pipeline.engines import run
from pipeline.engines.run import Engine, cancel_running
from pipeline.engines.runner_failures import RunnerFailures, sentence_of
from pipeline.failures import AGAIN, EngineError, PausedError, RunnerError, explain


class Result:
    """A job as an engine reports it."""

    def __init__(self, state: str | None = "DONE", error: BaseException | None = None, seconds: float = 0):
        self.state, self.error, self.seconds = state, error, seconds

    def wait_until_finish(self) -> str | None:
        if self.error:
            raise self.error
        return self.state

    def cancel(self) -> None:
        time.sleep(self.seconds)
        if self.error:
            raise self.error


def run_to(result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beam.Pipeline, "run", lambda _: result)
    Engine().run(lambda root: root)


def from_beam(name: str, text: str) -> BaseException:
    return type(name, (Exception,), {"__module__": "apache_beam.runners.dataflow.dataflow_runner"})(text)


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED", "DRAINED", "UPDATED", "UNKNOWN", "RUNNING", None])
def test_a_job_that_ends_in_another_state_than_done_is_never_done(state: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RunnerError, match=rf"ended as {state or 'UNKNOWN'}, not as DONE") as caught:
        run_to(Result(state), monkeypatch)
    failure = explain(caught.value, "build")
    assert (failure.exit_code, failure.remedy, failure.is_bug) == (1, AGAIN, False)
    assert run.running == []


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            from_beam("DataflowRuntimeException", "Dataflow pipeline failed. State: FAILED, Error:\nno quota\n"),
            "State: FAILED, Error: no quota",
        ),
        (grpc.FutureTimeoutError(), "local: FutureTimeoutError"),
        (RuntimeError("Pipeline job-1 failed"), "local: Pipeline job-1 failed"),
        (RuntimeError(), "local: RuntimeError"),
    ],
)
def test_an_exception_of_a_runner_is_one_sentence(error: BaseException, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RunnerError) as caught:
        run_to(Result(error=error), monkeypatch)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)
    assert run.running == []


def test_the_traceback_of_a_worker_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Dataflow failed:\nTraceback (most recent call last):\n  File x\nOSError: [Errno 28] No space left [while running 'Build']"
    java = "\n\tat org.apache.beam.Fn.call(Fn.java:1)\n\t... 3 more"
    with pytest.raises(EngineError) as caught:
        run_to(Result(error=from_beam("DataflowRuntimeException", text + java)), monkeypatch)
    assert not isinstance(caught.value, RunnerError) and caught.value.cause == "OSError: [Errno 28] No space left"


@pytest.mark.parametrize("error", [KeyError("x"), AssertionError(), OSError(28, "full"), PausedError("waits"), KeyboardInterrupt()])
def test_other_exceptions_pass_as_they_are(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, RunnerFailures("local"):
        raise error
    assert caught.value is error


def test_a_check_of_beam_is_a_failure_of_the_runner_and_ours_is_not() -> None:
    with pytest.raises(RunnerError, match=r"^DataflowRunner: .*Missing"):
        _open_dataflow()
    with pytest.raises(ValueError, match="of ours"), RunnerFailures("local"):
        raise ValueError("of ours")


def _open_dataflow() -> None:
    from apache_beam.options.pipeline_options import PipelineOptions

    with RunnerFailures("DataflowRunner"):
        beam.Pipeline(options=PipelineOptions(["--runner=DataflowRunner"]))


def test_long_texts_are_cut() -> None:
    assert len(sentence_of(ValueError("x " * 1000))) == 400


def test_jobs_are_cancelled_together_within_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = from_beam("DataflowRuntimeException", "no permission")
    results: list[Any] = [Result(), Result(error=refused), Result(seconds=5), Result(error=NotImplementedError())]
    monkeypatch.setattr(run, "running", results)
    began = time.monotonic()
    lines = cancel_running(0.1)
    assert time.monotonic() - began < 1
    assert len(lines) == 3
    assert lines[0] == "cancelling the job: no permission; look whether the job still runs"
    assert "has not confirmed" in lines[1]
