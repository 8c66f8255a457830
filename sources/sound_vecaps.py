"""Read captions from Sound-VECaps (Yuan et al., 2024): excerpts of AudioSet, captioned by an LLM from sound, labels and picture.

Licence: as its page says. Needed: `Sound-VECaps_audio.csv` (what can be heard) or `Sound-VECaps_full.csv` (also what can be seen), from its
page. The source brings no audio: captions are joined to clips of `audioset` and others by YouTube id.
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
    title="Sound-VECaps: captions by an LLM for AudioSet",
    license="captions as its page says",
    bring="Sound-VECaps_audio.csv; the audio comes from other sources",
    text="one caption by an LLM (origin llm), joined by YouTube id",
    size="1,657,029 captions",
    parts={"audio": Part(1_657_029)},
    faults="ids have a Y before them and no start; the other table, Sound-VECaps_full.csv, also says what can be seen",
)
MODEL = "Sound-VECaps"  # several models that work together: the set's name stands for them
PAGE = "https://yyua8222.github.io/Sound-VECaps-demo/"


class Options(CaptionTableOptions):
    """Keys of a `sound_vecaps` entry: `path`, the folder of the table or the table itself, and `join`."""

    FILES: ClassVar[tuple[OfficialFile, ...]] = (
        OfficialFile(distinct_names=("Sound-VECaps_audio.csv",), step=f"download it from the page that {PAGE} names", part="audio"),
    )

    dataset: DatasetName = "Sound-VECaps"
    path: str = "sound_vecaps"


needs = official_needs


def check(options: Options) -> None:
    """Raise ValueError when the table is missing or is another table."""
    check_caption_tables(options, "id")


fingerprint = official_fingerprint


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every row and a rejection for every row that has no id or no caption.

    Raises:
        ValueError: the table is missing, is another table, or cannot be read to its end.
    """
    yield from read_caption_tables(options, "id", MODEL)
