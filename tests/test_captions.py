"""Every planned clip has a clean caption; a clip without any text is left out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augment.clean import clean_text
from pipeline.records import Caption, Clip, Reason, Rejected
from transforms.planning.captions import with_captions

CLIP = Clip("s", "S", "train", "i", "u")


def captioned(*texts: str, labels: tuple[str, ...] = ()) -> Clip:
    return replace(CLIP, captions=tuple(map(Caption, texts)), labels=labels)


def test_captions_are_one_clean_line_each_and_none_twice() -> None:
    clip = with_captions(captioned("A dog\n barks ", "A dog barks", "", " \t", "Año"))
    assert [caption.text for caption in clip.captions] == ["A dog barks", "Año"]


@pytest.mark.parametrize("split", ["valid", "test"])
def test_an_evaluation_split_keeps_all_captions_of_a_clip_in_their_order(split: str) -> None:
    clip = with_captions(replace(captioned("A dog", "Rain", "A dog ", "", "Wind"), split=split))
    assert [caption.text for caption in clip.captions] == ["A dog", "Rain", "A dog", "Wind"]


GIVEN = ("A woman’s laugh", "Rain , then wind .", "A  mechanic,", "it;s “loud”", "Rain,wind", "The end...!!")


@pytest.mark.parametrize("split", ["valid", "test"])
@pytest.mark.parametrize("text", GIVEN)
def test_an_evaluation_split_keeps_the_marks_and_blanks_of_what_people_wrote(text: str, split: str) -> None:
    clip = replace(captioned(text), split=split)
    assert with_captions(clip) is clip
    assert with_captions(captioned(text)).captions[0].text != text, "training texts are tidied"
    other = replace(clip, captions=(Caption(text, "description"),))
    assert with_captions(other).captions[0].text != text, "and those of pages"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("A dog ,\r\nthen rain", "A dog , then rain"),
        (" A dog ,\u2028then rain\n", "A dog , then rain"),
        ("Man\u0303ana ,", "Mañana ,"),
        ("A <b>dog</b> ,", "A dog"),
        ("Rain &amp; wind ,", "Rain & wind"),
        ("A dog ,\u200b rain", "A dog, rain"),
        ("\u202eA dog , rain", "A dog, rain"),
        ("A dog ,\x1b rain", "A dog, rain"),
        ("A dog , https://example.org/x", "A dog"),
    ],
)
def test_an_evaluation_split_joins_lines_and_cleans_what_is_no_text(text: str, kept: str) -> None:
    assert with_captions(replace(captioned(text), split="test")).captions[0].text == kept


@given(st.text(max_size=30))
def test_a_text_as_given_is_printable_or_clean_and_stays_as_it_is(text: str) -> None:
    (caption,) = with_captions(replace(captioned(text, "wind"), split="test")).captions[:1]
    assert caption.text.isprintable() or caption.text == clean_text(text)
    assert with_captions(replace(captioned(caption.text), split="test")).captions[0].text == caption.text


def test_equal_texts_of_different_origin_both_stay() -> None:
    captions = (Caption("A dog", "human"), Caption("A dog", "title"))
    assert with_captions(replace(CLIP, captions=captions)).captions == captions


def test_labels_are_worded_by_the_template_where_there_is_no_caption() -> None:
    assert with_captions(captioned(labels=("Dog", "Rain"))).captions == (Caption("The sound of dog and rain.", origin="template"),)
    assert with_captions(captioned("", labels=("Dog",))).captions[0].origin == "template"
    assert [caption.origin for caption in with_captions(captioned("A dog", labels=("Dog",))).captions] == ["human"]


@pytest.mark.parametrize("clip", [CLIP, captioned("", " \n"), captioned(labels=("_", ""))])
def test_a_clip_without_any_text_is_rejected(clip: Clip) -> None:
    with pytest.raises(Rejected, match="no_text: neither a caption nor a label"):
        with_captions(clip)


def test_labels_are_cleaned_as_captions_are() -> None:
    assert with_captions(captioned(labels=("dog\x1b",))).captions[0].text == "The sound of dog."


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=20), max_size=4), st.lists(st.text(max_size=8), max_size=3))
def test_any_text_gives_captions_without_blanks_at_the_ends_or_no_text(texts: list[str], labels: list[str]) -> None:
    clip = captioned(*texts, labels=tuple(labels))
    try:
        captions = with_captions(clip).captions
    except Rejected as rejected:
        assert rejected.reason == Reason.NO_TEXT
    else:
        assert captions and all(caption.text and caption.text == caption.text.strip() for caption in captions)
        assert with_captions(replace(clip, captions=captions)).captions == captions


def test_everything_but_the_captions_stays() -> None:
    clip = replace(captioned("A dog ", labels=("x",)), title="t", row_number=3)
    assert replace(with_captions(clip), captions=clip.captions) == clip
