"""Turn what a runner raises into an error of this program: the runners of Beam raise exceptions of many packages."""

from __future__ import annotations

from types import TracebackType

from pipeline.failures import EngineError, PausedError, RunnerError

PACKAGES = frozenset({"apache_beam", "apitools", "google", "grpc", "httplib2", "py4j", "requests"})
"""Packages whose exceptions say that an engine failed: Beam, and those by which it talks to Dataflow, job services and Spark."""
CHECKS = (ValueError, NotImplementedError)
"""What Beam raises where a pipeline or its options cannot be on a runner."""
TRACEBACK = "Traceback (most recent call last)"
MAX_SENTENCE = 400  # characters


class RunnerFailures:
    """A context that turns the exceptions of a runner into an `EngineError` or a `RunnerError`; all others pass as they are."""

    def __init__(self, runner: str):
        self.runner = runner

    def __enter__(self) -> None:
        """Begin; nothing is to be prepared."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Raise the error of this program that an exception of a runner means."""
        if error is None or isinstance(error, EngineError | PausedError) or not _is_of_runner(error, traceback):
            return
        if TRACEBACK in str(error):  # that of a worker: its last line is the error of the step
            raise EngineError(str(error)) from error
        raise RunnerError(f"{self.runner}: {sentence_of(error)}") from error


def sentence_of(error: BaseException) -> str:
    """Return an exception in one line of at most 400 characters; its name where it has no text.

    >>> sentence_of(ValueError("no bucket;\\n\\n  give one")), sentence_of(RuntimeError())
    ('no bucket; give one', 'RuntimeError')
    """
    details = getattr(error, "details", None)  # the text of a grpc error; its str() has the whole state of the call
    text = " ".join(str(details() if callable(details) else error).split())
    return text if 0 < len(text) <= MAX_SENTENCE else f"{text[: MAX_SENTENCE - 4]} ..." if text else type(error).__name__


def _is_of_runner(error: BaseException, traceback: TracebackType | None) -> bool:
    if isinstance(error, RuntimeError) or type(error).__module__.partition(".")[0] in PACKAGES:
        return True
    return isinstance(error, CHECKS) and _package_of(traceback) in PACKAGES


def _package_of(traceback: TracebackType | None) -> str:
    """Return the package of the code that raised an exception."""
    package = ""
    while traceback is not None:
        package, traceback = traceback.tb_frame.f_globals.get("__name__", "").partition(".")[0], traceback.tb_next
    return package
