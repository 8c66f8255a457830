"""Normalise captions, so that equal sentences are found whatever their case, marks and spaces are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.records import GENERATED

NO_LETTERS = r"[^\p{L}\p{M}\p{N}]+"
WORDINGS = ("text", "before_debias")
"""Fields of a caption that hold a wording of it: a caption made gender-neutral has two."""


def normalised(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return texts (strings) as lower-case words with one space between them, in Unicode's form NFKC.

    >>> normalised(pa.array(["A dog - barks!", "a  DOG barks", "Ein großer Hund", "..."])).to_pylist()
    ['a dog barks', 'a dog barks', 'ein großer hund', '']
    """
    lower = pc.utf8_lower(pc.utf8_normalize(texts, "NFKC"))
    return pc.utf8_trim(pc.replace_substring_regex(lower, NO_LETTERS, " "), " ")


def normalised_captions(captions: pa.ChunkedArray) -> Iterator[tuple[np.ndarray, list[str | None]]]:
    """Yield row numbers and normalised texts of the captions of rows, one pair for each of `WORDINGS`.

    Args:
        captions: lists of structs, as the plan has them.
    """
    rows, flat = pc.list_parent_indices(captions), pc.list_flatten(captions)
    for name in WORDINGS:
        yield rows.to_numpy(), normalised(pc.struct_field(flat, name)).to_pylist()


def own_texts(captions: pa.ChunkedArray) -> Iterator[tuple[str, ...]]:
    """Yield for each row its own captions, every wording of them: those that were not made from labels."""
    for of_row in captions.to_pylist():
        own = [caption for caption in of_row if caption["origin"] not in GENERATED]
        yield tuple(caption[name] for caption in own for name in WORDINGS if caption[name])
