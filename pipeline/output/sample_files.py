"""Write samples as members of a tar that every reader of WebDataset understands."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any

from pipeline.records import Caption, Clip, Sample, TextHolds

MEMBERS = 3
"""Raised when samples are written in another way: shards are then written again with a copy of their audio."""
_CAPTION_FIELDS = tuple(field.name for field in fields(Caption) if field.name != "debias_rules")  # the plan has them
PIECE_BYTES = 1 << 20
"""Bytes of a long FLAC that are in memory while it is copied to a tar."""


def sample_json(sample: Sample) -> dict[str, Any]:
    """Return the JSON member of a sample: for every sample of a dataset the same keys at every level, and each value of one type.

    No value is null, because readers infer types from the first samples: a text that is missing is empty, `start` is 0.0 and `end` the
    end of the sample in the recording, both in seconds.
    """
    clip = sample.clip
    start = clip.start or 0.0
    return {
        **_texts(clip),
        "tag": list(clip.labels),
        "original_data": {
            "id": clip.id,
            "source": clip.source,
            "split": clip.split,
            "title": clip.title or "",
            "url": clip.url,
            "start": start,
            "end": round(start + sample.statistics.duration, 6) if clip.end is None else clip.end,
            "license": clip.license or "",
            "creator": clip.creator or "",
            "duration": sample.statistics.duration,
            "source_sha256": sample.provenance.sha256 or "",
            "source_format": sample.format.name,
            "captions": [{name: getattr(caption, name) or "" for name in _CAPTION_FIELDS} for caption in clip.captions],
        },
    }


def json_member(sample: Sample) -> bytes:
    """Return the bytes of the JSON member of a sample."""
    return json.dumps(sample_json(sample), ensure_ascii=False).encode()


def text_json(clip: Clip) -> str:
    """Return the part of the JSON member that a trainer reads: the texts and tags."""
    return json.dumps({**_texts(clip), "tag": list(clip.labels)}, ensure_ascii=False)


def _texts(clip: Clip) -> dict[str, Any]:
    """Return the captions under the keys that readers expect.

    Where the dataset has captions by a T5, every sample has `text_augment_all` and `text_augment_t5`, both lists, because readers infer
    types from the first samples. Without a caption by the T5 all three are equal: `text`, which laion_clap reads there too.
    """
    all_texts = [caption.text for caption in clip.captions]
    if clip.text_holds is None:
        return {"text": all_texts}
    by_t5 = [caption.text for caption in clip.captions if caption.origin == "t5"]
    others = [caption.text for caption in clip.captions if caption.origin != "t5"]
    held = {TextHolds.ALL: all_texts, TextHolds.T5: by_t5, TextHolds.OTHERS: others}
    return {"text": held[clip.text_holds] or all_texts, "text_augment_all": all_texts, "text_augment_t5": by_t5 or all_texts}


class TarWriter:
    """Writes samples to a tar whose bytes depend on nothing but the samples: no times, no owners, ustar.

    `n_bytes` and `sha256` are those of what is written so far, and after the end those of the file. Nothing is read again to know them.
    A sample is one write: each lets another thread of this process run, and that costs more than to join its parts.
    """

    def __init__(self, path: Path):
        self.n_bytes = 0
        self._digest = hashlib.sha256()
        self._file = path.open("wb", buffering=0)

    @property
    def sha256(self) -> str:
        """SHA-256 of the file, in hexadecimal digits."""
        return self._digest.hexdigest()

    def add(self, sample: Sample) -> None:
        """Append `key.flac` and `key.json`."""
        text = json_member(sample)
        head = _header(f"{sample.clip.key}.flac", sample.flac_bytes)
        tail = b"".join((_padding(sample.flac_bytes), _header(f"{sample.clip.key}.json", len(text)), text, _padding(len(text))))
        if isinstance(sample.flac, bytes):
            self._write(head, sample.flac, tail)
            return
        self._write(head)
        with sample.flac.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                self._write(piece)
        self._write(tail)
        sample.flac.unlink()  # so that a long recording takes its disk space once

    def _write(self, *parts: bytes) -> None:
        for part in parts:
            self._digest.update(part)
            self.n_bytes += len(part)
        rest = [memoryview(part) for part in parts if part]
        while rest:
            n_written = os.writev(self._file.fileno(), rest)
            while rest and n_written >= len(rest[0]):
                n_written -= len(rest.pop(0))
            if rest:  # the system may write a part
                rest[0] = rest[0][n_written:]

    def __enter__(self) -> TarWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._file:
            if error is None:
                self._write(bytes(2 * tarfile.BLOCKSIZE))
                self._write(bytes(-self.n_bytes % tarfile.RECORDSIZE))


def _header(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)  # mtime, uid and gid are 0, names of owners empty, mode 0644
    member.size = size
    return member.tobuf(tarfile.USTAR_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)
