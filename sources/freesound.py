"""Read clips from Freesound: records as its API returns them, in a table of the user (parquet, csv, tsv or jsonl).

Licence: CC per clip (CC0, BY, BY-NC, Sampling+), read from the column `license`. Needed: the table, and the audio at the
addresses in it or in `audio_root`, named by id. There are no splits: every clip is `train`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.records import Caption, Clip, Reason, Rejection
from sources.metadata.card import Card
from sources.metadata.file_hash import file_sha256
from sources.metadata.licenses import spdx
from sources.metadata.options import SourceOptions
from sources.metadata.rows import Row, columns_of, read_rows

CARD = Card(
    title="Freesound: a table of its records (id, title, tags, description, username, download_url)",
    license="CC per clip, column `license`",
    bring="the table (`path`); audio by its address column, or in `audio_root` by id",
    text="the title; the first sentence of the description; a template over the tags when both are empty",
)
TAGS = ("tags", "tags:")  # the second is the name in the published reference set, colon included
ADDRESSES = ("download_url", "url")
TEXT = ("title", *TAGS, "description")
ID = re.compile(r"(\d+)(?:\.0)?")  # pandas writes a column of integers with empty cells as 1234.0


class Options(SourceOptions):
    """Keys of a `freesound` entry: the `path` of the table."""

    path: str

    @property
    def paths_start_in(self) -> Path:
        """The folder of the table."""
        return self.resolve(self.path).parent


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every record and a rejection for every row without the number of a sound.

    Raises:
        ValueError: the table cannot be read, or lacks a column that is needed.
    """
    check(options)
    for row in read_rows(options.resolve(options.path)):
        match = ID.fullmatch(_cell(row, "id"))
        if row.fault or match is None:
            bare = Clip(options.source, options.dataset, "train", f"row-{row.number}", _cell(row, *ADDRESSES), row_number=row.number)
            detail = row.fault or f"id {_cell(row, 'id')[:40]!r} is not the number of a Freesound sound"
            yield Rejection(bare, Reason.BAD_ROW, "read", f"{options.path}, row {row.number}: {detail}")
        else:
            yield _clip(row, match[1], options)


def check(options: Options) -> None:
    """Raise ValueError when the table cannot be read, or has no ids, no text, or no way to the audio."""
    path = options.resolve(options.path)
    columns = columns_of(path)
    if columns is None:  # jsonl: each row has its own columns
        return
    if "id" not in columns or not set(TEXT) & set(columns):
        raise ValueError(f"{path}: a column id and one of {', '.join(TEXT)} are needed, there are {', '.join(columns)}")
    if options.audio_root is None and not set(ADDRESSES) & set(columns):
        raise ValueError(f"{path}: a column {' or '.join(ADDRESSES)} is needed, or audio_root, there are {', '.join(columns)}")


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

    >>> tags_of("bell,church-bell,,bell,")
    ['bell', 'church-bell']
    """
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else []
    return list(dict.fromkeys(text for part in parts if part is not None and (text := str(part).strip())))


def _clip(row: Row, number: str, options: Options) -> Clip:
    """Return the clip of a record; `number` is the number of the sound on Freesound."""
    tags = next((row.values[name] for name in TAGS if row.values.get(name) is not None), None)
    return Clip(
        source=options.source,
        dataset=options.dataset,
        split="train",
        id=number,
        url=_cell(row, *ADDRESSES),
        captions=captions_of(_cell(row, "title"), _cell(row, "description")),
        labels=tuple(tags_of(tags)),
        title=_cell(row, "title") or None,
        license=spdx(_cell(row, "license")),
        creator=_cell(row, "username") or None,
        recording=f"freesound:{number}",
        audio_root=options.audio_root,
        row_number=row.number,
    )


def _cell(row: Row, *columns: str) -> str:
    """Return the first text that is not empty among some columns of a row; empty when there is none."""
    values = (str(row.values.get(column) if row.values.get(column) is not None else "").strip() for column in columns)
    return next((value for value in values if value), "")
