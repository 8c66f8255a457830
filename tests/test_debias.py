"""Captions become gender-neutral where a recipe asks for it; what they were before is recorded."""

from __future__ import annotations

from dataclasses import replace

from pipeline.records import Caption, Clip
from transforms.planning.debias import debiased

CLIP = Clip("s", "S", "train", "i", "u", captions=(Caption("A woman speaks", "title"), Caption("Rain falls")), labels=("woman",))
NEUTRAL = (Caption("A person speaks", "title", before_debias="A woman speaks"), Caption("Rain falls"))


def test_the_text_before_is_recorded_where_it_changed() -> None:
    assert debiased(CLIP) == replace(CLIP, captions=NEUTRAL)


def test_a_second_time_changes_nothing() -> None:
    assert debiased(debiased(CLIP)) == debiased(CLIP)
