"""Read clips from Freesound: records as its API returns them, or LAION's captions, in a table (parquet, csv, tsv or jsonl).

Licence: CC per clip (CC0, BY, BY-NC, Sampling+), read from the column `license`. Needed: nothing, LAION's table of records is fetched,
but it has no licences; with `query`, `filter` or `ids` the records are crawled by the API, which asks for a key.
Audio: `audio_root` by id, the addresses of the table, or Freesound. There are no splits: every clip is `train`.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Strict

from pipeline.records import TEMPLATE_LABELS, Caption, Clip, Rejected, Rejection
from sources.metadata.card import Card, Download, Kind, Need, NeedKind, Part
from sources.metadata.cells import MISSING, name_of, split_texts, text_of
from sources.metadata.file_hash import file_sha256
from sources.metadata.freesound_ids import page_of, recording_name, sound_number
from sources.metadata.freesound_request import HOW_TO_GET_TOKEN, TOKEN, CrawlRequest, crawl_request
from sources.metadata.headers import refuse_mistakes, shown, usual_column
from sources.metadata.licenses import spdx
from sources.metadata.needs import file_need
from sources.metadata.official_files import OfficialFile, OfficialOptions, official_needs
from sources.metadata.official_rows import outcomes, renamed
from sources.metadata.options import DatasetName
from sources.metadata.row import Row
from sources.metadata.rows import check_rows, columns_present, read_rows

if TYPE_CHECKING:
    from augment.repeated_sentences import RepeatedSentences

TABLE = OfficialFile(
    distinct_names=("freesound_parquet.parquet", *(f"*[Ff]reesound*.{suffix}" for suffix in ("parquet", "csv", "tsv", "jsonl"))),
    what="table of records",
    step="`plan` and `build` fetch LAION's; or put your own into `path`: one record of the API a row",
    download=Download(
        "https://raw.githubusercontent.com/LAION-AI/audio-dataset/297bd2505280b2a2a41f8032b696ab9c4df3451f/"
        "metadata/freesound/parquet/freesound_parquet.parquet",
        "freesound_parquet.parquet",
    ),
)
CRAWL = "`plan` and `build` crawl it by the API, at most 2,000 requests a day, and go on where they stopped"
CARD = Card(
    kind=Kind.TITLES,
    title="Freesound: records of its API, or LAION's captions of them",
    license="CC per clip, column `license`; LAION's tables have none",
    bring="nothing: LAION's table is fetched; or your table in `path`; or a key of the API, to crawl `query`, `filter` or `ids`; "
    "audio in `audio_root` by id, by address, or from Freesound with the key",
    text="of the title, the sentences of the description and a template over the tags, those that say what is heard",
    size="515,581 clips, 3,303 h; without ESC-50, FSD50K, UrbanSound8K and Clotho 460,801 clips, 2,817 h",
    parts={"train": Part(515_581, 3_303.38)},
    hosts=("freesound.org",),
    faults="titles are file names, descriptions hold HTML, links and equipment; LAION left out more than 3 min and less than 16 kHz",
)
TAGS = ("tags", "tags:")  # the second is the name in the published reference set, colon included
TITLES = ("title", "name")  # the second is the name in the API
IDS = ("id", "freesound_id")  # the second is the name in LAION's captions
CAPTIONS = ("caption1", "caption2")  # of LAION's captions: the title, and the first sentence of the description
ADDRESSES = ("download_url", "url")
TEXT = (*TITLES, *TAGS, "description", *CAPTIONS)
FIELDS = (*IDS, *TEXT, *ADDRESSES, "license", "username")


class Options(OfficialOptions):
    """Keys of a `freesound` entry: `path`, the table or its folder, and columns that are not read although they look like a field's.

    With `query` and `filter` (in the syntax of the API), or `ids`, a list of numbers, records are crawled into a folder below `path`.
    """

    FILES: ClassVar[tuple[OfficialFile, ...]] = (TABLE,)

    dataset: DatasetName = "freesound_no_overlap_noesc50"
    path: str = "freesound"
    query: str | None = None
    filter: str | None = None
    ids: str | None = None
    ignore_columns: Annotated[tuple[str, ...], Strict(False)] = ()

    @property
    def crawl(self) -> CrawlRequest | None:
        """The crawl that the entry asks for.

        Raises:
            ValueError: as `crawl_request`, or `path` names a table.
        """
        ids = self.resolve(self.ids) if self.ids is not None else None
        if self.names_a_file and (self.query, self.filter, self.ids) != (None, None, None):
            raise ValueError(f"path = {self.path!r} names a table, and query, filter and ids crawl one into a folder: give one of them")
        return crawl_request(self.resolve(self.path), self.query, self.filter, ids)

    @property
    def paths_start_in(self) -> Path:
        """The folder of the table."""
        return self.resolve(self.folder)


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every record and a rejection for every row without the number of a sound.

    Raises:
        ValueError: the table cannot be read, or lacks a column that is needed.
    """
    path = table_of(options)
    columns = _columns(path, options)
    clip_of = partial(_clip, options=options, repeated=_repeated(path, columns))
    yield from outcomes(path, renamed(read_rows(path, columns.values()), columns), options, "train", clip_of, ADDRESSES)


