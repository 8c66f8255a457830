"""Clean the captions of clips; word the labels of clips without a caption by the template."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from augment.clean import clean_text
from augment.templates import template
from pipeline.keys import split_rank
from pipeline.records import Caption, Clip, Reason, Rejected


def with_captions(clip: Clip) -> Clip:
    """Return the clip with its captions cleaned; with the template over its labels where it has none.

    In a training split no caption stands twice. In valid and test all stay: AudioCaps has five a clip, some equal, and scores count five.
    There the captions of people are those that everybody measures with, see `as_given`.

    Raises:
        Rejected: `no_text`.
    """
    is_training = split_rank(clip.split) == split_rank("train")
    captions = tuple(caption for caption in (_cleaned(caption, is_training) for caption in clip.captions) if caption.text)
    if len(captions) > 1 and is_training:
        captions = tuple(dict.fromkeys(captions))
    if not captions and (text := clean_text(template(clip.labels) or "")):
        captions = (Caption(text, origin="template"),)
    if not captions:
        raise Rejected(Reason.NO_TEXT, "neither a caption nor a label")
    return clip if captions == clip.captions else replace(clip, captions=captions)


def as_given(raw: str, cleaned: str) -> str:
    r"""Return a text on one line in Unicode form NFC, where cleaning changes nothing but its marks and blanks; else return it cleaned.

    >>> as_given("A dog ,\nthen rain", "A dog, then rain"), as_given("A <b>dog</b>", "A dog")
    ('A dog , then rain', 'A dog')
    """
    given = " ".join(unicodedata.normalize("NFC", raw).strip().splitlines())
    return given if given.isprintable() and _letters(given) == _letters(cleaned) else cleaned


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _cleaned(caption: Caption, is_training: bool) -> Caption:
    text = clean_text(caption.text)
    if text and text != caption.text and caption.origin == "human" and not is_training:
        text = as_given(caption.text, text)
    return caption if text == caption.text else replace(caption, text=text)
