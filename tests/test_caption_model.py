"""Which clips get a caption by the T5, and when its texts must be generated again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from augment.keyword_to_caption import T5Settings
from pipeline.records import Caption, Clip, TextHolds
from transforms.planning.caption_model import CaptionModel
from transforms.planning.debias import Neutral

MODEL = CaptionModel("folder", "folder sha256:0", "0", T5Settings(min_seconds=2.0, max_keywords=3))


@pytest.mark.parametrize(
    ("clip", "keywords"),
    [
        ({}, ()),
        ({"labels": ("b", "a", "b")}, ("a", "b")),
        ({"labels": ("_", "")}, ()),
        ({"labels": ("a", "b", "c")}, ("a", "b", "c")),
        ({"labels": ("a", "b", "c", "d")}, ()),
        ({"labels": ("a", "b", "c", "c", "a")}, ("a", "b", "c")),
        ({"labels": ("a",), "start": 1.0, "end": 2.9}, ()),
        ({"labels": ("a",), "start": 1.0, "end": 3.0}, ("a",)),
        ({"labels": ("a",), "end": 1.9}, ()),
        ({"labels": ("a",), "end": 2.0}, ("a",)),
        ({"labels": ("a",), "start": 1.0}, ("a",)),
        ({"labels": ("a",), "captions": (Caption("x", "human"),)}, ()),
        ({"labels": ("a",), "captions": (Caption("y", "title"), Caption("x", "human"))}, ()),
        ({"labels": ("a",), "captions": (Caption("x", "title"), Caption("y", "template"))}, ("a",)),
    ],
)
def test_clips_with_labels_get_a_caption_unless_they_have_one_or_are_short_or_have_many(clip: dict, keywords: tuple[str, ...]) -> None:
    assert MODEL.keywords_of(Clip("s", "S", "train", "1", "", **clip)) == keywords


def test_the_prompt_is_that_of_the_settings() -> None:
    assert MODEL.prompt_of(("a", "b")) == "a b"
    assert MODEL.prompt_of(("Animal", "Dog", "Bark")) == "bark"
    assert replace(MODEL, settings=T5Settings(prefix="say: ", separator=", ")).prompt_of(("a", "b")) == "say: a, b"


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ({"beams": 5}, True),
        ({"candidates": 3}, True),
        ({"candidates": 9}, False),  # there are 8 beams
        ({"length_penalty": 1.0}, True),
        ({"no_repeat_ngram": 2}, True),
        ({"max_new_tokens": 41}, True),
        ({"batch": 3}, True),
        ({"prefix": "say: "}, True),
        ({"separator": ", "}, True),
        ({"model": "another address of the same files"}, False),
        ({"min_seconds": 3.0}, False),
        ({"max_keywords": 4}, False),
        ({"only": ("Labelled",)}, False),
        ({"apart": ("Labelled",)}, False),
    ],
)
def test_cached_texts_hold_for_the_settings_that_decide_what_is_generated(changed: dict, again: bool) -> None:
    other = replace(MODEL, settings=replace(MODEL.settings, **changed))
    assert (other.generation_hash != MODEL.generation_hash) is again


@pytest.mark.parametrize(
    ("settings", "holds"),
    [
        ({}, TextHolds.T5),  # as in the paper
        ({"only": ("audioset",)}, TextHolds.ALL),
        ({"only": ("Effects",)}, TextHolds.T5),
        ({"apart": ("epidemic",)}, TextHolds.OTHERS),
        ({"apart": ("Effects",)}, TextHolds.OTHERS),
        ({"only": ("audioset",), "apart": ("audioset",)}, TextHolds.ALL),
    ],
)
def test_what_text_holds_is_chosen_by_the_name_of_the_source_or_the_dataset(settings: dict, holds: TextHolds) -> None:
    model = replace(MODEL, settings=T5Settings(**settings))
    assert model.text_holds_of(Clip("epidemic", "Effects", "train", "1", "")) is holds


def test_cached_texts_hold_for_one_model_whatever_its_name_and_the_guard() -> None:
    assert replace(MODEL, digest="1").generation_hash != MODEL.generation_hash
    assert replace(MODEL, path="p", name="n", neutral=Neutral("all")).generation_hash == MODEL.generation_hash
