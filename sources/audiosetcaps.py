"""Read captions from AudioSetCaps (Bai et al., 2024): excerpts of AudioSet, VGGSound and YouTube-8M, captioned by language models.

Licence: CC-BY 4.0 for the captions. Needed: one or more of its three tables, from its page on Hugging Face (up to 828 MB each). The source
brings no audio: captions are joined to clips of `audioset`, `vggsound` and others by YouTube id.
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
    title="AudioSetCaps: captions by an LLM for AudioSet, VGGSound and YouTube-8M",
    license="captions CC-BY-4.0",
    bring="one or more of its three *AudioSetCaps_caption.csv; the audio comes from other sources",
    text="one caption by an LLM (origin llm), joined by YouTube id",
    size="6,117,099 captions",
    parts={"AudioSet": Part(1_910_920), "VGGSound": Part(182_189), "YouTube-8M": Part(4_023_990)},
    faults="the evaluation sets of AudioSet and VGGSound are among them; ids of AudioSet have a Y before them and no start",
)
MODEL = "AudioSetCaps"  # several models that work together: the set's name stands for them
PAGE = "https://huggingface.co/datasets/baijs/AudioSetCaps"
NAMES = {
    "AudioSet": "AudioSetCaps_caption.csv",
    "VGGSound": "VGGSound_AudioSetCaps_caption.csv",
    "YouTube-8M": "YouTube-8M_AudioSetCaps_caption.csv",
}


class Options(CaptionTableOptions):
    """Keys of an `audiosetcaps` entry: `path`, the folder of the tables, `splits`, those that are read, and `join`."""

    FILES: ClassVar[tuple[OfficialFile, ...]] = tuple(
        OfficialFile((f"Dataset/{name}",), (name,), f"download Dataset/{name} from {PAGE}", part=part) for part, name in NAMES.items()
    )

    dataset: DatasetName = "AudioSetCaps"
    path: str = "audiosetcaps"


needs = official_needs


def check(options: Options) -> None:
    """Raise ValueError when a table is missing or is another table."""
    check_caption_tables(options, "id")


fingerprint = official_fingerprint


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every row and a rejection for every row that has no id or no caption.

    Raises:
        ValueError: a table is missing, is another table, or cannot be read to its end.
    """
    yield from read_caption_tables(options, "id", MODEL)
