"""Read clips from Audiostock: LAION's table of addresses and titles. The addresses are dead, so the recordings must be there already.

Licence: proprietary; LAION's terms allow research only. Needed: LAION's csv, and `audio_root` with the recordings, named by their number
("1150592.mp3" for `https://audiostock.net/audio/1150592/play`). There are no splits: every clip is `train`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar

from pipeline.records import Caption, Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card, Kind, Need, Part
from sources.metadata.cells import name_of, split_labels, text_of
from sources.metadata.identity import id_of
from sources.metadata.local_paths import ADDRESS
from sources.metadata.needs import audio_need
from sources.metadata.official_files import OfficialFile, OfficialOptions, official_fingerprint, official_needs
from sources.metadata.official_rows import columns_of, outcomes, table_rows
from sources.metadata.options import DatasetName
from sources.metadata.row import Row

TABLE = OfficialFile(
    distinct_names=("audiostock_all.csv", "audiostock*.csv", "*[Aa]udiostock*.csv"),
    what="table of addresses and titles",
    step="take the csv of Audiostock from the page of LAION-Audio-630K",
)
BRING = "set audio_root to a folder or archive that has the recordings by their number: Audiostock encrypts its audio today"
CARD = Card(
    kind=Kind.TITLES,
    title="Audiostock: sound effects",
    license="proprietary; research only",
    bring="LAION's csv in `path`, and the recordings in `audio_root` by number",
    text="the title without its leading number",
    size="10,000 clips; 46.30 h",
    parts={"train": Part(10_000, 46.30)},
    faults="LAION's pages give 46.30 h and 453.36 h for the same clips; its csv has no number but the one in the address",
    dead="all addresses: Audiostock encrypts its audio and refuses crawlers; only your own copy can be built",
)
FIELDS, RAW_FIELDS = ("url", "caption"), ("audio_url", "title")  # of LAION's captions, and of its raw table, which has tags
LICENSE = "proprietary (Audiostock)"
NUMBER = re.compile(r"/audio/(\d+)(?:/|$)", re.ASCII)
COUNTER = re.compile(r"#?\d+(?:[.:)_-]\s*|\s+)(?=\S)", re.ASCII)
COUNT = re.compile(r"(?!0)\d{1,2}\s+[a-z]", re.ASCII)  # "3 knocks", where the number is part of the text


class Options(OfficialOptions):
    """Keys of an `audiostock` entry: `path`, the folder of the table, or the table itself."""

    FILES: ClassVar[tuple[OfficialFile, ...]] = (TABLE,)

    dataset: DatasetName = "audiostock"
    path: str = "audiostock"


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every row and a rejection for every bad row.

    Raises:
        ValueError: the table is missing, or is another table.
    """
    path, fields = _table(options)
    yield from outcomes(path, table_rows(TABLE, path, fields, ("tags",)), options, "train", partial(_clip, fields=fields, options=options))


def needs(options: Options) -> tuple[Need, ...]:
    """Return the table and the recordings."""
    return *official_needs(options), audio_need(options, options.folder, (), "recordings by number in audio_root", BRING, is_required=True)


def check(options: Options) -> None:
    """Raise ValueError when the table is missing or is another table, or there is no `audio_root`."""
    _table(options)
    if options.audio_root is None:
        raise ValueError(f"audio_root: none given, and the addresses of Audiostock are dead; {BRING}")


fingerprint = official_fingerprint


def title_of(title: str) -> str:
    """Return a title without the number that it begins with; a small number before a small letter counts something, and stays.

    >>> title_of("1150592 Bubble 02"), title_of("012 Rain"), title_of("3 knocks on wood"), title_of("808")
    ('Bubble 02', 'Rain', '3 knocks on wood', '808')
    """
    text = " ".join(title.split())
    return text if COUNT.match(text) else COUNTER.sub("", text, count=1) if COUNTER.match(text) else text


def _table(options: Options) -> tuple[Path, tuple[str, str]]:
    """Return LAION's csv of captions or its raw one, and the fields of address and title."""
    path = TABLE.path(options)
    try:
        columns_of(TABLE, path, RAW_FIELDS)
    except ValueError:
        columns_of(TABLE, path, FIELDS)
        return path, FIELDS
    return path, RAW_FIELDS


def _clip(row: Row, fields: tuple[str, str], options: Options) -> Clip:
    """Return the clip of a row, or raise Rejected."""
    record, (address, name) = row.values, fields
    url, title = name_of(record[address], address), text_of(record[name], name)
    if not ADDRESS.match(url):
        raise Rejected(Reason.BAD_ROW, f"{address} {url[:40]!r} is no address" if url else f"{address} is empty")
    match, text = NUMBER.search(url), title_of(title)
    clip_id = match[1] if match else id_of(url, None, None)
    return Clip(
        source=options.source,
        dataset=options.dataset,
        split="train",
        id=clip_id,
        url=url,
        captions=(Caption(text, "title"),) if text else (),
        labels=tuple(dict.fromkeys(split_labels(record.get("tags"), "tags", ","))),
        title=title or None,
        license=LICENSE,
        creator="Audiostock",
        recording=f"audiostock:{clip_id}",
        audio_root=options.audio_root,
        row_number=row.number,
    )
