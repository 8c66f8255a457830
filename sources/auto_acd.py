"""Read captions from Auto-ACD (Sun et al., 2024): excerpts of AudioSet and VGGSound, captioned from sound and picture.

Licence: as its page says. Needed: `train.csv` or `test.csv`, from its page on Hugging Face. The source brings no audio: captions are joined
to clips of `audioset`, `vggsound` and others by YouTube id, and by start for those of VGGSound.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pipeline.records import Clip, Rejection
from sources.metadata.caption_tables import CaptionTableOptions, check_caption_tables, read_caption_tables
from sources.metadata.card import Card, Kind, Part
from sources.metadata.official_files import OfficialFile, official_fingerprint, official_needs
from sources.metadata.options import DatasetName

CARD = Card(
    kind=Kind.MODELS,
    title="Auto-ACD: captions by an LLM for AudioSet and VGGSound",
    license="captions as its page says",
    bring="train.csv and test.csv; the audio comes from other sources",
    text="one caption by an LLM (origin llm), joined by YouTube id, and by start where the id has one",
    size="1.5 million captions (1.9 million in its first version)",
    parts={"train": Part(1_500_000)},
    faults="ids of AudioSet have no start; those of VGGSound have it after the id, in six digits",
)
MODEL = "Auto-ACD"  # several models that work together: the set's name stands for them
PAGE = "https://huggingface.co/datasets/Loie/Auto-ACD"


class Options(CaptionTableOptions):
    """Keys of an `auto_acd` entry: `path`, the folder of the tables, `splits`, those that are read, and `join`."""

    FILES: ClassVar[tuple[OfficialFile, ...]] = tuple(
        OfficialFile((f"{part}.csv",), (f"auto_acd_{part}.csv",), f"download {part}.csv from {PAGE}", part=part)
        for part in ("train", "test")
    )

    dataset: DatasetName = "Auto-ACD"
    path: str = "auto_acd"


needs = official_needs


def check(options: Options) -> None:
    """Raise ValueError when a table is missing or is another table."""
    check_caption_tables(options, "youtube_id")


fingerprint = official_fingerprint


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every row and a rejection for every row that has no id or no caption.

    Raises:
        ValueError: a table is missing, is another table, or cannot be read to its end.
    """
    yield from read_caption_tables(options, "youtube_id", MODEL)
