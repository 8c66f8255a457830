"""Read clips from WavText5K (Deshmukh et al., 2022): sounds of BigSoundBank and SoundBible with their descriptions.

Licence: as each of the two sites says, for every sound. Needed: `WavText5K.csv`, which is fetched where it is missing; the audio is at the
addresses in it. There are no splits: every clip is `train`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import ClassVar

from pipeline.records import Caption, Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card, Download, Kind, Part
from sources.metadata.cells import name_of, text_of
from sources.metadata.official_files import OfficialFile, OfficialOptions, official_fingerprint, official_needs
from sources.metadata.official_rows import check_table, outcomes, table_rows
from sources.metadata.options import DatasetName
from sources.metadata.row import Row

CARD = Card(
    kind=Kind.TITLES,
    title="WavText5K: sounds of BigSoundBank and SoundBible with descriptions",
    license="per sound, as its page on the site says",
    bring="nothing: WavText5K.csv is fetched; audio by its addresses, or in `audio_root` by file name",
    text="the title; the description",
    size="4,525 sounds; 4,072 in the reference set",
    parts={"train": Part(4_525)},
    faults="177 sounds have no description, 5 no title; three lists of tags are cut off; the reference set used 4,072 sounds",
    hosts=(
        "bigsoundbank.com",
        "soundbible.com",
    ),
)
COLUMNS = ("download_link", "title", "description", "fname", "tags")
TAG = re.compile(r"'([^']+)'")  # the lists are written by Python, and three of them end inside of a tag
COMMIT = "7f1243befcba524009655747f5088b1573b7db95"
ADDRESS = f"https://raw.githubusercontent.com/microsoft/WavText5K/{COMMIT}/WavText5K.csv"
SHA256 = "a1ebe32c6e97aeb27a99bf5fb79a155c3f4a1924f56a9d0e9e37706e4f553b5d"
TABLE = OfficialFile(
    distinct_names=("WavText5K.csv", "wavtext5k.csv"),
    step=f"download {ADDRESS}",
    download=Download(ADDRESS, "WavText5K.csv", SHA256, 1_491_242),
    what="table of sounds",
)


class Options(OfficialOptions):
    """Keys of a `wavtext5k` entry: `path`, the folder of WavText5K.csv or the file itself."""

    FILES: ClassVar[tuple[OfficialFile, ...]] = (TABLE,)

    dataset: DatasetName = "WavText5K"
    path: str = "wavtext5k"


needs = official_needs


def check(options: Options) -> None:
    """Raise ValueError when the table is missing, is another table, or cannot be read to its end."""
    check_table(TABLE, TABLE.path(options), COLUMNS)


fingerprint = official_fingerprint


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every sound and a rejection for every row that is none.

    Raises:
        ValueError: the table is missing, is another table, or cannot be read to its end.
    """
    path = TABLE.path(options)
    rows = table_rows(TABLE, path, COLUMNS)
    yield from outcomes(path, rows, options, "train", partial(_clip, options=options))


def _clip(row: Row, options: Options) -> Clip:
    """Return the clip of a row, or raise Rejected."""
    address, name = (name_of(row.values[column], column) for column in ("download_link", "fname"))
    title, description = (text_of(row.values[column], column) for column in ("title", "description"))
    if not address.startswith(("https://", "http://")):
        raise Rejected(Reason.BAD_ROW, f"download_link {address[:40]!r} is not an address")
    if not name:
        raise Rejected(Reason.BAD_ROW, "no fname is given")
    texts = {"title": title, "description": description}
    captions = [Caption(text, origin) for origin, text in texts.items() if text]
    stem = PurePosixPath(name).stem
    return Clip(
        source=options.source,
        dataset=options.dataset,
        split="train",
        id=stem,
        url=address,
        captions=tuple(captions[:1] if title.casefold() == description.casefold() else captions),
        labels=tuple(dict.fromkeys(TAG.findall(text_of(row.values["tags"], "tags")))),
        title=title or None,
        recording=address,
        audio_root=options.audio_root,
        row_number=row.number,
    )
