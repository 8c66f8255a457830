"""Read clips from sources; reject rows that cannot be read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pipeline.masking import mask_address, mask_text
from pipeline.records import Clip, Reason, Rejection
from sources import SOURCES
from sources.metadata.options import SourceOptions


def read_source(options: SourceOptions, limit: int | None = None) -> Iterator[Clip | Rejection]:
    """Yield the first `limit` rows of a source, or all of them, as clips and rejections."""
    return map(masked_row, map(storable, itertools.islice(SOURCES[options.source].read(options), limit)))


def masked_row(outcome: Clip | Rejection) -> Clip | Rejection:
    """Return the row with the addresses in it masked, text apart; a clip holds its full address apart, for the build."""
    if isinstance(outcome, Rejection):
        return replace(outcome, clip=_masked(outcome.clip), detail=mask_text(outcome.detail))
    masked = _masked(outcome)
    return replace(masked, full_url=outcome.url) if masked.url != outcome.url else masked


def _masked(clip: Clip) -> Clip:
    """Return a clip without secrets; the clip itself where it has none, as most have: a copy costs more than all checks."""
    addresses = {name: mask_address(value) for name, value in (("id", clip.id), ("url", clip.url), ("recording", clip.recording))}
    texts = {"title": clip.title, "license": clip.license, "creator": clip.creator}
    masked: dict[str, Any] = addresses | {name: value and mask_text(value) for name, value in texts.items()}
    return replace(clip, **masked) if any(getattr(clip, name) != value for name, value in masked.items()) else clip


def storable(outcome: Clip | Rejection) -> Clip | Rejection:
    """Return the row, or a rejection where its text cannot be stored.

    Parquet and JSON store neither text that is not Unicode (half a surrogate pair, or a file name that is not UTF-8) nor NUL.
    """
    clip = outcome if isinstance(outcome, Clip) else outcome.clip
    texts = [
        clip.id,
        clip.url,
        clip.recording,
        clip.title,
        clip.license,
        clip.creator,
        *clip.labels,
        *(caption.text for caption in clip.captions),
    ]
    text = "".join(filter(None, texts))
    if text.isascii() and "\0" not in text:
        return outcome
    try:
        text.encode()
    except UnicodeEncodeError:
        fault = "text that is not Unicode"
    else:
        if "\0" not in text:
            return outcome
        fault = "a NUL character"
    bare = Clip(clip.source, clip.dataset, clip.split, _escaped(clip.id), _escaped(clip.url), row_number=clip.row_number)
    return Rejection(bare, Reason.BAD_ROW, "read", f"{fault} in {_escaped(clip.id)}")


def _escaped(text: str) -> str:
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
