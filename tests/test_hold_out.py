"""What is held out is not trained on, whatever source it comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.records import Clip, Reason, Rejected, Rejection
from sources.metadata.held_lists import Entry, HeldOut
from transforms.planning.hold_out import Held, HoldOuts, by_recording, check_held_out, is_held


def clip(source: str, split: str, recording: str) -> Clip:
    return Clip(source, source.title(), split, f"{source}-{split}-{recording}", recording, recording=recording)


CLIPS = [
    clip("clotho", "test", "freesound:1"),
    clip("clotho", "train", "freesound:1"),
    clip("clotho", "train", "freesound:2"),
    clip("freesound", "train", "freesound:1"),
    clip("freesound", "train", "freesound:2"),
    clip("freesound", "train", "freesound:3"),
]


@pytest.mark.parametrize(
    ("entry", "held"),
    [
        ("clotho:test", True),
        ("Clotho:test", True),
        ("clotho", True),
        ("Clotho", True),
        ("clotho:testing", True),
        ("clotho:train", False),
        ("Clotho:valid", False),
        ("freesound", False),
        ("clot", False),
        ("clotho:", True),
        (":test", False),
    ],
)
def test_a_row_is_held_by_source_or_dataset_with_or_without_a_split(entry: str, held: bool) -> None:
    assert is_held(CLIPS[0], [entry]) is held
    assert is_held(CLIPS[0], ["another", entry]) is held


def test_a_split_is_held_under_every_name_it_has() -> None:
    assert is_held(clip("clotho", "valid", "x"), ["clotho:Validation"])


def test_no_entry_holds_nothing() -> None:
    assert not is_held(CLIPS[0], [])


def test_a_clip_of_a_held_recording_is_rejected_with_the_entries_that_hold_it() -> None:
    with pytest.raises(Rejected) as caught:
        check_held_out(CLIPS[3], by_recording([Held("freesound:1", "esc50"), Held("freesound:1", "clotho:test")]), ["clotho:test"])
    assert str(caught.value) == "held_out: recording freesound:1 is held out by clotho:test, esc50"
    with pytest.raises(Rejected) as caught:
        check_held_out(CLIPS[3], {}, ["clotho:test"], by_recording([Held("freesound:1", "held.csv")]))
    assert str(caught.value) == "held_out: recording freesound:1 is held out by held.csv"


def test_clips_of_the_evaluation_set_and_of_other_recordings_stay() -> None:
    held = by_recording([Held("freesound:1", "clotho:test")])
    assert check_held_out(CLIPS[0], held, ["clotho:test"]) is CLIPS[0]
    assert check_held_out(CLIPS[0], held, ["clotho:test"], held) is CLIPS[0]
    assert check_held_out(CLIPS[2], held, ["clotho:test"], by_recording([Held("freesound:3", "held.csv")])) is CLIPS[2]


@pytest.mark.parametrize(
    ("entries", "left"),
    [
        (["clotho:test"], [0, 2, 4, 5]),
        (["Clotho"], [0, 1, 2, 5]),
        (["held.csv"], [0, 1, 2, 3, 4]),
        (["held.csv", "more.csv"], [0, 1, 3]),
        (["clotho:test", "held.csv"], [0, 2, 4]),
        (["nothing:test"], [0, 1, 2, 3, 4, 5]),
        ([HeldOut(path="ids.csv", source="freesound")], [0, 1, 3]),
        ([HeldOut(name="clotho:test"), HeldOut(path="ids.txt", source="freesound")], [0, 2, 4]),
        ([], [0, 1, 2, 3, 4, 5]),
    ],
)
def test_recordings_are_held_out_over_all_sources(tmp_path: Path, entries: list[Entry], left: list[int]) -> None:
    (tmp_path / "held.csv").write_text("url\nhttps://freesound.org/s/3\n")
    (tmp_path / "more.csv").write_text("recording\nfreesound:2\n")
    (tmp_path / "ids.csv").write_text("id\n2\n3\n")
    (tmp_path / "ids.txt").write_text("# clips of another set\n3\n")
    for order in (CLIPS, CLIPS[::-1]):
        rejections: list[Rejection] = []
        clips = HoldOuts.of(entries, tmp_path).apply(order, rejections)
        assert sorted(map(CLIPS.index, clips)) == left
        assert sorted(CLIPS.index(rejection.clip) for rejection in rejections) == [n for n in range(len(CLIPS)) if n not in left]
        assert {(rejection.reason, rejection.stage) for rejection in rejections} <= {(Reason.HELD_OUT, "hold_out")}


def video(start: float | None, end: float | None, split: str = "train") -> Clip:
    return Clip("s", "Test" if split == "test" else "Train", split, f"{start}-{end}", "", start, end, recording="youtube:dQw4w9WgXcQ")


EXCERPTS = [video(0, 10), video(10, 20), video(19.5, 30), video(20, 30), video(25, None), video(None, 10.5), video(None, None)]


@pytest.mark.parametrize(
    ("seconds", "left"),
    [(False, []), (True, [(0, 10), (20, 30), (25, None)])],
)
def test_a_video_is_held_out_as_one_or_by_the_seconds_that_overlap(tmp_path: Path, seconds: bool, left: list) -> None:
    clips = [video(10, 20, "test"), *EXCERPTS]
    for entry in (HeldOut(name="Test", seconds=seconds), HeldOut(path="held.csv", source="youtube", seconds=seconds)):
        (tmp_path / "held.csv").write_text("youtube_id,start_time,end\ndQw4w9WgXcQ,10,20\n")
        stay = HoldOuts.of([entry], tmp_path).apply(clips, [])
        assert [(clip.start, clip.end) for clip in stay if clip.split == "train"] == left


def test_seconds_of_other_recordings_do_not_count() -> None:
    clips = [Clip("s", name, "train", "x", "", start, start + 1, recording="freesound:1") for name, start in (("A", 0.0), ("B", 50.0))]
    held: list[Rejection] = []
    stay = HoldOuts.of([HeldOut(name="A", seconds=True)], Path()).apply(clips, held)
    assert (stay, [rejection.detail for rejection in held]) == (clips[:1], ["recording freesound:1 is held out by A"])
