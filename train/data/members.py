"""Find the samples among the files of a shard: an audio file and a text file with the same key, as webdataset defines keys."""

import itertools
import json
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from train.data.tar import Entry
from train.errors import BadInput

AUDIO = (b"flac", b"wav", b"mp3", b"ogg", b"opus", b"oga", b"m4a", b"aac", b"aif", b"aiff", b"au")
"""Endings of audio files. Where a sample has several, the first of this list counts."""
SAMPLE = np.dtype([("audio_start", "<u8"), ("text_start", "<u8"), ("audio_size", "<u4"), ("text_size", "<u4"), ("name_start", "<u4")])
"""28 bytes a sample. name_start: where the name of its text file begins, counted in bytes of all names."""
LARGEST = 2**32 - 1  # bytes of a file in a shard

Span = tuple[int, int]
"""Where bytes begin, and how many there are."""

Read = Callable[[int, int], bytes]
"""Read bytes of a shard: where they begin, and how many."""


class Members(NamedTuple):
    """The samples of one shard. rows: (n,) SAMPLE. names: those of their text files, one after the other."""

    rows: np.ndarray
    names: bytes

    def file_names(self) -> list[bytes]:
        """Return the name of each text file."""
        starts = [*self.rows["name_start"].tolist(), len(self.names)]
        return [self.names[start:end] for start, end in itertools.pairwise(starts)]


class Member(NamedTuple):
    """Position of one sample in its shard, in bytes. is_json: whether its text is JSON; otherwise it is one caption."""

    key: str
    audio_start: int
    audio_size: int
    text_start: int
    text_size: int
    is_json: bool


def split_name(name: bytes) -> tuple[bytes, bytes]:
    """Return the key of a file and its ending. Both are empty for a file that belongs to no sample.

    >>> split_name(b"a.b/c.FLAC"), split_name(b"a/.hidden"), split_name(b"README")
    ((b'a.b/c', b'flac'), (b'', b''), (b'', b''))
    """
    begin = name.rfind(b"/") + 1
    dot = name.find(b".", begin)
    return (name[:dot], name[dot + 1 :].lower()) if dot > begin else (b"", b"")


def find_samples(entries: list[Entry], address: str, read: Read) -> Members:
    """Return the samples of a shard in the order of their first files. A key without audio or without text is left out.

    Raise BadInput if there is none, or if a file is larger than 4 GB.
    """
    by_key: dict[bytes, dict[bytes, Span]] = {}
    for name, start, size in entries:
        key, ending = split_name(name)
        by_key.setdefault(key, {})[ending] = start, size
    pairs = [(key, audio, parts) for key, parts in by_key.items() if (audio := _audio(parts)) and (b"json" in parts or b"txt" in parts)]
    if not pairs:
        endings = ", ".join(sorted({split_name(name)[1].decode("utf-8", "replace") or "none" for name, _, _ in entries})[:8])
        raise BadInput(f"{address} holds no sample, which is KEY.flac (or wav, mp3, ogg) and KEY.json or KEY.txt; its endings: {endings}")
    text, other = _text_endings([parts for _, _, parts in pairs], read)
    rows, names, n_bytes = [], [], 0
    for key, audio, parts in pairs:
        ending = text if text in parts else other
        text_start, text_size = parts[ending]
        rows.append((audio[0], text_start, audio[1], text_size, n_bytes))
        names.append(key + b"." + ending)
        n_bytes += len(names[-1])
    if max(max(row[2:4]) for row in rows) > LARGEST:
        raise BadInput(f"{address} holds a file of more than {LARGEST} bytes; cut the recording into shorter ones")
    return Members(np.array(rows, SAMPLE), b"".join(names))


def _audio(parts: dict[bytes, Span]) -> Span | None:
    """Return where the audio of a sample lies."""
    if b"flac" in parts:
        return parts[b"flac"]
    return next((parts[ending] for ending in AUDIO if ending in parts), None)


def _text_endings(samples: list[dict[bytes, Span]], read: Read) -> tuple[bytes, bytes]:
    """Return the ending of the files that hold the captions, and the other one, for samples without such a file.

    img2dataset writes the caption to KEY.txt and what is known of its download to KEY.json. So JSON without captions does not count.
    """
    both = next((parts for parts in samples if b"json" in parts and b"txt" in parts), None)
    if both is None:
        return b"json", b"txt"
    try:
        sample = json.loads(read(*both[b"json"]))
    except ValueError:
        sample = None
    return (b"json", b"txt") if isinstance(sample, dict) and sample.get("text") else (b"txt", b"json")
