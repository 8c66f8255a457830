"""De-biasing changes what the recipe says: texts of the T5, texts for training, or all but templates; evaluation sets only if asked."""

from __future__ import annotations

import pytest

from pipeline.records import Caption, Clip
from transforms.planning.debias import UNCHANGED, Neutral

TEXT = "A man speaks."
ORIGINS = ("human", "title", "description", "llm", "template", "t5")


def clip(split: str = "train", dataset: str = "Set") -> Clip:
    return Clip("source", dataset, split, "a", "a.wav", captions=tuple(Caption(TEXT, origin) for origin in ORIGINS))


def changed(neutral: Neutral, of: Clip) -> set[str]:
    return {caption.origin for caption in neutral(of).captions if caption.text != TEXT}


@pytest.mark.parametrize(
    ("scope", "in_training", "in_test"),
    [
        ("none", set(), set()),
        ("generated", {"t5"}, set()),
        ("train", set(ORIGINS) - {"template"}, set()),
        ("all", set(ORIGINS) - {"template"}, set(ORIGINS) - {"template"}),
    ],
)
def test_a_scope_names_origins_and_splits(scope, in_training, in_test):
    neutral = Neutral(scope)
    assert changed(neutral, clip()) == in_training
    assert changed(neutral, clip("test")) == changed(neutral, clip("valid")) == in_test


def test_a_held_out_dataset_is_an_evaluation_set_whatever_its_splits_are_called():
    neutral = Neutral("train", holdout=("Set",))
    assert changed(neutral, clip("fold1")) == set()
    assert changed(neutral, clip("fold1", "Other")) == set(ORIGINS) - {"template"}


def test_a_source_has_its_own_scope():
    neutral = Neutral("all", of_datasets={("source", "Set"): "none"})
    assert changed(neutral, clip()) == set()
    assert changed(neutral, clip(dataset="Other")) == set(ORIGINS) - {"template"}


def test_a_changed_caption_records_its_text_before_and_the_rules():
    caption = Neutral("all")(Clip("s", "S", "train", "a", "a.wav", captions=(Caption("He sings to his dog"),))).captions[0]
    assert (caption.text, caption.before_debias) == ("They sing to their dog", "He sings to his dog")
    assert caption.debias_rules == ("pronoun", "agreement", "possessive")


def test_the_level_is_that_of_the_recipe():
    voice = Clip("s", "S", "train", "a", "a.wav", captions=(Caption("A male voice"),))
    assert Neutral("all", "voices kept")(voice) is voice
    assert Neutral("all", "full")(voice).captions[0].text == "A voice"
    assert UNCHANGED(voice) is voice
