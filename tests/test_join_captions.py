"""Captions of caption tables come to the clips of their recordings, to no evaluation set, and no row is lost."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.records import Caption, Clip, Reason, Rejection
from sources.metadata.options import SourceOptions
from transforms.planning.join_captions import join_all, join_captions, joining_sources

VIDEO = "youtube:dQw4w9WgXcQ"
TABLES = frozenset({("captions", "AudioSetCaps"), ("captions", "Auto-ACD")})


def clip(dataset: str, start: float | None = 30.0, text: str = "", split: str = "train", **changes: Any) -> Clip:
    source = "captions" if ("captions", dataset) in TABLES else dataset.lower()
    values = {
        "id": f"{start}",
        "url": "https://youtu.be/dQw4w9WgXcQ",
        "start": start,
        "recording": VIDEO,
        "captions": (Caption(text),) if text else (),
    }
    return Clip(source, dataset, split, **values | changes)


def row(text: str, start: float | None = 30.0, **changes: Any) -> Clip:
    return clip("AudioSetCaps", start, text, **changes)


def texts(outcomes: list[Any]) -> dict[str, list[str]]:
    return {f"{each.dataset}/{each.split}": [caption.text for caption in each.captions] for each in outcomes if isinstance(each, Clip)}


def details(outcomes: list[Any]) -> list[tuple[str, str]]:
    return [(str(each.reason), each.detail) for each in outcomes if isinstance(each, Rejection)]


def test_captions_of_a_row_come_after_those_of_the_clip_and_the_row_is_a_duplicate() -> None:
    own = clip("AudioSet", text="own")
    rows = [row("second", row_number=2), row("first", row_number=1), row("own", row_number=3), clip("Auto-ACD", text="other", row_number=0)]
    outcomes = list(join_captions([*rows, own], TABLES))
    assert texts(outcomes) == {"AudioSet/train": ["own", "first", "second", "other"]}
    assert details(outcomes) == [("merged", "its captions were added to audioset-30-0-" + own.key.rpartition("-")[2])] * 4
    assert {each.stage for each in outcomes if isinstance(each, Rejection)} == {"join_captions"}


def test_a_row_adds_to_the_clips_of_several_datasets() -> None:
    outcomes = list(join_captions([row("new"), clip("AudioSet"), clip("VGGSound", 29.5)], TABLES))
    assert texts(outcomes) == {"AudioSet/train": ["new"], "VGGSound/train": ["new"]}
    assert details(outcomes)[0][1].count("audioset-") == details(outcomes)[0][1].count("vggsound-") == 1


@pytest.mark.parametrize(
    ("of_row", "of_clip", "fits"),
    [
        (30.0, 30.0, True),
        (30.0, 31.0, True),
        (30.0, 31.01, False),
        (30.0, 28.9, False),
        (None, 30.0, True),
        (30.0, None, False),
        (0.5, None, True),
    ],
)
def test_a_row_of_a_video_fits_a_clip_that_begins_within_a_second_or_any_when_it_has_no_start(
    of_row: Any, of_clip: Any, fits: bool
) -> None:
    outcomes = list(join_captions([row("new", of_row), clip("AudioSet", of_clip)], TABLES))
    assert texts(outcomes)["AudioSet/train"] == (["new"] if fits else [])
    assert ("AudioSetCaps/train" in texts(outcomes)) is not fits, "a row that fits nothing stays a clip of its own"


def test_a_row_of_a_freesound_sound_without_a_start_describes_its_beginning() -> None:
    sound = {"recording": "freesound:1"}
    outcomes = list(join_captions([row("new", None, **sound), clip("Freesound", None, **sound), clip("Cut", 5.0, **sound)], TABLES))
    assert texts(outcomes) == {"Freesound/train": ["new"], "Cut/train": []}


def test_a_row_without_a_start_that_fits_different_excerpts_is_ambiguous() -> None:
    outcomes = list(join_captions([row("new", None), clip("AudioSet", 30.0), clip("VGGSound", 90.0)], TABLES))
    assert texts(outcomes) == {"AudioSet/train": [], "VGGSound/train": []}
    assert details(outcomes) == [("ambiguous", f"the row gives no start, and clips of {VIDEO} begin at 30 s, 90 s")]


def test_a_row_without_a_clip_and_without_a_way_to_its_audio_is_not_found() -> None:
    detail = f"no clip of another source is this excerpt of {VIDEO}, and the row has neither an address nor an audio_root"
    assert details(list(join_captions([row("new", url="")], TABLES))) == [("not_found", detail)]
    by_root = row("new", url="", audio_root="recordings")
    assert list(join_captions([by_root], TABLES)) == [by_root]


@pytest.mark.parametrize("split", ["test", "valid", "eval"])
def test_clips_of_evaluation_splits_get_no_captions_and_rows_of_training_are_not_lost(split: str) -> None:
    outcomes = list(join_captions([row("new"), clip("AudioCaps", text="own", split=split)], TABLES))
    assert texts(outcomes) == {f"AudioCaps/{split}": ["own"], "AudioSetCaps/train": ["new"]}
    outcomes = list(join_captions([row("new", split=split), clip("AudioSet", text="own")], TABLES))
    assert texts(outcomes) == {"AudioSet/train": ["own"], f"AudioSetCaps/{split}": ["new"]}, "nor does text of an evaluation split move"


def test_clips_that_a_recipe_holds_out_get_no_captions() -> None:
    outcomes = list(
        join_captions([row("new"), clip("Folds", split="fold-1"), clip("Folds", split="fold-2", id="2")], TABLES, ["Folds:fold-1"])
    )
    assert texts(outcomes) == {"Folds/fold-1": [], "Folds/fold-2": ["new"]}


def test_rows_without_captions_and_rows_of_caption_tables_alone_stay_clips() -> None:
    rows = [row("a"), clip("Auto-ACD", text="b"), row("", labels=("dog",), id="x")]
    assert sorted(join_captions(rows, TABLES), key=repr) == sorted(rows, key=repr)
    assert list(join_captions([clip("AudioSet"), rows[2]], TABLES)).count(rows[2]) == 1


def test_the_order_of_arrival_does_not_matter() -> None:
    clips = [row("b", row_number=2), row("a", row_number=1), clip("AudioSet", text="own"), clip("VGGSound"), clip("Auto-ACD", text="c")]
    for shuffled in itertools.permutations(clips):
        assert list(join_captions(shuffled, TABLES)) == list(join_captions(clips, TABLES))


def test_caption_tables_are_the_sources_whose_options_say_so() -> None:
    class Joining(SourceOptions):
        joins: bool = True

    options = {"source": "captions", "base": "/"}
    given = [Joining.model_construct(**options, dataset="A"), SourceOptions.model_construct(**options, dataset="B")]
    assert joining_sources([*given, Joining.model_construct(**options, dataset="C", joins=False)]) == {("captions", "A")}


ALL = [
    row("new"),
    clip("AudioSet"),
    clip("AudioSet", recording="youtube:aaaaaaaaaaa", id="a"),
    row("alone", recording="youtube:bbbbbbbbbbb", id="b"),
]


def test_without_caption_tables_clips_pass_unchanged() -> None:
    rejections: list[Rejection] = []
    assert (join_all(ALL, frozenset(), (), rejections), rejections) == (ALL, [])


def test_clips_of_each_recording_are_joined_alone() -> None:
    rejections: list[Rejection] = []
    clips = join_all(ALL, TABLES, (), rejections)
    results = sorted((each.dataset, each.id, [caption.text for caption in each.captions]) for each in clips)
    assert results == [("AudioSet", "30.0", ["new"]), ("AudioSet", "a", []), ("AudioSetCaps", "b", ["alone"])]
    assert [rejection.clip for rejection in rejections] == ALL[:1]


CLIPS = st.builds(
    clip,
    st.sampled_from(["AudioSet", "VGGSound", "AudioSetCaps", "Auto-ACD"]),
    st.sampled_from([None, 0.0, 30.0, 30.5, 60.0]),
    st.sampled_from(["", "a", "b"]),
    st.sampled_from(["train", "train", "test"]),
    recording=st.sampled_from([VIDEO, "freesound:1"]),
    row_number=st.integers(0, 9),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(CLIPS, max_size=10))
def test_no_row_is_lost_and_evaluation_splits_stay_as_they_are(clips: list[Clip]) -> None:
    rejected: list[Rejection] = []
    stay = join_all(clips, TABLES, (), rejected)
    assert len(stay) + len(rejected) == len(clips)
    assert {each.reason for each in rejected} <= {Reason.MERGED, Reason.AMBIGUOUS}
    assert sorted(map(repr, (each for each in stay if each.split == "test"))) == sorted(
        map(repr, (each for each in clips if each.split == "test"))
    )
    joined = {caption.text for each in rejected if each.reason == Reason.MERGED for caption in each.clip.captions}
    assert joined <= {caption.text for each in stay for caption in each.captions}
