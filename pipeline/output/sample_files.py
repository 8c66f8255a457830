"""Write samples as members of a tar that every reader of WebDataset understands."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from pipeline.records import Caption, Clip, Sample, TextHolds

MEMBERS = 2
"""Raised when samples are written in another way: shards are then written again with a copy of their audio."""
_CAPTION_FIELDS = tuple(field.name for field in fields(Caption))
PIECE_BYTES = 1 << 20
"""What is written to a tar at once: the FLAC of a short clip in one piece."""


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

    Where the dataset has captions by a T5, `text_augment_t5` is a string in every sample, because readers infer its type from
    the first samples. Without a caption by the T5 it is the first of `text`, which readers of the reference set use instead.
    """
    all_texts = [caption.text for caption in clip.captions]
    by_t5 = [caption.text for caption in clip.captions if caption.origin == "t5"]
    if clip.text_holds is None:
        return {"text": all_texts}
    text = by_t5 if clip.text_holds == TextHolds.T5 and by_t5 else all_texts
    return {"text": text, "text_augment_all": all_texts, "text_augment_t5": (by_t5 or text)[0]}


class TarWriter:
    """Writes samples to a tar whose bytes depend on nothing but the samples: no times, no owners, ustar.

    `n_bytes` and `sha256` are those of what is written so far, and after the end those of the file. Nothing is read again to know them.
    """

    def __init__(self, path: Path):
        self._file = _HashedFile(path)
        self._tar = tarfile.TarFile(None, "w", self._file, format=tarfile.USTAR_FORMAT, copybufsize=PIECE_BYTES)

    @property
    def n_bytes(self) -> int:
        """Size of the file."""
        return self._file.n_bytes

    @property
    def sha256(self) -> str:
        """SHA-256 of the file, in hexadecimal digits."""
        return self._file.digest.hexdigest()

    def add(self, sample: Sample) -> None:
        """Append `key.flac` and `key.json`."""
        if isinstance(sample.flac, Path):
            with sample.flac.open("rb") as file:
                self._member(f"{sample.clip.key}.flac", sample.flac_bytes, file)
            sample.flac.unlink()  # so that a long recording takes its disk space once
        else:
            self._member(f"{sample.clip.key}.flac", len(sample.flac), io.BytesIO(sample.flac))
        text = json_member(sample)
        self._member(f"{sample.clip.key}.json", len(text), io.BytesIO(text))

    def _member(self, name: str, size: int, content: IO[bytes]) -> None:
        member = tarfile.TarInfo(name)  # mtime, uid and gid are 0, names of owners empty, mode 0644
        member.size = size
        self._tar.addfile(member, content)

    def __enter__(self) -> TarWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._tar.close()
        finally:
            self._file.close()


class _HashedFile(io.FileIO):
    """A new file that is hashed while it is written, from its beginning to its end."""

    def __init__(self, path: Path):
        super().__init__(path, "w")
        self.digest, self.n_bytes = hashlib.sha256(), 0

    def write(self, data: Any) -> int:
        rest = memoryview(data)
        self.digest.update(rest)
        self.n_bytes += len(rest)
        while rest:  # the system may write a part
            rest = rest[super().write(rest) :]
        return len(data)
