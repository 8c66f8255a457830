"""Clips -> clips with at least one caption, clean and de-biased; those without any text as rejections."""

from __future__ import annotations

from dataclasses import replace

import apache_beam as beam

from augment.debias.rewrite import debias
from augment.prose import clean_text
from augment.templates import template
from pipeline.records import Caption, Clip, Reason, Rejected
from transforms.planning.map_or_reject import map_or_reject


def with_captions(clip: Clip) -> Clip:
    """Return the clip with its captions cleaned; with the template over its labels where it has none.

    Raises:
        Rejected: `no_text`.
    """
    cleaned = (replace(caption, text=clean_text(caption.text)) for caption in clip.captions)
    captions = tuple(dict.fromkeys(caption for caption in cleaned if caption.text))
    if not captions and (text := template(clip.labels)):
        captions = (Caption(text, origin="template"),)
    if not captions:
        raise Rejected(Reason.NO_TEXT, "neither a caption nor a label")
    return replace(clip, captions=captions)


def debiased(clip: Clip) -> Clip:
    """Return the clip with gender-neutral captions; the text before is kept beside each that changed."""
    return replace(clip, captions=tuple(map(_neutral, clip.captions)))


def _neutral(caption: Caption) -> Caption:
    neutral = debias(caption.text)
    return replace(caption, text=neutral.text, before_debias=caption.text) if neutral.changes else caption


class CaptionClips(beam.PTransform):
    """Clips -> (clips with captions, rejections)."""

    def expand(self, clips: beam.PCollection) -> tuple[beam.PCollection, beam.PCollection]:
        return map_or_reject(clips, "caption", with_captions)


class Debias(beam.PTransform):
    """Clips -> clips with gender-neutral captions (Wu et al. 2023), or unchanged when switched off."""

    def __init__(self, enabled: bool):
        super().__init__()
        self.enabled = enabled

    def expand(self, clips: beam.PCollection) -> beam.PCollection:
        return clips | "Neutral" >> beam.Map(debiased) if self.enabled else clips
