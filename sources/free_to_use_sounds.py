"""Read clips from the library Free To Use Sounds: a folder whose file names become captions.

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
    title="Free To Use Sounds: field recordings",
    license="as bought: the seller's licence",
    bring="the unpacked library in `path`",
    text="the words of the file name; captions.csv or a side-car where there is one",
    size="6,370 clips; 175.73 h",
    parts={"train": Part(6370, 175.73)},
    faults="file names hold places, microphones and rates",
    dead="never released by LAION: the reference set bought it",
)


class Options(BoughtFolderOptions):
    """Keys of a `free_to_use_sounds` entry: `path`, the folder of the library, and the `split` of all clips."""

    dataset: DatasetName = "free_to_use_sounds"
    path: str = "free_to_use_sounds"
    step: ClassVar[str] = "buy the All In One bundle of freetousesounds.com, and unpack it into `path`"
    vendors: ClassVar[tuple[str, ...]] = ("Free To Use Sounds", "FTUS")
