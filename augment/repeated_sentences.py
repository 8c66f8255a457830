"""Find the sentences that an uploader wrote on many sounds.

A model that learns from pairs takes the other clips of a batch as wrong answers for a caption. Where a caption stands on many clips, many
of them are right.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from augment.choose_text import same_text

REPEATED_FROM = 20
"""Sounds of an uploader from which on a sentence is a repeated one. In a batch of 2,304 of LAION's 515,581 clips (the batch of LAION-CLAP)
a clip with a sentence that stands on 20 meets it on another clip with a probability of 8 %. Of 6,000 records read, "Single note sampled
from an analog synthesizer" stands on 6 %."""
_MARKUP = re.compile(r"<[^<>]*>")
_BREAK = re.compile(r"</?(?:br|p|div|li)\b[^<>]*>", re.IGNORECASE)
_ENDS = re.compile(r"[.!?]+(?=\s|[A-Z]|$)|[\r\n]+")


@dataclass(frozen=True, slots=True)
class RepeatedSentences:
    """Hashes of sentences with their uploaders."""

    hashes: frozenset[int] = frozenset()

    def of(self, creator: str) -> RepeatedOf:
        """Return the repeated sentences of an uploader."""
        return RepeatedOf(creator, self.hashes)


@dataclass(frozen=True, slots=True)
class RepeatedOf:
    """The repeated sentences of an uploader: `text in repeated`, whatever its case, numbers and marks."""

    creator: str
    hashes: frozenset[int]

    def __contains__(self, text: object) -> bool:
        return bool(self.hashes) and isinstance(text, str) and _hash(self.creator, same_text(text)) in self.hashes


def repeated_sentences(records: Iterable[tuple[str, str]], repeated_from: int = REPEATED_FROM) -> RepeatedSentences:
    """Return the sentences that stand on at least `repeated_from` records of an uploader; 8 bytes a sentence are kept meanwhile.

    Args:
        records: uploaders and raw descriptions.

    >>> repeated = repeated_sentences([("ann", f"A note.<br>Take {number} of a bell") for number in range(20)] + [("bob", "A note.")])
    >>> "a note" in repeated.of("ann"), "Take 3 of a bell" in repeated.of("ann"), "A note." in repeated.of("bob")
    (True, True, False)
    """
    hashes = array("Q")
    for creator, description in records:
        hashes.extend({_hash(creator, same) for piece in _pieces(description) if (same := same_text(piece))})
    values, counts = np.unique(np.frombuffer(hashes, dtype=np.uint64), return_counts=True)
    return RepeatedSentences(frozenset(values[counts >= repeated_from].tolist()))


def _pieces(description: str) -> list[str]:
    return _ENDS.split(_MARKUP.sub(" ", _BREAK.sub("\n", description)) if "<" in description else description)


def _hash(creator: str, same: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{creator}\0{same}".encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
