"""Clean the captions of clips; word the labels of clips without a caption by the template."""

from __future__ import annotations

from dataclasses import replace

from augment.clean import clean_text
from augment.templates import template
from pipeline.keys import split_rank
from pipeline.records import Caption, Clip, Reason, Rejected


def with_captions(clip: Clip) -> Clip:
    """Return the clip with its captions cleaned; with the template over its labels where it has none.

    In a training split no caption stands twice. In valid and test all stay: AudioCaps has five a clip, some equal, and scores count five.

    Raises:
        Rejected: `no_text`.
    """
    captions = tuple(caption for caption in map(_cleaned, clip.captions) if caption.text)
    if len(captions) > 1 and split_rank(clip.split) == split_rank("train"):
        captions = tuple(dict.fromkeys(captions))
    if not captions and (text := clean_text(template(clip.labels) or "")):
        captions = (Caption(text, origin="template"),)
    if not captions:
        raise Rejected(Reason.NO_TEXT, "neither a caption nor a label")
    return clip if captions == clip.captions else replace(clip, captions=captions)


def _cleaned(caption: Caption) -> Caption:
    text = clean_text(caption.text)
    return caption if text == caption.text else replace(caption, text=text)
