"""Each excerpt and each id is planned once, and the text of its repetitions is not lost."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.records import Caption, Clip, Reason, Rejection
from sources.metadata.held_lists import Entry
from transforms.planning.drop_duplicates import distinct_excerpts, distinct_keys, one_per_excerpt, one_per_key


def clip(number: int, text: str = "", split: str = "train", **changes: Any) -> Clip:
    captions = (Caption(text),) if text else ()
    values = {"source": "table", "dataset": "T", "split": split, "id": f"id{number}", "url": "a.wav", "recording": "a.wav"}
    return Clip(**values | {"captions": captions, "row_number": number} | changes)


def parted(outcomes: Iterable[Clip | Rejection]) -> tuple[Clip, list[Rejection]]:
    """Return the one clip of the outcomes, and the rejections."""
    outcomes = list(outcomes)
    [stays] = [outcome for outcome in outcomes if isinstance(outcome, Clip)]
    return stays, [outcome for outcome in outcomes if isinstance(outcome, Rejection)]


def distinct(rows: list[Clip], held: Sequence[Entry] = ()) -> tuple[list[Clip], list[Rejection]]:
    """Return the clips with distinct excerpts and keys, and the rejections of the others."""
    rejections: list[Rejection] = []
    return distinct_keys(distinct_excerpts(rows, held, rejections), held, rejections), rejections


def test_rows_with_one_caption_each_become_one_clip_with_all_captions_in_order() -> None:
    rows = [clip(3, "three"), clip(1, "one", labels=("x",)), clip(2, "two", labels=("y", "x")), clip(4, "one")]
    stays, gone = parted(one_per_excerpt(rows))
    assert [caption.text for caption in stays.captions] == ["one", "two", "three", "one"]
    assert (stays.id, stays.labels) == ("id1", ("x", "y"))
    assert [(rejection.clip.id, rejection.detail) for rejection in gone] == [
        ("id2", "same excerpt as table-id1; its text was kept there"),
        ("id3", "same excerpt as table-id1; its text was kept there"),
        ("id4", "same excerpt as table-id1; its text was kept there"),
    ]
    assert {(rejection.reason, rejection.stage) for rejection in gone} == {(Reason.MERGED, "drop_duplicates")}


def test_a_row_that_brings_no_caption_is_a_duplicate_and_one_that_does_is_merged() -> None:
    rows = [clip(1, "one"), clip(2, "two"), clip(3, captions=()), clip(4, "four", split="test")]
    assert [each.reason for each in parted(one_per_excerpt(rows))[1]] == ["duplicate", "duplicate", "duplicate"]
    assert [each.reason for each in parted(one_per_excerpt(rows[:3]))[1]] == ["merged", "duplicate"]


SPLITS = ["test", "valid", "train"]


@pytest.mark.parametrize("splits", list(itertools.permutations(SPLITS)))
def test_of_several_splits_the_clip_for_testing_stays_then_that_for_validation(splits: tuple[str, ...]) -> None:
    rows = [clip(number, split, split, labels=(split,)) for number, split in enumerate(splits)]
    for choose in (one_per_excerpt, one_per_key):
        stays, gone = parted(choose(rows))
        assert (stays.split, [caption.text for caption in stays.captions], stays.labels) == ("test", ["test"], ("test",))
        stays, gone = parted(choose([row for row in rows if row.split != "test"]))
        assert (stays.split, len(gone)) == ("valid", 1)


def test_a_split_of_a_name_that_sorts_first_is_still_for_training() -> None:
    for split in ("balanced_train", "a"):
        assert parted(one_per_excerpt([clip(0, split=split), clip(1, split="valid")]))[0].split == "valid"
        assert parted(one_per_excerpt([clip(0, split="zz"), clip(1, split=split)]))[0].split == "zz", "the first row"
    assert parted(one_per_excerpt([clip(0, split="valid"), clip(1, split="eval")]))[0].split == "eval"


def test_text_stays_in_its_split() -> None:
    stays, gone = parted(one_per_excerpt([clip(1, "train"), clip(2, "valid", "valid"), clip(3, "test", "test", labels=("t",))]))
    assert ([caption.text for caption in stays.captions], stays.labels) == (["test"], ("t",))
    assert [rejection.detail for rejection in gone] == ["same excerpt as table-id3, which is in split test"] * 2


def test_captions_that_a_test_clip_repeats_stay_beside_a_copy_in_training() -> None:
    five = tuple(map(Caption, ("a", "b", "a", "b", "c")))
    kept, rejections = parted(one_per_excerpt([clip(1, split="train", text="d"), clip(2, split="test", captions=five)]))
    assert kept.captions == five and len(rejections) == 1
    kept, _ = parted(one_per_excerpt([clip(1, split="test", captions=five), clip(2, split="test", captions=(Caption("c"), Caption("d")))]))
    assert kept.captions == (*five, Caption("c"), Caption("d"))


def test_a_held_out_row_stays_rather_than_any_other() -> None:
    rows = [clip(1), clip(2, split="fold-1"), clip(3, split="test")]
    assert parted(one_per_excerpt(rows, ["table:fold-1"]))[0].split == "fold-1"
    assert parted(one_per_key([clip(1), clip(2, split="eval2")], ["T:eval2"]))[0].split == "eval2"


@pytest.mark.parametrize("choose", [one_per_excerpt, one_per_key])
def test_of_one_split_the_first_row_stays_whatever_its_id_and_text(choose: Any) -> None:
    assert parted(choose([clip(10, "b", id="a"), clip(9, "c", id="b"), clip(11, "a", id="c")]))[0].row_number == 9
    assert parted(choose([clip(1, "b", id="y"), clip(1, "a", id="z"), clip(1, "c", id="x")]))[0].id == "x", "of several tables: by id"


def test_the_order_of_arrival_does_not_matter() -> None:
    rows = [clip(1, "one"), clip(2, "two"), clip(2, "two again"), clip(3, "three", "valid")]
    for choose in (one_per_excerpt, one_per_key):
        expected = list(choose(rows))
        for shuffled in itertools.permutations(rows):
            assert list(choose(shuffled)) == expected


def test_a_clip_without_repetition_is_the_same_clip() -> None:
    alone = clip(1, "one", captions=(Caption("x"), Caption("x")))
    assert list(one_per_excerpt([alone])) == list(one_per_key([alone])) == [alone]


def test_fifty_thousand_rows_of_one_recording_take_no_time() -> None:
    stays, gone = parted(one_per_excerpt([clip(number, f"text {number}") for number in range(50_000)]))
    assert (len(stays.captions), len(gone)) == (50_000, 49_999)


def test_an_id_names_one_clip() -> None:
    stays, gone = parted(one_per_key([clip(2, id="x", url="b.wav"), clip(1, id="x")]))
    assert stays.url == "a.wav"
    assert [(rejection.clip.url, rejection.reason, rejection.stage, rejection.detail) for rejection in gone] == [
        ("b.wav", Reason.DUPLICATE, "drop_duplicates", "id 'x' also names another excerpt: a.wav")
    ]
    assert parted(one_per_key([clip(1, id="x", url=""), clip(2, id="x")]))[1][0].detail.endswith("excerpt: x")


PAGES = ["https://freesound.org/s/17/", "https://freesound.org/people/ann/sounds/17/", "https://freesound.org/apiv2/sounds/17/download/"]


def test_files_that_were_cut_from_one_sound_are_different_excerpts() -> None:
    slices = [clip(number, recording="freesound:17", url=f"fold5/17-3-0-{number}.wav") for number in range(3)]
    by_id = [clip(number, recording="freesound:17", url="", id=f"17-{number}", dataset="Ids") for number in range(3)]
    pages = [clip(number, recording="freesound:17", url=url, dataset="P") for number, url in enumerate(PAGES)]
    clips, rejections = distinct([*slices, *by_id, *pages])
    assert sorted(each.dataset for each in clips) == ["Ids"] * 3 + ["P"] + ["T"] * 3
    assert len(rejections) == len(PAGES) - 1


ROWS = [
    clip(1, "one"),
    clip(2, "two", start=0.0),  # the same: from the beginning
    clip(3, "three", start=1.0),
    clip(4, dataset="U"),
    clip(5, id="id3", recording="b.wav", url="b.wav"),
    clip(6, "six", start=1.0, end=2.0),
    clip(7, "seven", start=1.0, end=2.0, url="copy/a.wav"),
]
STAY = [("T", "id1", ["one", "two"]), ("T", "id3", ["three"]), ("T", "id6", ["six", "seven"]), ("U", "id4", [])]


def _texts(clip: Clip) -> tuple[str, str, list[str]]:
    return clip.dataset, clip.id, [caption.text for caption in clip.captions]


def test_excerpts_and_ids_are_compared_within_a_dataset() -> None:
    for rows in (ROWS, ROWS[::-1]):
        clips, rejections = distinct(rows)
        assert sorted(map(_texts, clips)) == STAY
        assert sorted(rejection.clip.row_number for rejection in rejections) == [2, 5, 7]


def test_what_a_recipe_holds_out_stays() -> None:
    rows = [clip(1), clip(2, split="fold-1"), clip(3, id="x", recording="b"), clip(4, id="x", split="fold-1", recording="c")]
    clips, _ = distinct(rows, ["T:fold-1"])
    assert sorted(clip.row_number for clip in clips) == [2, 4]


CLIPS = st.builds(
    clip,
    st.integers(0, 30),
    st.sampled_from(["", "a", "b"]),
    st.sampled_from(["train", "valid", "test", "fold-1"]),
    id=st.sampled_from(["x", "y", "z"]),
    recording=st.sampled_from(["a.wav", "b.wav"]),
    start=st.sampled_from([None, 0.0, 1.5]),
    dataset=st.sampled_from(["T", "U"]),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(CLIPS, max_size=12), st.randoms())
def test_no_row_is_lost_and_neither_an_excerpt_nor_an_id_stays_twice(rows: list[Clip], random: Random) -> None:
    clips, rejections = distinct(rows)
    assert len(clips) + len(rejections) == len(rows)
    assert len({(each.dataset, each.recording, each.start or 0.0, each.end) for each in clips}) == len(clips)
    assert len({(each.dataset, each.key) for each in clips}) == len(clips)
    again, _ = distinct(random.sample(rows, len(rows)))
    assert sorted(again, key=repr) == sorted(clips, key=repr), "whatever the order of arrival"