def needs(options: Options) -> tuple[Need, ...]:
    """Return the table; for a crawl the table that it makes, and the key of the API."""
    try:
        request = options.crawl
    except ValueError:  # `check` reports it
        return (file_need(options, options.ids, "list of ids", "write one id a line"),) if options.ids is not None else ()
    if request is None:
        return official_needs(options)
    table = Need(NeedKind.FILE, f"records of the crawl: {request.table.name}", request.table if request.table.is_file() else None, CRAWL)
    key = Need(NeedKind.KEY, TOKEN, "the environment" if os.environ.get(TOKEN) else None, HOW_TO_GET_TOKEN, is_required=table.where is None)
    return table, key


def check(options: Options) -> None:
    """Raise ValueError when the table cannot be read, or has no ids or no text."""
    path = table_of(options)
    columns = _columns(path, options)
    check_rows(path, {columns[field] for field in IDS if field in columns}, columns.values())


def fingerprint(options: Options) -> str:
    """Return a hash of the content of the table."""
    return file_sha256(table_of(options))


def captions_of(
    title: str, description: str, tags: Sequence[str] = (), repeated: Container[str] = (), max_labels: int = TEMPLATE_LABELS
) -> tuple[Caption, ...]:
    """Return the captions of a record, see `chosen`.

    >>> [(caption.text, caption.origin) for caption in captions_of("Dog_bark-02.wav", "My dog barks at night. Recorded with Zoom H4n.")]
    [('My dog barks at night.', 'description'), ('Dog bark', 'title')]
    >>> captions_of("38.wav", "Recorded with Zoom H4n.")
    ()
    """
    from augment.choose_text import chosen  # slow to import, and `check` does without

    return tuple(Caption(each.text, each.origin) for each in chosen(title, description, tags, repeated, max_labels))


def n_repeats_left_out(options: Options) -> int:
    """Count the captions that a table loses because their uploader wrote them on many sounds.

    Raises:
        ValueError: as `read`.
    """
    path = table_of(options)
    columns = _columns(path, options)
    repeated = _repeated(path, columns)
    if not repeated.hashes:
        return 0
    rows = (row for row in renamed(read_rows(path, columns.values()), columns) if not row.fault)
    return sum(_n_left_out(row, repeated.of(_uploader(row))) for row in rows)


def _n_left_out(row: Row, repeated: Container[str]) -> int:
    tags = next((row.values[field] for field in TAGS if row.values.get(field) is not None), None)
    try:
        given = _first_text(row.values, TITLES), _description(row), tags_of(tags)
    except Rejected:  # `read` reports it
        return 0
    stand = {caption.text for caption in captions_of(*given, repeated)}
    return sum(caption.text in repeated and caption.text not in stand for caption in captions_of(*given))


