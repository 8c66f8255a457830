"""Read clips from Freesound: records as its API returns them, in a table of the user (parquet, csv, tsv or jsonl).

Licence: CC per clip (CC0, BY, BY-NC, Sampling+), read from the column `license`. Needed: the table, and the audio at the
addresses in it or in `audio_root`, named by id. There are no splits: every clip is `train`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Strict

from pipeline.records import Caption, Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card, Need
from sources.metadata.cells import MISSING, name_of, split_texts, text_of
from sources.metadata.file_hash import file_sha256
from sources.metadata.headers import refuse_mistakes, shown, usual_column
from sources.metadata.licenses import spdx
from sources.metadata.needs import file_need
from sources.metadata.options import SourceOptions
from sources.metadata.rows import check_rows, columns_present, read_rows

CARD = Card(
    title="Freesound: a table of its records (id, title, tags, description, username, download_url)",
    license="CC per clip, column `license`",
    bring="the table (`path`); audio by its address column, or in `audio_root` by id",
    text="the title; the first sentence of the description; a template over the tags when both are empty",
)
TAGS = ("tags", "tags:")  # the second is the name in the published reference set, colon included
ADDRESSES = ("download_url", "url")
TEXT = ("title", *TAGS, "description")
FIELDS = ("id", *TEXT, *ADDRESSES, "license", "username")
ID = re.compile(r"(\d+)(?:\.0)?")  # pandas writes a column of integers with empty cells as 1234.0


class Options(SourceOptions):
    """Keys of a `freesound` entry: the `path` of the table, and columns that are not read although their names are near to a field's."""

    path: str
    ignore_columns: Annotated[tuple[str, ...], Strict(False)] = ()

    @property
    def paths_start_in(self) -> Path:
        """The folder of the table."""
        return self.resolve(self.path).parent


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every record and a rejection for every row without the number of a sound.

    Raises:
        ValueError: the table cannot be read, or lacks a column that is needed.
    """
    columns = _columns(options)
    for row in read_rows(options.resolve(options.path), columns.values()):
        record = {field: row.values.get(column) for field, column in columns.items()}
        try:
            if row.fault:
                raise Rejected(Reason.BAD_ROW, row.fault)
            yield _clip(record, row.number, options)
        except Rejected as rejected:
            url = next((cell.strip() for field in ADDRESSES if isinstance(cell := record.get(field), str)), "")
            bare = Clip(options.source, options.dataset, "train", f"row-{row.number}", url, row_number=row.number)
            yield Rejection(bare, rejected.reason, "read", f"{options.path}, row {row.number}: {rejected.detail}")


def needs(options: Options) -> tuple[Need, ...]:
    """Return the files that an entry needs."""
    return (file_need(options, options.path, "table of records", "export the records, one a row"),)


def check(options: Options) -> None:
    """Raise ValueError when the table cannot be read, or has no ids, no text, or no way to the audio."""
    columns = _columns(options)
    needed = {columns[field] for field in ("id", *ADDRESSES) if field in columns}
    check_rows(options.resolve(options.path), needed, columns.values())


def fingerprint(options: Options) -> str:
    """Return a hash of the content of the table."""
    return file_sha256(options.resolve(options.path))


def captions_of(title: str, description: str) -> tuple[Caption, ...]:
    """Return the captions of a record: its title and the first sentence of its description. Equal texts are one caption.

    >>> [(caption.text, caption.origin) for caption in captions_of("Dog_bark-02.wav", "My dog at night. Recorded with Zoom H4n.")]
    [('Dog bark', 'title'), ('My dog at night.', 'human')]
    >>> captions_of("38.wav", "Recorded with Zoom H4n.")
    ()
    """
    from augment.prose import first_sentence, title_to_text  # slow to import, and `check` does without

    texts = ((title_to_text(title), "title"), (first_sentence(description), "human"))
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


def _columns(options: Options) -> dict[str, str]:
    """Return the column of every field of a record that the table has."""
    path = options.resolve(options.path)
    present = [name for name in columns_present(path) if name not in options.ignore_columns]
    columns = {field: column for field in FIELDS if (column := usual_column(field, present, path)) is not None}
    if "id" not in columns or not columns.keys() & set(TEXT):
        raise ValueError(f"{path}: a column id and one of {', '.join(TEXT)} are needed, there are {shown(present)}")
    if options.audio_root is None and not columns.keys() & set(ADDRESSES):
        raise ValueError(f"{path}: a column {' or '.join(ADDRESSES)} is needed, or audio_root, there are {shown(present)}")
    used, groups = set(columns.values()), (("title",), TAGS, ("description",), ("license",), ("username",))
    missing = [group[0] for group in groups if not columns.keys() & set(group)]
    unused = [name for name in present if name and name not in used]
    refuse_mistakes(path, missing, unused, "rename it to {field}, or write ignore_columns = {columns}")
    return columns


def _clip(record: dict[str, Any], row_number: int, options: Options) -> Clip:
    """Return the clip of a record, or raise Rejected."""
    given = name_of(record["id"], "id")
    match = ID.fullmatch(given)
    if match is None:
        raise Rejected(Reason.BAD_ROW, f"id {given[:40]!r} is not the number of a Freesound sound")
    number, tags = match[1], next((record[field] for field in TAGS if record.get(field) is not None), None)
    return Clip(
        source=options.source,
        dataset=options.dataset,
        split="train",
        id=number,
        url=next(filter(None, (name_of(record.get(field), field) for field in ADDRESSES)), ""),
        captions=captions_of(_text(record, "title"), _text(record, "description")),
        labels=tuple(tags_of(tags)),
        title=_text(record, "title") or None,
        license=spdx(_text(record, "license"), options.license_version_default),
        creator=_text(record, "username") or None,
        recording=f"freesound:{number}",
        audio_root=options.audio_root,
        row_number=row_number,
    )


def _text(record: dict[str, Any], field: str) -> str:
    return text_of(record.get(field), field)
