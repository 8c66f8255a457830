"""The errors of Spark become one sentence; the error of a step is that of the worker."""

import pytest

from pipeline.engines.boot import NOT_STARTED, OTHER_VERSIONS
from pipeline.engines.spark_failures import failure_of
from pipeline.failures import WRONG, EngineError, RunnerError, explain

NEEDS = "Python 3.11, laion-audio 0.1.0, apache-beam 2.77.0"
IN_STEP = """java.lang.RuntimeException: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 3.0 failed 4 \
times, most recent failure: Lost task 0.3 in stage 3.0 (TID 9) (10.0.0.7 executor 1): java.util.concurrent.ExecutionException: \
java.lang.RuntimeException: Error received from SDK harness for instruction 5: Traceback (most recent call last):
  File "sdk_worker.py", line 311, in _execute
OSError: [Errno 28] No space left on device: '/out/x' [while running 'BuildShards/Build']

	at java.base/java.util.concurrent.CompletableFuture.reportGet(CompletableFuture.java:395)
	at org.apache.spark.scheduler.Task.run(Task.scala:141)

Driver stacktrace:
	at org.apache.spark.scheduler.DAGScheduler.failJobAndIndependentStages(DAGScheduler.scala:2898)
"""


def failure(text: str, log: tuple[str, ...] = ()) -> EngineError:
    return failure_of(text, log, "spark://host:7077", "/opt/python", NEEDS)


def test_the_error_of_a_step_is_that_of_the_worker_without_the_traces_of_java():
    error = failure(IN_STEP)
    assert isinstance(error, EngineError)
    assert error.cause == "OSError: [Errno 28] No space left on device: '/out/x'"
    assert "free disk space" in explain(error, "build").remedy
    assert "\tat " not in str(error) and str(error).startswith("Traceback")


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        (127, ("/opt/python", "spark.pyspark.python")),
        (126, ("/opt/python", "spark.pyspark.python")),
        (1, ("has no laion-audio", NEEDS)),
        (OTHER_VERSIONS, ("other versions", NEEDS)),
        (NOT_STARTED, ("exit code 68", "laion-audio-worker.log")),
    ],
)
def test_a_worker_that_cannot_start_is_named_with_its_remedy(code, parts):
    error = failure(f"java.lang.RuntimeException: x\n\njava.lang.IllegalStateException: Process died with exit code {code}\n")
    assert isinstance(error, RunnerError)
    assert all(part in str(error) for part in parts) and "\n" not in str(error)


def test_a_master_that_went_away_is_named():
    error = failure("", ("26/11/28 WARN StandaloneSchedulerBackend: All masters are unresponsive! Giving up.",))
    assert "spark://host:7077" in str(error)


def test_executors_that_end_again_and_again_are_named():
    lost = "org.apache.spark.SparkException: Job aborted: ExecutorLostFailure (executor 3 exited caused by one of the running tasks)"
    assert "spark.executor.memoryOverhead" in str(failure(lost))


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        (("26 INFO x", "Error: Failed to load class laionaudio.Submit.", "26 INFO ShutdownHookManager: gone"), "Failed to load class"),
        (("Exception in thread main java.lang.OutOfMemoryError: Java heap space", "\tat java.Error: x"), "Java heap space"),
        ((), "without a word"),
    ],
)
def test_a_submission_that_fails_before_the_job_has_a_sentence(log, sentence):
    error = failure("", log)
    assert sentence in str(error) and "\n" not in str(error)


def test_a_failure_of_a_cluster_is_no_fault_of_the_program():
    explained = explain(RunnerError("no executors"), "build")
    assert (explained.sentence, explained.exit_code, explained.is_bug) == ("no executors", WRONG, False)
