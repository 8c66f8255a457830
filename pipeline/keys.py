"""Make the hashes, keys and ranks of clips: the same on every machine and in every build."""

from __future__ import annotations

import hashlib
import re
import struct
from functools import lru_cache

N_RECORDING = 16  # hexadecimal digits of a shard sort key that stand for the recording
MAX_PLAIN = 60  # characters of an id that a key keeps

_IS_PLAIN = re.compile(rf"(?=.{{1,{MAX_PLAIN}}}\Z)[a-z0-9_]+(?:-[a-z0-9_]+)*", re.ASCII)
"""An id that stands in a key as it is."""
_NOT_PLAIN = re.compile(r"[^a-z0-9_]+")
_START = struct.Struct(">d")

SPLIT_RANK = {"test": 0, "eval": 0, "valid": 1}
TRAINING = 2
"""The rank of a split for training: of every other."""


def split_rank(split: str) -> int:
    """Return the rank of a split: of equal clips, the clip with the lowest rank stays. Test comes before valid, valid before training.

    A clip of a test set must not be trained on, so its copy in the training split is left out.

    >>> split_rank("test"), split_rank("valid"), split_rank("unbalanced_train")
    (0, 1, 2)
    """
    return SPLIT_RANK.get(split, TRAINING)


def shard_sort_key(recording: str, start: float | None, key: str) -> str:
    """Return a text that sorts clips by the hash of their recording, then by start (seconds), then by key.

    It depends only on the clip, so that every build sorts clips in the same way; clips of one recording are adjacent.
    """
    return stable_hash(recording)[:N_RECORDING] + _START.pack(start or 0.0).hex() + key


def sample_key(source: str, clip_id: str) -> str:
    """Return a key for any id. Characters that a key may not have are replaced; a hash then keeps it unique.

    >>> sample_key("clotho", "rain_01")
    'clotho-rain_01'
    >>> sample_key("table", "Año Nuevo.wav")
    'table-a-o-nuevo-wav-dc02204bb517'
    """
    name = _name(source)
    if _IS_PLAIN.fullmatch(clip_id):
        return f"{name}-{clip_id}"
    plain = _NOT_PLAIN.sub("-", clip_id.lower()).strip("-")[:MAX_PLAIN]
    if plain == clip_id:
        return f"{name}-{plain}"
    return f"{name}-{plain}-{short_hash(source, clip_id)}" if plain else f"{name}-{short_hash(source, clip_id)}"


@lru_cache
def _name(source: str) -> str:
    return _NOT_PLAIN.sub("-", source.lower())


def short_hash(*parts: object) -> str:
    """Return twelve hexadecimal digits that stand for `parts`, the same on every machine: short to read, enough for millions of ids."""
    return stable_hash(*parts)[:12]


def stable_hash(*parts: object) -> str:
    """Return the SHA-256 of `parts`, joined by a separator, as hexadecimal digits."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")).hexdigest()
