"""Make the captions of clips gender-neutral."""

from __future__ import annotations

from dataclasses import replace

from augment.debias.rewrite import debias
from pipeline.records import Caption, Clip


def debiased(clip: Clip) -> Clip:
    """Return the clip with gender-neutral captions; each caption that changed records its text before."""
    captions = tuple(map(_neutral, clip.captions))
    return clip if captions == clip.captions else replace(clip, captions=captions)


def _neutral(caption: Caption) -> Caption:
    neutral = debias(caption.text)
    return replace(caption, text=neutral.text, before_debias=caption.text) if neutral.changes else caption
