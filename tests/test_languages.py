"""Languages of captions are counted with their confidence, and decide nothing."""

from __future__ import annotations

import pytest

from pipeline.report.languages import MAX_JUDGED, UNSURE, UNSURE_BELOW, Languages, languages_of, sample_step

ENGLISH, SPANISH = "A dog barks while rain falls on a roof.", "Una mujer canta en la calle mientras llueve."


def test_the_most_frequent_language_is_first_with_its_surest_caption() -> None:
    counts = languages_of([SPANISH, ENGLISH, "Rain falls on a roof.", ENGLISH, "Stimmen im Park am Abend"]).counts
    assert [(each.code, each.n_captions) for each in counts] == [("en", 3), ("de", 1), ("es", 1)]
    assert counts[0].example == ENGLISH and all(UNSURE_BELOW <= each.confidence <= 1 for each in counts)


@pytest.mark.parametrize("caption", ["Kick", "wind", "", "38", "\u200b", "\u202e", "🐕", "a" * 300])
def test_what_has_too_few_letters_to_tell_is_not_determined(caption: str) -> None:
    (language,) = languages_of([caption]).counts
    assert (language.code, language.example) == (UNSURE, caption) and language.confidence < UNSURE_BELOW


@pytest.mark.parametrize(
    ("caption", "code"), [("Сильный ветер и дождь", "ru"), ("雨が屋根に降っている音", "ja"), ("صوت المطر على السطح", "ar")]
)
def test_other_scripts_are_recognised(caption: str, code: str) -> None:
    assert languages_of([caption]).counts[0].code == code


def test_equal_captions_give_equal_languages_whatever_their_order() -> None:
    captions = [ENGLISH, SPANISH, "wind", "rain", "Kick"] * 3
    first, second = languages_of(captions), languages_of(captions[::-1])
    assert [(each.code, each.n_captions, each.confidence) for each in first.counts] == [
        (each.code, each.n_captions, each.confidence) for each in second.counts
    ]


def test_no_captions_have_no_language() -> None:
    assert languages_of([]) == Languages()


@pytest.mark.parametrize("n_captions", [0, 1, MAX_JUDGED, MAX_JUDGED + 1, 2_500_000])
def test_no_more_than_the_limit_is_judged(n_captions: int) -> None:
    assert len(range(0, n_captions, sample_step(n_captions))) <= MAX_JUDGED
