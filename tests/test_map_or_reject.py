"""Every clip comes out once: as a clip, or as a rejection with its stage and reason."""

from __future__ import annotations

import pytest

from pipeline.records import Clip, Reason, Rejected, Rejection
from transforms.planning.map_or_reject import map_or_reject

CLIPS = [Clip("s", "S", "train", name, "u", title=name) for name in ("a", "b", "c")]


def without_b(clip: Clip) -> Clip:
    if clip.id == "b":
        raise Rejected(Reason.LICENSE, f"{clip.id} is refused")
    return clip


def test_a_clip_for_which_the_function_raises_is_a_rejection_and_the_others_are_clips_in_order() -> None:
    earlier = Rejection(CLIPS[0], Reason.DUPLICATE, "before")
    rejections = [earlier]
    assert map_or_reject(iter(CLIPS), "check", without_b, rejections) == [CLIPS[0], CLIPS[2]]
    assert rejections == [earlier, Rejection(CLIPS[1], Reason.LICENSE, "check", "b is refused")]


def test_the_function_may_change_a_clip() -> None:
    def changed(clip: Clip) -> Clip:
        return Clip("s", "S", "test", clip.id, "u")

    rejections: list[Rejection] = []
    assert [clip.split for clip in map_or_reject(CLIPS, "check", changed, rejections)] == ["test"] * 3
    assert rejections == []


def test_any_other_exception_passes() -> None:
    def broken(clip: Clip) -> Clip:
        raise KeyError(clip.id)

    with pytest.raises(KeyError, match="a"):
        map_or_reject(CLIPS, "check", broken, [])
