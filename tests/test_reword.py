"""Planned clips get new text from their sources; nothing else of them changes."""

from __future__ import annotations

from dataclasses import replace

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from pipeline.engines.run import Engine
from pipeline.records import Caption, Clip, TextHolds
from tests.eager import collect
from transforms.planning.plan_lines import PlannedClips
from transforms.planning.reword import Reword, reworded, with_text

GIVEN = (Caption("A person.", "human", None, None, "A man."), Caption("The sound of x.", "template"), Caption("X.", "t5", "m", "x"))
PLANNED = Clip("s", "S", "train", "1", "a.wav", 1.0, 2.0, GIVEN, ("x",), "T", "CC0-1.0", "C", "r", "root", 0, TextHolds.ALL)
READ = Clip("s", "S", "test", "1", "b.wav", captions=(Caption("New."),), labels=("y",), title="U", license="CC-BY-4.0", row_number=7)


def test_a_clip_that_its_source_has_no_more_goes_back_to_the_text_of_its_source() -> None:
    assert reworded(PLANNED, None) == replace(PLANNED, captions=(Caption("A man."),), text_holds=None)


def test_captions_labels_and_title_come_from_the_source_and_nothing_else() -> None:
    assert reworded(PLANNED, READ) == replace(PLANNED, captions=READ.captions, labels=("y",), title="U", text_holds=None)


@pytest.mark.parametrize("changes", [{"captions": (), "labels": ()}, {"captions": (Caption(" "),), "labels": ("_",)}])
def test_a_clip_whose_source_has_no_text_now_keeps_the_text_of_the_plan(changes: dict) -> None:
    assert reworded(PLANNED, replace(READ, **changes)) == reworded(PLANNED, None)


def test_labels_alone_are_text() -> None:
    assert reworded(PLANNED, replace(READ, captions=())).labels == ("y",)
    assert reworded(PLANNED, replace(READ, captions=())).captions == ()


CLIPS = [PLANNED, replace(PLANNED, id="2"), replace(PLANNED, id="1", dataset="U")]
SOURCES = [READ, replace(READ, id="3"), replace(READ, id="2", dataset="U", recording="other")]


def given(*clips: Clip) -> beam.PTransform:
    """Return batches of one clip."""
    return beam.Create([PlannedClips(0, [clip], [number]) for number, clip in enumerate(clips)], reshuffle=False)


def test_a_clip_without_any_text_leaves_its_batch_with_its_index() -> None:
    batch = PlannedClips(3, [replace(CLIPS[0], captions=(), labels=()), CLIPS[1]], [7, 8])
    kept = with_text(batch)
    assert (kept.partition, [clip.id for clip in kept.clips], kept.planned) == (3, ["2"], [8])


def test_clips_are_joined_by_dataset_and_key_and_those_read_are_counted() -> None:
    for seed in (None, 1):
        batches, n_read = collect(lambda root: (root | "P" >> given(*CLIPS), root | "R" >> given(*SOURCES)) | Reword(), seed)
        clips = [clip for batch in batches for clip in batch.clips]
        expected = [reworded(PLANNED, READ), reworded(CLIPS[1], None), reworded(CLIPS[2], None)]
        assert sorted(clips, key=repr) == sorted(expected, key=repr)
        assert n_read == [1]


def test_no_clip_read_is_a_count_of_none() -> None:
    batches, n_read = collect(lambda root: (root | "P" >> given(*CLIPS), root | "R" >> given()) | Reword())
    assert n_read == [0]
    assert sorted(index for batch in batches for index in batch.planned) == [0, 1, 2], "each clip has the index of its shard"
    assert len({batch.partition for batch in batches}) == len(batches), "a partition is one batch"


def test_clips_are_reworded_on_the_engine_of_builds() -> None:
    def steps(root: beam.Pipeline) -> None:
        batches, n_read = (root | "P" >> given(*CLIPS[:2]), root | "R" >> given(*SOURCES)) | Reword()
        assert_that(
            batches | beam.FlatMap(lambda batch: batch.clips), equal_to([reworded(PLANNED, READ), reworded(CLIPS[1], None)]), "clips"
        )
        assert_that(n_read, equal_to([1]), "n_read")

    Engine(n_workers=2).run(steps)
