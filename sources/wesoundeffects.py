"""Read clips from the library We Sound Effects: a folder whose file names become captions.

Licence: as bought. Needed: the folder, which is bought. `sources/metadata/bought_folder.py` reads it.
There are no splits: every clip is `train`, unless the entry says otherwise.
"""

from __future__ import annotations

from typing import ClassVar

from sources.metadata.bought_folder import BoughtFolderOptions, check, fingerprint, needs, read
from sources.metadata.card import Card, Kind, Part
from sources.metadata.options import DatasetName

__all__ = ["CARD", "Options", "check", "fingerprint", "needs", "read"]
CARD = Card(
    kind=Kind.LIBRARIES,
    title="We Sound Effects",
    license="as bought: the seller's licence",
    bring="the unpacked library in `path`",
    text="the words of the file name; captions.csv or a side-car where there is one",
    size="488 clips; 12.00 h",
    parts={"train": Part(488, 12.00)},
    faults="file names hold codes and takes",
    dead="never released by LAION: the reference set bought it",
)


class Options(BoughtFolderOptions):
    """Keys of a `wesoundeffects` entry: `path`, the folder of the library, and the `split` of all clips."""

    dataset: DatasetName = "wesoundeffects"
    path: str = "wesoundeffects"
    step: ClassVar[str] = "buy the library of wesoundeffects.com, and unpack it into `path`"
    vendors: ClassVar[tuple[str, ...]] = ("We Sound Effects", "WSE")
