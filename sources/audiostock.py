"""Read clips from Audiostock: LAION's table of addresses and titles. The addresses are dead, so the recordings must be there already.

Licence: proprietary; LAION's terms allow research only. Needed: LAION's csv, and `audio_root` with the recordings, named by their number
("1150592.mp3" for `https://audiostock.net/audio/1150592/play`). There are no splits: every clip is `train`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.keys import stable_hash
from pipeline.records import Caption, Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card, Need, NeedKind, Part
from sources.metadata.cells import name_of, split_labels, text_of
from sources.metadata.file_hash import file_sha256
from sources.metadata.identity import id_of
from sources.metadata.local_paths import ADDRESS
from sources.metadata.official_files import OfficialFile, OfficialTable, Record, audio_need, read_tables
from sources.metadata.options import DatasetName, SourceOptions

TABLE = OfficialFile(
    ("audiostock_all.csv", "audiostock*.csv", "*[Aa]udiostock*.csv"),
    "table of addresses and titles",
    "take the csv of Audiostock from the page of LAION-Audio-630K",
    is_only=True,
)
BRING = "set audio_root to a folder or archive that has the recordings by their number: Audiostock encrypts its audio today"
CARD = Card(
    title="Audiostock: sound effects",
    license="proprietary; research only",
    bring="LAION's csv in `path`, and the recordings in `audio_root` by number",
    text="the title without its leading number",
    size="10,000 clips; 46.30 h",
    parts={"train": Part(10_000, 46.30)},
    faults="LAION's pages give 46.30 h and 453.36 h for the same clips; its csv has no number but the one in the address",
    dead="all addresses: Audiostock encrypts its audio and refuses crawlers; only your own copy can be built",
)
LICENSE = "proprietary (Audiostock)"
NUMBER = re.compile(r"/audio/(\d+)(?:/|$)", re.ASCII)
COUNTER = re.compile(r"#?\d+(?:[.:)_-]\s*|\s+)(?=\S)", re.ASCII)
COUNT = re.compile(r"(?!0)\d{1,2}\s+[a-z]", re.ASCII)  # "3 knocks", where the number is part of the text


class Options(SourceOptions):
    """Keys of an `audiostock` entry: `path`, the folder of the table, or the table itself."""

    dataset: DatasetName = "audiostock"
    path: str = "audiostock"


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every row and a rejection for every bad row.

    Raises:
        ValueError: the table is missing, or is another table.
    """
    table = _table(options)
    yield from read_tables([table], options, lambda table, record, number: _clip(record, number, options))


def needs(options: Options) -> tuple[Need, ...]:
    """Return the table and the recordings."""
    if options.audio_root is None:
        return TABLE.need(options, options.path), Need(NeedKind.FILE, "recordings by number (audio_root)", None, BRING)
    return TABLE.need(options, options.path), audio_need(options, options.audio_root, "recordings by number", BRING, is_required=True)


def check(options: Options) -> None:
    """Raise ValueError when the table is missing or is another table, or there is no `audio_root`."""
    _table(options)
    if options.audio_root is None:
        raise ValueError(f"audio_root: none given, and the addresses of Audiostock are dead; {BRING}")


def fingerprint(options: Options) -> str:
    """Return a hash of the content of the table."""
    return stable_hash(file_sha256(TABLE.path(options, options.path)))


def title_of(title: str) -> str:
    """Return a title without the number that it begins with; a small number before a small letter counts something, and stays.

    >>> title_of("1150592 Bubble 02"), title_of("012 Rain"), title_of("3 knocks on wood"), title_of("808")
    ('Bubble 02', 'Rain', '3 knocks on wood', '808')
    """
    text = " ".join(title.split())
    return text if COUNT.match(text) else COUNTER.sub("", text, count=1) if COUNTER.match(text) else text


def _table(options: Options) -> OfficialTable:
    """Return LAION's csv of captions, or its raw one, which has other names for the same and tags."""
    path = TABLE.path(options, options.path)
    try:
        columns = TABLE.columns(path, ("audio_url", "title"), ("tags",))
        columns = {
            "url": columns["audio_url"],
            "caption": columns["title"],
            **{field: columns[field] for field in ("tags",) if field in columns},
        }
    except ValueError:
        columns = TABLE.columns(path, ("url", "caption"))
    return OfficialTable(path, columns, "train")


def _clip(record: Record, number: int, options: Options) -> Clip:
    """Return the clip of a row, or raise Rejected."""
    url, title = name_of(record["url"], "url"), text_of(record["caption"], "caption")
    if not ADDRESS.match(url):
        raise Rejected(Reason.BAD_ROW, f"url {url[:40]!r} is no address" if url else "url is empty")
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
        row_number=number,
    )
