"""Explain why a command ended: every exception becomes a sentence, a remedy and an exit code.

These are failures of a command. The failure of a single clip is a `Rejected`, and is counted in the books.
"""

from __future__ import annotations

import builtins
import errno
import re
from dataclasses import dataclass

DONE, WRONG, USAGE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: the books balance; something is missing or failed; bad usage or bad recipe; Ctrl-C."""
OF_SIGNALS = 128
"""Added to the number of the signal that ends a command: 130 for Ctrl-C, 143 for SIGTERM, 129 when the terminal is closed."""

WRITING_VERBS = frozenset({"plan", "build", "retry", "remove", "recaption"})
AGAIN = "run the same command again: it continues where it stopped, and no file is half-written under its final name"
DAMAGED = "run `laion-audio verify DIR` to see which file is damaged; remove it (or all of plan/, if it is there), and build again"
PRUNE = "if they should go, run `laion-audio build` with --prune; if not, mend the table or the recipe, or build into another folder"
REPORT = "this is a fault of the program, not of your input; please report it with this text"
EQUAL_VERSIONS = (
    'install the same versions on every machine (constraints.txt), or write worker_versions = "any" into the recipe: '
    "the marker of each shard then says with which it was made"
)
STOPPED = "stopped; run the same command again to continue where it stopped"

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
NOT_A_FOLDER = frozenset({errno.ENOTDIR, errno.EEXIST, errno.EISDIR})
REMEDIES = (
    (FULL, "free disk space, or give a folder on a larger disk"),
    (REFUSED, "give a folder that you may write to, or change its permissions"),
    (NOT_A_FOLDER, "give the path of a folder, not of a file"),
    (frozenset({errno.ENAMETOOLONG}), "give a shorter path"),
    (frozenset({errno.EMFILE, errno.ENFILE}), "allow more open files with `ulimit -n`, or give a smaller --workers"),
)
JAVA_FRAME = re.compile(r"\s*(at [\w.$/]+\(|\.\.\. \d+ more|Caused by: |$)")
BUCKET = "create the bucket, or correct the address"
KEYS = "give this machine keys of the store that allow it, by the variables that docs/stores.md lists"
MEMORY = "give a smaller --workers, or use a machine with more memory"


class RecipeError(ValueError):
    """A recipe cannot be built; the message lists every fault, one a line."""


class PausedError(RuntimeError):
    """A command stopped because a host is asked no more for now; run again, it goes on. Nothing is wrong."""


class UsageError(ValueError):
    """The command line asks for something that cannot be done; the message says what can."""


class PublishError(RuntimeError):
    """A hub refused a set or cannot be reached; the message says what to do."""


class EngineError(RuntimeError):
    """A step of a pipeline failed; the message is the traceback of the worker."""

    @property
    def cause(self) -> str:
        """The error itself: the last line of the traceback, without the frames of a Java engine around it.

        >>> EngineError("Traceback ...\\nRuntimeError: OSError: [Errno 28] No space left on device [while running 'Build']").cause
        'OSError: [Errno 28] No space left on device'
        """
        lines = [line for line in str(self).strip().splitlines() if not JAVA_FRAME.match(line)]
        last = (lines or ["RuntimeError"])[-1].removeprefix("RuntimeError: ")
        return re.sub(r" \[while running '[^']*'\]$", "", last)


class RunnerError(EngineError):
    """An engine failed and no step of ours did: it cannot be reached, or ended the job; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Say why a command ended: what happened, what to do (may be empty), and the exit code.

    `details` is the traceback of a worker; `is_bug` is true where this program is at fault.
    """

    sentence: str
    remedy: str
    exit_code: int
    details: str = ""
    is_bug: bool = False


def explain(error: BaseException, verb: str) -> Failure:
    """Return why a command ended, from the exception that ended it; `verb` decides whether running again continues."""
    from pipeline.output.damage import DamagedFileError
    from pipeline.output.disk import FolderInUseError
    from pipeline.output.ownership import ForeignFilesError
    from pipeline.output.plan_change import DroppedSamplesError
    from pipeline.output.plan_index import LostRowsError, OutputFormatError
    from pipeline.output.store_faults import NoBucketError, NoKeysError
    from transforms.shards.stop import StoppedError

    match error:
        case KeyboardInterrupt() | StoppedError():
            return Failure(STOPPED, "", INTERRUPTED)
        case DamagedFileError():
            return Failure(str(error), DAMAGED, WRONG)
        case PausedError():
            return Failure(str(error), "", DONE)
        case PublishError():
            return Failure(str(error), "", WRONG)
        case RecipeError() | UsageError() | OutputFormatError():
            return Failure(str(error), "", USAGE)
        case ForeignFilesError():
            return Failure(str(error), "", USAGE)
        case DroppedSamplesError():
            return Failure(str(error), PRUNE, USAGE)
        case FolderInUseError():
            return Failure(str(error), "", WRONG)
        case LostRowsError():
            return Failure(str(error), "use another --runner, or fewer --workers", WRONG)
        case MemoryError():
            return Failure("out of memory", MEMORY, WRONG)
        case BrokenPipeError():
            return Failure("the output was closed before all of it was printed", "", WRONG)
        case NoBucketError():
            return Failure(str(error), BUCKET, USAGE)
        case NoKeysError():
            return Failure(str(error), KEYS, WRONG)
        case OSError():
            return Failure(str(error), _remedy_of(error.errno, verb), WRONG)
        case RunnerError():
            return Failure(str(error), AGAIN if verb in WRITING_VERBS else "", WRONG)
        case EngineError():
            return _explain_worker(error, verb)
        case UnicodeError():
            return Failure(f"a name or a text is not UTF-8: {error}", "rename the file, or save the text as UTF-8", WRONG)
    return _explain_folder(error)


def _explain_worker(error: EngineError, verb: str) -> Failure:
    """Explain a failure in a worker by the name and number of its error: an engine reports nothing else."""
    kind, _, message = error.cause.partition(": ")
    kind = kind.rpartition(".")[2]
    if kind == "MemoryError":
        return Failure("out of memory", MEMORY, WRONG)
    if _is_os_error(kind):
        number = re.match(r"\[Errno (\d+)\]", message)
        return Failure(message or kind, _remedy_of(int(number[1]) if number else None, verb), WRONG)
    if kind in {"DamagedFileError", "DamagedPlanError"}:
        return Failure(message, DAMAGED, WRONG)
    if kind == "OtherVersionsError":
        return Failure(message, EQUAL_VERSIONS, WRONG)
    if kind.startswith("Arrow") or kind == "JSONDecodeError":
        return Failure(f"a file of the output folder cannot be read: {message}", DAMAGED, WRONG)
    return Failure(error.cause, REPORT, WRONG, details=str(error), is_bug=True)


def _explain_folder(error: BaseException) -> Failure:
    """Explain an output folder that is damaged or of another version; anything else is a fault of the program."""
    import json

    import pyarrow as pa

    if isinstance(error, json.JSONDecodeError | pa.ArrowException):
        return Failure(f"a file of the output folder cannot be read: {error}", DAMAGED, WRONG)
    return Failure(f"{type(error).__name__}: {error}", REPORT, WRONG, is_bug=True)


def _is_os_error(kind: str) -> bool:
    named = getattr(builtins, kind, None)
    return isinstance(named, type) and issubclass(named, OSError)


def _remedy_of(number: int | None, verb: str) -> str:
    """Return what to do about an error of the operating system, and where it helps that the command may then be run again."""
    remedy = next((remedy for numbers, remedy in REMEDIES if number in numbers), "")
    again = AGAIN if verb in WRITING_VERBS and number not in REFUSED | NOT_A_FOLDER else ""
    return "; then ".join(part for part in (remedy, again) if part)
