"""Every failure of a command becomes a sentence, a remedy that fits, and an exit code."""

from __future__ import annotations

import errno
import json

import pyarrow as pa
import pytest

from pipeline.failures import AGAIN, DAMAGED, NOT_A_FOLDER, REFUSED, EngineError, RecipeError, UsageError, explain
from pipeline.output.damage import DamagedFileError
from pipeline.output.disk import FolderInUseError
from pipeline.output.plan_index import LostRowsError, OutputFormatError


def os_error(number: int, path: str = "out/x") -> OSError:
    return OSError(number, "as the system names it", path)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free disk space"),
        (errno.EDQUOT, "free disk space"),
        (errno.EFBIG, "free disk space"),
        (errno.EACCES, "a folder that you may write to"),
        (errno.EPERM, "a folder that you may write to"),
        (errno.EROFS, "a folder that you may write to"),
        (errno.ENOTDIR, "the path of a folder, not of a file"),
        (errno.EEXIST, "the path of a folder, not of a file"),
        (errno.EISDIR, "the path of a folder, not of a file"),
        (errno.ENAMETOOLONG, "a shorter path"),
        (errno.EMFILE, "ulimit -n"),
    ],
)
def test_a_system_error_has_the_remedy_of_its_number_in_this_process_and_in_a_worker(number: int, remedy: str) -> None:
    here = explain(os_error(number), "build")
    error = os_error(number)
    there = explain(EngineError(f"Traceback\n  File x\nRuntimeError: {type(error).__name__}: {error} [while running 'Build']"), "build")
    assert (here.sentence, here.exit_code, here.is_bug) == (str(os_error(number)), 1, False)
    assert remedy in here.remedy
    assert here.remedy.endswith(AGAIN) == (number not in REFUSED | NOT_A_FOLDER)
    assert there == here


@pytest.mark.parametrize(("verb", "again"), [("plan", True), ("build", True), ("recaption", True), ("status", False), ("verify", False)])
def test_only_the_remedy_of_a_verb_that_writes_is_to_run_again(verb: str, again: bool) -> None:
    assert (AGAIN in explain(os_error(errno.ENOSPC), verb).remedy) is again
    for error in (MemoryError(), EngineError("Traceback\nRuntimeError: MemoryError: x"), os_error(errno.EROFS)):
        assert AGAIN not in explain(error, verb).remedy


def test_a_system_error_without_a_remedy_for_its_number_only_says_to_run_again() -> None:
    assert explain(os_error(errno.EIO), "build").remedy == AGAIN
    assert explain(os_error(errno.EIO), "status").remedy == ""
    assert explain(EngineError("Traceback\nTimeoutError: no answer"), "build").remedy == AGAIN


@pytest.mark.parametrize(
    ("error", "sentence", "code"),
    [
        (RecipeError("a: fault\na: another"), "a: fault\na: another", 2),
        (UsageError("give a folder"), "give a folder", 2),
        (FolderInUseError("another build is at work here"), "another build is at work here", 1),
        (OutputFormatError("plan.json: written by another version"), "plan.json: written by another version", 2),
        (KeyboardInterrupt(), "stopped; run the same command again to continue where it stopped", 130),
    ],
)
def test_a_message_that_includes_a_remedy_gets_no_other(error: BaseException, sentence: str, code: int) -> None:
    failure = explain(error, "build")
    assert (failure.sentence, failure.remedy, failure.exit_code, failure.is_bug) == (sentence, "", code, False)


@pytest.mark.parametrize("error", [MemoryError(), EngineError("Traceback\nRuntimeError: MemoryError [while running 'Build']")])
def test_the_remedy_for_too_little_memory_names_workers(error: Exception) -> None:
    failure = explain(error, "build")
    assert failure.sentence == "out of memory" and "--workers" in failure.remedy and failure.exit_code == 1 and not failure.is_bug


def test_the_remedy_for_lost_rows_names_another_runner() -> None:
    failure = explain(LostRowsError("the engine lost rows: 3 were read, 1 planned, 1 left out"), "build")
    assert failure.sentence.startswith("the engine lost rows: 3") and "--runner" in failure.remedy
    assert failure.exit_code == 1 and not failure.is_bug


@pytest.mark.parametrize(
    "error",
    [
        json.JSONDecodeError("Expecting value", "{", 1),
        pa.ArrowInvalid("Parquet magic bytes not found in footer"),
        EngineError("Traceback\nRuntimeError: pyarrow.lib.ArrowInvalid: Parquet magic bytes not found in footer [while running 'Build']"),
        EngineError("Traceback\njson.decoder.JSONDecodeError: Expecting value: line 1 column 2 (char 1)"),
    ],
)
def test_the_remedy_for_a_damaged_file_is_verify(error: Exception) -> None:
    failure = explain(error, "status")
    assert failure.sentence.startswith("a file of the output folder cannot be read: ")
    assert ("magic bytes" in failure.sentence) or ("Expecting value" in failure.sentence)
    assert (failure.remedy, failure.exit_code, failure.is_bug) == (DAMAGED, 1, False)


@pytest.mark.parametrize(
    "error",
    [
        DamagedFileError("plan/D/train/00000.parquet", "no magic bytes"),
        EngineError("RuntimeError: pipeline.output.damage.DamagedFileError: plan/D/train/00000.parquet: damaged: no magic bytes"),
    ],
)
def test_a_damaged_file_is_named_and_its_remedy_is_verify(error: Exception) -> None:
    failure = explain(error, "build")
    assert failure.sentence == "plan/D/train/00000.parquet: damaged: no magic bytes"
    assert (failure.remedy, failure.exit_code, failure.is_bug) == (DAMAGED, 1, False)


def test_a_name_that_is_not_utf8_says_to_rename_it() -> None:
    with pytest.raises(UnicodeEncodeError) as caught:
        "caf\udce9".encode()
    failure = explain(caught.value, "build")
    assert "not UTF-8" in failure.sentence and "rename" in failure.remedy and failure.exit_code == 1 and not failure.is_bug


def test_a_closed_pipe_is_not_explained_as_a_fault_of_the_disk() -> None:
    failure = explain(BrokenPipeError(errno.EPIPE, "Broken pipe"), "status")
    assert "closed before all of it was printed" in failure.sentence and failure.exit_code == 1 and not failure.is_bug


def test_a_fault_of_the_program_is_a_bug_and_shows_the_traceback_of_a_worker() -> None:
    here = explain(KeyError("x"), "build")
    assert here.is_bug and here.sentence == "KeyError: 'x'" and "report" in here.remedy and here.exit_code == 1 and not here.details
    text = "Traceback\n  File x\nRuntimeError: KeyError: 'x' [while running 'Y']"
    there = explain(EngineError(text), "build")
    assert there.is_bug and there.sentence == "KeyError: 'x'" and there.details == text and there.exit_code == 1
    assert explain(EngineError("Traceback\nRuntimeError: print: [Errno 28] x"), "build").is_bug


def test_the_cause_of_an_engine_error_is_the_last_line_without_what_beam_adds() -> None:
    error = EngineError("Traceback\n  File x\nRuntimeError: OSError: [Errno 28] No space left on device [while running 'Shards/Build']\n")
    assert error.cause == "OSError: [Errno 28] No space left on device"
