"""Write samples as members of a tar that every reader of WebDataset understands."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from pipeline.records import Clip, Sample, TextHolds


def sample_json(sample: Sample) -> dict[str, Any]:
    """Return the JSON member of a sample: the same keys at every level for every sample of a dataset, empty values as null or []."""
    clip = sample.clip
    return {
        **_texts(clip),
        "tag": list(clip.labels),
        "original_data": {
            "id": clip.id,
            "source": clip.source,
            "split": clip.split,
            "title": clip.title,
            "url": clip.url,
            "start": clip.start,
            "end": clip.end,
            "license": clip.license,
            "creator": clip.creator,
            "duration": sample.statistics.duration,
            "source_sha256": sample.provenance.sha256,
            "source_format": sample.format.name,
            "captions": [asdict(caption) for caption in clip.captions],
        },
    }


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
    """Writes samples to a tar whose bytes depend on nothing but the samples: no times, no owners, ustar."""

    def __init__(self, path: Path):
        self._tar = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)

    def add(self, sample: Sample) -> None:
        """Append `key.flac` and `key.json`."""
        if isinstance(sample.flac, Path):
            with sample.flac.open("rb") as file:
                self._member(f"{sample.clip.key}.flac", sample.flac_bytes, file)
            sample.flac.unlink()  # so that a long recording takes its disk space once
        else:
            self._member(f"{sample.clip.key}.flac", len(sample.flac), io.BytesIO(sample.flac))
        text = json.dumps(sample_json(sample), ensure_ascii=False).encode()
        self._member(f"{sample.clip.key}.json", len(text), io.BytesIO(text))

    def _member(self, name: str, size: int, content: IO[bytes]) -> None:
        member = tarfile.TarInfo(name)  # mtime, uid and gid are 0, names of owners empty, mode 0644
        member.size = size
        self._tar.addfile(member, content)

    def __enter__(self) -> TarWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._tar.close()
