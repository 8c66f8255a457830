"""An entry of `holdout` that no row has to do with is found, and the message says why."""

from pathlib import Path

import pytest

from pipeline.output.storage import Folder
from pipeline.records import Clip
from sources.metadata.held_lists import Entry, HeldOut
from transforms.planning.find_held_rows import HeldRows, take_matches, unmatched, write_matches

CLIPS = [Clip("clotho", "Clotho", split, split, "", recording=f"freesound:{n}") for n, split in enumerate(["train", "test", "train"])]


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("clotho", ""),
        ("Clotho:test", ""),
        ("clotho:validation", 'the source has no row of that split, there are test, train; if that is right, write { name = "clotho:val'),
        (
            "esc50",
            "holdout = 'esc50' holds nothing out: it has no readable row; if that is right, write { name = \"esc50\", allow_empty = true }",
        ),
        ("has.csv", ""),
        (
            "lacks.csv",
            "no row of this recipe has one of its 2 recordings, the first is 'freesound:7'; if that is right, write",
        ),
        (HeldOut(path="ids.txt", source="freesound"), '{ path = "ids.txt", source = "freesound", allow_empty = true }'),
        (HeldOut(path="lacks.csv", allow_empty=True), ""),
        (HeldOut(name="clotho:valid", allow_empty=True), ""),
    ],
)
def test_an_entry_without_any_row_is_named_with_the_remedy(tmp_path: Path, entry: Entry, fault: str) -> None:
    (tmp_path / "has.csv").write_text("recording\nfreesound:9\nfreesound:2\n")
    (tmp_path / "lacks.csv").write_text("recording\nfreesound:7\nrain.wav\n")
    (tmp_path / "ids.txt").write_text("8\n")
    for entries in ([entry], ["clotho", entry]):
        held_rows = HeldRows.of(entries, tmp_path)
        matches = set().union(*(held_rows.matches([clip]) for clip in CLIPS))
        assert held_rows.matches(CLIPS) == matches, "whether clips come together or one by one"
        faults = unmatched(entries, matches, tmp_path)
        assert len(faults) == bool(fault) and all(fault in line for line in faults)


def test_without_any_clip_every_entry_is_named(tmp_path: Path) -> None:
    assert len(unmatched(["clotho"], HeldRows.of(["clotho"], tmp_path).matches([]), tmp_path)) == 1


def test_matches_are_read_once(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    write_matches({(1, "test"), (0, "")}, folder, "x.json")
    assert take_matches(folder, "x.json") == [(0, ""), (1, "test")]
    assert not folder.exists("x.json")
