"""Read clips from the BBC Sound Effects: the table `BBCSoundEffects.csv`, and recordings by their number.

Licence: RemArc (personal, educational and research use). Needed: the table, which the BBC withdrew; copies are on GitHub.
Audio: `audio_root` by number ("07076051.wav"), or the archive of one recording that the BBC offers. Every clip is `train`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import ClassVar

from pipeline.records import Caption, Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card, Download, Kind, Part
from sources.metadata.cells import name_of, text_of
from sources.metadata.official_files import OfficialFile, OfficialOptions, official_fingerprint, official_needs
from sources.metadata.official_rows import columns_of, outcomes, table_rows
from sources.metadata.options import DatasetName
from sources.metadata.row import Row

TABLE = OfficialFile(
    distinct_names=("BBCSoundEffects.csv", "*[Bb][Bb][Cc]*.csv"),
    what="table of recordings",
    step="`plan` and `build` fetch a copy; or put BBCSoundEffects.csv into `path`",
    download=Download(
        "https://raw.githubusercontent.com/FThompson/BBCSoundDownloader/063537f49e7bef7ae31d287836823f7cce27f422/BBCSoundEffects.csv",
        "BBCSoundEffects.csv",
        "1c086fab6eb0f08dcbdb69b6928f9f4b01d0d8c9a15baaa0047279f35068e30a",
        n_bytes=2_078_606,
    ),
)
CARD = Card(
    kind=Kind.TITLES,
    title="BBC Sound Effects",
    license="RemArc: personal, educational and research use, not commercial",
    bring="nothing: a copy of the withdrawn table is fetched; audio from the BBC, or in `audio_root` by number",
    text="the description",
    size="15,973 clips, 463.48 h in the reference set; 16,011 rows, 480.4 h in the table",
    parts={"train": Part(15_973, 463.48)},
    hosts=("sound-effects-media.bbcrewind.co.uk",),
    faults="categories may be empty; `secs` is rounded up",
    dead="the BBC's own table: its site now shows a search only",
)
FIELDS = ("location", "description")
LOCATION = re.compile(r"([A-Za-z0-9_-]{1,64})(?:\.wav)?", re.ASCII)


class Options(OfficialOptions):
    """Keys of a `bbc` entry: `path`, the folder of the table, or the table itself."""

    FILES: ClassVar[tuple[OfficialFile, ...]] = (TABLE,)

    dataset: DatasetName = "BBCSoundEffects"
    path: str = "bbc"


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every recording and a rejection for every bad row.

    Raises:
        ValueError: the table is missing, or is another table.
    """
    path = TABLE.path(options)
    yield from outcomes(path, table_rows(TABLE, path, FIELDS, ("CDName",)), options, "train", partial(_clip, options=options))


needs = official_needs


def check(options: Options) -> None:
    """Raise ValueError when the table is missing, or is another table."""
    columns_of(TABLE, TABLE.path(options), FIELDS)


fingerprint = official_fingerprint


def _clip(row: Row, options: Options) -> Clip:
    """Return the clip of a row, or raise Rejected."""
    record = row.values
    given, description = name_of(record["location"], "location"), text_of(record["description"], "description")
    match = LOCATION.fullmatch(given)
    if match is None:
        raise Rejected(Reason.BAD_ROW, f"location {given[:40]!r} is not the name of a recording, such as 07076051.wav")
    return Clip(
        source=options.source,
        dataset=options.dataset,
        split="train",
        id=match[1],
        url=f"https://sound-effects-media.bbcrewind.co.uk/zip/{match[1]}.wav.zip",
        captions=(Caption(description, "description"),) if description else (),
        title=text_of(record.get("CDName"), "CDName") or None,
        license="RemArc",
        creator="BBC",
        recording=f"bbc:{match[1]}",
        audio_root=options.audio_root,
        row_number=row.number,
    )
