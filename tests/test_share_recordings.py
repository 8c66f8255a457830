"""Recordings that several splits share are counted exactly, once a pair of splits."""

import io
import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from pipeline.output.shared_file import SharedRecordings, read_shared
from pipeline.output.storage import Folder
from pipeline.records import Clip
from pipeline.report.shared_table import is_leak, shared_table
from transforms.planning.rules import shared_pairs
from transforms.planning.share_recordings import added, listed, write_shared_recordings


def clip(dataset: str, split: str, recording: str) -> Clip:
    return Clip("s", dataset, split, f"{recording}-{split}", "", recording=recording)


CLIPS = st.lists(st.builds(clip, st.sampled_from("AB"), st.sampled_from(["train", "test"]), st.sampled_from("xyz")), max_size=12)


def counted(read: list[Clip], planned: list[Clip]) -> list[SharedRecordings]:
    """Count by brute force."""
    sets = [{}, {}]
    for of_split, clips in zip(sets, (read, planned), strict=True):
        for each in clips:
            of_split.setdefault(f"{each.dataset}/{each.split}", set()).add(each.recording)
    pairs = itertools.combinations(sorted(sets[0].keys() | sets[1].keys()), 2)
    rows = [
        SharedRecordings(*pair, *(len(of_split.get(pair[0], set()) & of_split.get(pair[1], set())) for of_split in sets)) for pair in pairs
    ]
    return [row for row in rows if row.n_read or row.n_planned]


@settings(max_examples=30, deadline=None)
@given(CLIPS, st.integers(0, 12))
def test_shared_recordings_are_those_that_a_count_by_hand_gives(read: list[Clip], n_planned: int) -> None:
    planned = read[:n_planned]
    parts = [[[each for each in clips if each.recording == name] for clips in (read, planned)] for name in "xyz"]
    by_partition = added(shared_pairs(*part) for part in parts)
    assert listed(shared_pairs(read, planned)) == listed(by_partition) == counted(read, planned)


ROWS = [
    SharedRecordings("A/train", "B/train", 30, 30),
    SharedRecordings("A/train", "C/test", 5, 0),
    SharedRecordings("B/train", "C/test", 2, 1),
]


def test_the_list_is_a_file_of_the_plan(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    assert read_shared(folder) is None
    pairs = {(row.first, row.second, planned): (row.n_read, row.n_planned)[planned] for row in ROWS[::-1] for planned in (False, True)}
    write_shared_recordings({pair: n for pair, n in pairs.items() if n}, folder, "plan")
    assert read_shared(folder) == tuple(ROWS)


@pytest.mark.parametrize(
    "content", ["x", "{}", "[1]", '[{"first": "A"}]', '[{"first": "A", "second": "B", "n_read": "1", "n_planned": 1}]', "3"]
)
def test_a_damaged_list_is_none_at_all(tmp_path: Path, content: str) -> None:
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "shared_recordings.json").write_text(content)
    assert not read_shared(Folder(str(tmp_path)))


def test_the_table_names_leaks_first_and_says_how_videos_are_held_out() -> None:
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(shared_table(ROWS))
    text = console.export_text()
    lines = [line for line in text.splitlines() if "/" in line and "│" in line]
    assert [("B/train" in line and "C/test" in line, line.split("│")[-2].strip()) for line in lines] == [
        (True, "leak"),
        (False, "held out"),
        (False, ""),
    ]
    assert "holdout leaves out all clips of a recording" in text and "seconds = true" in text
    assert shared_table([]) == "no recording is in two datasets or splits"
    assert "made again" in str(shared_table(None))
    assert is_leak(SharedRecordings("A/valid", "B/balanced_train", 1, 1)) and not is_leak(SharedRecordings("A/valid", "B/test", 1, 1))
