"""A fault is one line that says where, what and what to do."""

from __future__ import annotations

import errno

import pytest

from pipeline.output.damage import DamagedFileError
from pipeline.records import ShardId
from pipeline.verbs.verify_fault import Fault, Finding, one_line, shown, why

SHARD = ShardId("D", "train", 1)


@pytest.mark.parametrize(
    ("shard", "key", "file", "line"),
    [
        (None, None, "plan/plan.json", "plan/plan.json: bad; mend"),
        (SHARD, None, "D/train/1.tar", "D/train/1.tar: bad; mend"),
        (SHARD, "k", "D/train/1.tar", "D/train/1.tar: k: bad; mend"),
        (SHARD, "k", "plan/D/train/1", "plan/D/train/1: shard D/train/1: k: bad; mend"),
        (None, "k", "x", "x: k: bad; mend"),
    ],
)
def test_a_line_names_file_shard_and_key_once(shard: ShardId | None, key: str | None, file: str, line: str) -> None:
    fault = Finding(key, "bad").at(shard, file, "mend")
    assert fault == Fault(shard, key, file, "bad", "mend")
    assert str(fault) == line
    assert fault.to_json() == {"shard": None if shard is None else shard.name, "key": key, "file": file, "what": "bad", "remedy": "mend"}
    assert Fault.from_json(fault.to_json()) == fault


@pytest.mark.parametrize(
    ("change", "error"), [({"shard": 1}, AttributeError), ({"shard": "D"}, ValueError), ({"more": 1}, TypeError)], ids=["1", "D", "more"]
)
def test_what_is_no_fault_is_an_error(change: dict, error: type[Exception]) -> None:
    with pytest.raises(error):
        Fault.from_json(Finding(None, "bad").at(SHARD, "x", "mend").to_json() | change)


def test_characters_that_a_terminal_would_not_print_are_escaped() -> None:
    assert one_line("a\x1b\n\u202e b") == "a\\x1b\\n\\u202e b"


@pytest.mark.parametrize(("n", "text"), [(58, f"'{'x' * 58}'"), (59, f"'{'x' * 56}...")])
def test_values_are_shown_with_60_characters_at_most(n: int, text: str) -> None:
    assert shown("x" * n) == text and len(text) == 60


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (DamagedFileError("file", "what"), "what"),
        (OSError(errno.EIO, "Input/output error", "file"), "Input/output error"),
        (OSError("text"), "text"),
        (ValueError("text"), "text"),
        (ValueError(), "ValueError"),
    ],
)
def test_why_a_file_cannot_be_read(error: Exception, text: str) -> None:
    assert why(error) == text


def test_faults_are_values_that_cannot_change() -> None:
    finding = Finding("k", "bad")
    fault = finding.at(SHARD, "x", "mend")
    assert len({finding, Finding("k", "bad"), fault, Finding("k", "bad").at(SHARD, "x", "mend")}) == 2
