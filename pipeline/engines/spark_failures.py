"""Say why a Spark job failed: one sentence instead of the traces of Java."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.engines.boot import OTHER_VERSIONS
from pipeline.engines.spark_options import WORKER_LOG
from pipeline.failures import EngineError, RunnerError

IN_WORKER = re.compile(r"Error received from SDK harness for instruction [^:\s]+: (.*?)(?=\n\tat \S|\n\nDriver stacktrace|\Z)", re.DOTALL)
DIED = re.compile(r"Process died with exit code (\d+)")
NO_MASTER = ("All masters are unresponsive", "Master removed our application")
NO_PROGRAM = frozenset({126, 127})
"""Exit codes of a shell that cannot start a program (POSIX.1-2024, section 2.8.2)."""


def failure_of(text: str, log: Sequence[str], master: str, python: str, needs: str) -> EngineError:
    """Return why a job failed.

    Args:
        text: the messages of the error and its causes; empty if spark-submit failed before the job.
        log: the last lines of the log of spark-submit.
        master: the address of the master.
        python: the path of the Python of workers.
        needs: the versions that workers must have.
    """
    if in_worker := IN_WORKER.search(text):
        return EngineError(in_worker[1].strip())
    if died := DIED.search(text):
        return RunnerError(_why_worker_died(int(died[1]), python, needs))
    everything = "\n".join((text, *log))
    if any(sign in everything for sign in NO_MASTER):
        return RunnerError(f"the Spark master {master} does not answer or ended the job; check that it runs, and that it is Spark 3.5")
    if "PythonWorker" in text or "ExecutorLostFailure" in text:
        return RunnerError(
            f"executors of Spark ended again and again: {_first_line(text)}; if memory is short, give executors less work at a time "
            "(--spark_conf spark.executor.cores=N) or more memory (--spark_conf spark.executor.memoryOverhead=2g)"
        )
    return RunnerError(f"Spark: {_first_line(text) or _last_error(log)}")


def _why_worker_died(code: int, python: str, needs: str) -> str:
    """Say why a Python worker ended before it did anything, from the exit code of the script that starts it."""
    if code in NO_PROGRAM:
        return f"a node of the cluster cannot start {python}; name its Python with --spark_conf spark.pyspark.python=/path/of/python"
    if code == OTHER_VERSIONS:
        return f"{python} on a node of the cluster has other versions than this machine ({needs}); install these there"
    if code == 1:
        other = "name another Python with --spark_conf spark.pyspark.python=/path/of/python"
        return f"{python} on a node of the cluster has no laion-audio; install it there ({needs}), or {other}"
    start = f"{python} on a node of the cluster ended with exit code {code} before it was ready"
    return f"{start}; {WORKER_LOG} in the working folder of an executor says why"


def _first_line(text: str) -> str:
    """Return the first line of a message, without the name of the Java class.

    >>> _first_line("org.apache.spark.SparkException: Job aborted.\\n\\tat x")
    'Job aborted.'
    """
    line = text.strip().split("\n", 1)[0]
    return re.sub(r"^(?:[\w$]+\.)+[\w$]+: ", "", line)


def _last_error(log: Sequence[str]) -> str:
    """Return the line of a log that says most: the last error or exception, else the last line."""
    lines = [line.strip() for line in log if line.strip()]
    errors = [line for line in lines if re.search(r"Error:|Exception\b|\bERROR\b", line) and not line.startswith("at ")]
    return (errors or lines or ["spark-submit failed without a word"])[-1]