def _repeated(path: Path, columns: dict[str, str]) -> RepeatedSentences:
    """Return the sentences that uploaders repeat in a table, which is read once for them; none where it has no descriptions."""
    from augment.repeated_sentences import RepeatedSentences, repeated_sentences

    if "description" not in columns or columns.keys() & set(CAPTIONS):
        return RepeatedSentences()
    used = {field: column for field, column in columns.items() if field in ("description", "username")}
    rows = renamed(read_rows(path, used.values()), used)
    return repeated_sentences((_uploader(row), _description(row)) for row in rows if not row.fault)


def _uploader(row: Row) -> str:
    return str(row.values.get("username") or "")


def _description(row: Row) -> str:
    value = row.values.get("description")
    return value if isinstance(value, str) else ""


def _distinct(texts: Iterable[tuple[str, str]]) -> tuple[Caption, ...]:
    """Return the texts that are not empty with their origins; of texts that differ only in case and their last mark, the first."""
    distinct: dict[str, Caption] = {}
    for text, origin in texts:
        if text:
            distinct.setdefault(text.casefold().rstrip(".!"), Caption(text, origin))
    return tuple(distinct.values())


def tags_of(value: Any) -> list[str]:
    """Return the distinct tags of a record: a list, or a text split at commas; leave out empty tags.

    Raises:
        Rejected: `bad_row`, when the cell holds no texts.

    >>> tags_of("bell,church-bell,,bell,")
    ['bell', 'church-bell']
    """
    listed = split_texts(value, "tags")
    parts = listed[0].split(",") if listed == [value] else listed
    return list(dict.fromkeys(tag for part in parts if (tag := part.strip()) and tag not in MISSING))


def table_of(options: Options) -> Path:
    """Return the table of an entry, or of its crawl.

    Raises:
        ValueError: it is missing.
    """
    request = options.crawl
    if request is None:
        return TABLE.path(options)
    if not request.table.is_file():
        raise ValueError(f"{request.table}: the crawl is not finished; {CRAWL}")
    return request.table


def _columns(path: Path, options: Options) -> dict[str, str]:
    """Return the column of every field of a record that the table has."""
    present = [name for name in columns_present(path) if name not in options.ignore_columns]
    columns = {field: column for field in FIELDS if (column := usual_column(field, present, path)) is not None}
    if not columns.keys() & set(IDS) or not columns.keys() & set(TEXT):
        raise ValueError(f"{path}: a column {' or '.join(IDS)} and one of {', '.join(TEXT)} are needed, there are {shown(present)}")
    used, groups = set(columns.values()), (TITLES, TAGS, ("description",), ("license",), ("username",))
    missing = [group[0] for group in groups if not columns.keys() & set(group)]
    unused = [name for name in present if name and name not in used]
    refuse_mistakes(path, missing, unused, "rename it to {field}, or write ignore_columns = {columns}")
    return columns


def _clip(row: Row, options: Options, repeated: RepeatedSentences) -> Clip:
    """Return the clip of a record, or raise Rejected."""
    record = row.values
    field = next(field for field in IDS if field in record)
    number, title = sound_number(record[field], field), _first_text(record, TITLES)
    tags = next((record[field] for field in TAGS if record.get(field) is not None), None)
    given = zip((_text(record, field) for field in CAPTIONS), ("title", "description"), strict=True)
    description, labels = _text(record, "description"), tags_of(tags)
    captions = _distinct(given) or captions_of(title, description, labels, repeated.of(_uploader(row)), options.template_labels)
    return Clip(
        source=options.source,
        dataset=options.dataset,
        split="train",
        id=number,
        url=next(filter(None, (name_of(record.get(field), field) for field in ADDRESSES)), "") or page_of(number),
        captions=captions,
        labels=tuple(labels),
        title=title or None,
        license=spdx(_text(record, "license"), options.license_version_default),
        creator=_text(record, "username") or None,
        recording=recording_name(number),
        audio_root=options.audio_root,
        row_number=row.number,
    )


def _first_text(record: dict[str, Any], fields: Iterable[str]) -> str:
    return next(filter(None, (_text(record, field) for field in fields)), "")


def _text(record: dict[str, Any], field: str) -> str:
    return text_of(record.get(field), field)
