"""Read clips from the Sonniss game audio bundles: a folder whose file names become captions.

Licence: as bought. Needed: the folder, which anybody may download by hand. `sources/metadata/bought_folder.py` reads it.
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
    title="Sonniss: bundles of the Game Developers Conference",
    license="as bought: royalty-free; read the licence of each bundle before you train on it",
    bring="the unpacked library in `path`",
    text="the words of the file name; captions.csv or a side-car where there is one",
    size="5,049 clips; 84.6 h",
    parts={"train": Part(5049, 84.6)},
    faults="file names hold vendors, categories and takes; libraries overlap between years",
)


class Options(BoughtFolderOptions):
    """Keys of a `sonniss` entry: `path`, the folder of the library, and the `split` of all clips."""

    dataset: DatasetName = "sonniss_game_effects"
    path: str = "sonniss"
    step: ClassVar[str] = "download the bundles of sonniss.com/gameaudiogdc by hand, and unpack them into `path`"
    vendors: ClassVar[tuple[str, ...]] = ("Sonniss",)
