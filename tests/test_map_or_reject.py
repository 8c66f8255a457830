"""Every clip comes out once: as a clip, or as a rejection with its stage and reason."""

from __future__ import annotations

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from pipeline.engines.run import Engine
from pipeline.records import Clip, Reason, Rejected, Rejection
from tests.eager import collect
from transforms.planning.map_or_reject import map_or_reject, split_rejections

CLIPS = [Clip("s", "S", "train", name, "u", title=name) for name in ("a", "b", "c")]


def without_b(clip: Clip, refused: str = "b") -> Clip:
    if clip.id == refused:
        raise Rejected(Reason.LICENSE, f"{clip.id} is refused")
    return clip


def test_a_clip_for_which_the_function_raises_is_a_rejection_and_the_others_are_clips() -> None:
    clips, rejections = collect(lambda root: map_or_reject(root | beam.Create(CLIPS), "check", without_b))
    assert clips == [CLIPS[0], CLIPS[2]]
    assert rejections == [Rejection(CLIPS[1], Reason.LICENSE, "check", "b is refused")]


@pytest.mark.parametrize("refused", ["a", ""])
def test_a_side_input_is_given_to_the_function(refused: str) -> None:
    def steps(root: beam.Pipeline) -> tuple[beam.PCollection, beam.PCollection]:
        name = root | "Name" >> beam.Create([refused])
        return map_or_reject(root | beam.Create(CLIPS), "check", without_b, beam.pvalue.AsSingleton(name))

    _, rejections = collect(steps)
    assert [rejection.clip.id for rejection in rejections] == ([refused] if refused else [])


def test_the_function_may_change_a_clip() -> None:
    def changed(clip: Clip) -> Clip:
        return Clip("s", "S", "test", clip.id, "u")

    clips, rejections = collect(lambda root: map_or_reject(root | beam.Create(CLIPS), "check", changed))
    assert {clip.split for clip in clips} == {"test"} and rejections == []


def test_any_other_exception_ends_the_pipeline() -> None:
    def broken(clip: Clip) -> Clip:
        raise KeyError(clip.id)

    with pytest.raises(KeyError, match="a"):
        collect(lambda root: map_or_reject(root | beam.Create(CLIPS), "check", broken))


def test_clips_and_rejections_are_split_on_the_engine_of_builds() -> None:
    outcomes = [CLIPS[0], Rejection(CLIPS[1], Reason.NO_TEXT, "check"), CLIPS[2]]

    def steps(root: beam.Pipeline) -> None:
        clips, rejections = split_rejections(root | beam.Create(outcomes), "check")
        assert_that(clips, equal_to(CLIPS[::2]), "clips")
        assert_that(rejections, equal_to(outcomes[1:2]), "rejections")

    Engine(n_workers=2).run(steps)
