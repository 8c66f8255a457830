"""Describe a crawl of Freesound that an entry asks for: what is searched, and the folder that its records are kept in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.keys import short_hash
from pipeline.records import Rejected
from sources.metadata.freesound_ids import sound_number
from sources.metadata.text_lines import lines_of

MAX_IDS = 1_000_000
TOKEN = "FREESOUND_TOKEN"
"""The name in the environment of the key of a user's application."""
HOW_TO_GET_TOKEN = "make an account and apply for a key at https://freesound.org/apiv2/apply/"
RECORDS = "records.jsonl"
"""The table that a finished crawl leaves in its folder."""


@dataclass(frozen=True, slots=True)
class CrawlRequest:
    """What to crawl: the sounds that a search for `query` with `filter` finds, or those of `ids`; records are kept in `folder`."""

    folder: Path
    query: str = ""
    filter: str = ""
    ids: tuple[int, ...] = ()

    @property
    def table(self) -> Path:
        """The table of records, which exists once the crawl is finished."""
        return self.folder / RECORDS


def crawl_request(below: Path, query: str | None, search_filter: str | None, ids: Path | None) -> CrawlRequest | None:
    """Return the crawl that the keys of an entry ask for; `None` without any. Its folder is named after what is searched.

    Args:
        below: the folder that folders of crawls are kept in.
        ids: a list of ids, one a line.

    Raises:
        ValueError: there are ids and a search, or the list cannot be read.
    """
    if query is None and search_filter is None and ids is None:
        return None
    if ids is not None and (query is not None or search_filter is not None):
        raise ValueError("ids, query and filter: give ids, or a query and a filter, not both")
    numbers = ids_in(ids) if ids is not None else ()
    return CrawlRequest(
        below / f"crawl-{short_hash(query or '', search_filter or '', *numbers)}", query or "", search_filter or "", numbers
    )


def ids_in(path: Path) -> tuple[int, ...]:
    """Return the numbers of sounds in a list, one a line, each once. Empty lines and lines that begin with `#` are left out.

    Raises:
        ValueError: there is no such file, no number in it or too many, or a line is no number of a sound.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file; a list of Freesound ids is needed, one a line")
    numbers: dict[int, None] = {}
    for number, line in enumerate(lines_of(path), 1):
        text = line.strip()
        if text and not text.startswith("#") and not (number == 1 and text == "id"):
            try:
                numbers[int(sound_number(text, "id"))] = None
            except Rejected as rejected:
                raise ValueError(f"{path}, line {number}: {rejected.detail}") from rejected
        if len(numbers) > MAX_IDS:
            raise ValueError(f"{path}: more than {MAX_IDS} ids; split the list")
    if not numbers:
        raise ValueError(f"{path}: no id; a list of Freesound ids is needed, one a line")
    return tuple(numbers)
