"""Normalise captions, so that equal sentences are found whatever their case, marks and spaces are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.records import GENERATED

WORDS = re.compile(r"[^\W_]+").findall
WORDINGS = ("text", "before_debias")
"""Fields of a caption that hold a wording of it: a caption made gender-neutral has two."""


def normalised(text: str) -> str:
    """Return a text as words without case and marks, with one space between them, in Unicode's form NFKC.

    >>> normalised("A dog - barks!"), normalised("a  DOG barks"), normalised("Ein gro\\u00dfer Hund"), normalised("...")
    ('a dog barks', 'a dog barks', 'ein grosser hund', '')
    """
    composed = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(WORDS(composed.casefold()))


def normalised_captions(captions: pa.ChunkedArray) -> Iterator[tuple[list[int], list[str]]]:
    """Yield row numbers and normalised texts of the captions of rows, one pair for each of `WORDINGS` that any caption has.

    Args:
        captions: lists of structs, as the plan has them.
    """
    rows, flat = pc.list_parent_indices(captions).to_pylist(), pc.list_flatten(captions)
    for name in WORDINGS:
        texts = pc.struct_field(flat, name)
        if texts.null_count < len(texts):
            yield rows, [normalised(text or "") for text in texts.to_pylist()]


def own_texts(captions: pa.ChunkedArray) -> Iterator[tuple[str, ...]]:
    """Yield for each row its own captions, every wording of them: those that were not made from labels."""
    for of_row in captions.to_pylist():
        own = [caption for caption in of_row if caption["origin"] not in GENERATED]
        yield tuple(caption[name] for caption in own for name in WORDINGS if caption[name])
