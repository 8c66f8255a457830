"""Crawl records of Freesound into a table: the results of a search, or the sounds of a list of ids.

A crawl may be interrupted anywhere, by its budget or by kill -9. Called again it goes on after the last complete page, and its table
has the same rows in the same order as that of an undisturbed crawl.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.records import LEFT_FOR_LATER, Reason, Rejected
from sources.metadata.freesound_ids import page_of
from sources.metadata.freesound_request import RECORDS
from transforms.fetching.freesound.freesound_client import FreesoundClient
from transforms.fetching.freesound.freesound_handler import preview_of

PAGE_SIZE = 150  # sounds, the most that the API sends at once
IDS_AT_ONCE = 100  # in the filter of a request; its address stays below 2 KB
FIELDS = "id,name,tags,description,username,license,duration,previews"
SORT = "created_asc"  # new sounds come after all others, and move no page
CURSOR, PAGES, MISSING = "crawl.json", "pages", "missing.txt"


@dataclass(frozen=True, slots=True)
class Crawl:
    """What to crawl: sounds that a search for `query` with `filter` (in the syntax of Solr) finds, or those of `ids`.

    Raises:
        ValueError: there are ids and a search, or an id is no number.
    """

    query: str = ""
    filter: str = ""
    ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.ids and (self.query or self.filter):
            raise ValueError("a crawl takes ids, or a query and a filter, not both")
        for number in self.ids:
            if not _is_number(number):
                raise ValueError(f"{number!r} is not the number of a Freesound sound")


@dataclass(frozen=True, slots=True)
class CrawlResult:
    """How far a crawl is. `paused` says why it stopped before its end; it is empty for a finished one, whose table is at `table`.

    `n_records` are the sounds so far, `n_expected` those that there are as far as is known, `n_missing` the ids without a sound.
    """

    table: Path
    n_records: int
    n_expected: int | None
    n_missing: int
    paused: str = ""


def crawl(client: FreesoundClient, wanted: Crawl, folder: Path) -> CrawlResult:
    """Crawl into `folder`, or go on with the crawl that is there.

    The table is `records.jsonl`: id, title, tags, description, username, license, duration (s) and url, as `sources/freesound.py` reads
    it. Until it is complete it does not exist, and the pages are below `pages`. `missing.txt` lists the ids that Freesound does not have.

    Raises:
        ValueError: the folder holds another crawl.
        Rejected: the API refuses the crawl for a reason that waiting does not change.
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _begin(folder, {**asdict(wanted), "ids": list(wanted.ids), "api": client.settings.api, "audio": client.settings.audio})
    if not (folder / RECORDS).exists():
        try:
            _read_pages(client, wanted, folder / PAGES)
        except Rejected as rejected:
            if rejected.reason not in LEFT_FOR_LATER and not rejected.reason.transient:
                raise
            pages = _pages(folder / PAGES)
            return CrawlResult(folder / RECORDS, len(_rows(pages)), _expected(pages, wanted), 0, f"{rejected.reason}: {rejected.detail}")
        _finish(folder, wanted)
    n_records = (folder / RECORDS).read_bytes().count(b"\n")
    n_missing = len((folder / MISSING).read_text().split())
    return CrawlResult(folder / RECORDS, n_records, n_records, n_missing)


def _begin(folder: Path, settings: dict[str, Any]) -> None:
    """Write what is crawled into a new folder; check that an older one has the same."""
    cursor = folder / CURSOR
    if not cursor.exists():
        _write(cursor, json.dumps(settings, indent=1) + "\n")
    elif json.loads(cursor.read_text(encoding="utf-8")) != settings:
        raise ValueError(f"{folder} holds another crawl of Freesound; name another folder, or remove it")


def _read_pages(client: FreesoundClient, wanted: Crawl, folder: Path) -> None:
    """Request the pages that are not there, in order. Each is written at once, and complete: their number is the cursor."""
    folder.mkdir(exist_ok=True)
    pages = _pages(folder)
    ids = tuple(dict.fromkeys(wanted.ids))
    batches = [ids[first : first + IDS_AT_ONCE] for first in range(0, len(ids), IDS_AT_ONCE)]
    is_last = bool(pages) and pages[-1]["is_last"]
    while not is_last:
        number = len(pages) + 1
        answer = _batch(client, batches[number - 1]) if batches else _page(client, wanted, number)
        results = answer.get("results")
        results = results if isinstance(results, list) else []
        is_last = number == len(batches) if batches else not results or not answer.get("next")
        rows = [row for result in results if (row := _row(result, client.settings.audio)) is not None]
        if batches:
            by_id = {row["id"]: row for row in rows}
            rows = [by_id[sound] for sound in batches[number - 1] if sound in by_id]
        pages.append({"is_last": is_last, "count": answer.get("count"), "rows": rows})
        _write(folder / f"{number:06}.json", json.dumps(pages[-1], ensure_ascii=False) + "\n")


def _batch(client: FreesoundClient, ids: Sequence[int]) -> dict[str, Any]:
    wanted = " OR ".join(map(str, ids))
    return client.record("search/text/", query="", filter=f"id:({wanted})", fields=FIELDS, page_size=PAGE_SIZE)


def _page(client: FreesoundClient, wanted: Crawl, number: int) -> dict[str, Any]:
    """Return a page of a search; an empty one where the API has none of this number, since sounds were deleted."""
    filters = {"filter": wanted.filter} if wanted.filter else {}
    try:
        return client.record("search/text/", query=wanted.query, **filters, fields=FIELDS, sort=SORT, page_size=PAGE_SIZE, page=number)
    except Rejected as rejected:
        if rejected.reason == Reason.NOT_FOUND and number > 1:
            return {}
        raise


def _row(result: object, audio: str) -> dict[str, Any] | None:
    """Return the row of a result of the API; `None` where it names no sound."""
    number = result.get("id") if isinstance(result, dict) else None
    if not isinstance(result, dict) or not _is_number(number):
        return None
    texts = {name: given if isinstance(given := result.get(name), str) else "" for name in ("name", "description", "username", "license")}
    tags, duration = result.get("tags"), result.get("duration")
    url = page_of(str(number))
    if audio == "preview":
        with contextlib.suppress(Rejected):  # what the sound has is asked again when it is fetched
            url = preview_of(result)  # fetching it takes one request, its page two
    return {
        "id": number,
        "title": texts["name"],
        "tags": [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else [],
        "description": texts["description"],
        "username": texts["username"],
        "license": texts["license"],
        "duration": float(duration) if isinstance(duration, (int, float)) and math.isfinite(duration) else None,
        "url": url,
    }


def _is_number(value: object) -> bool:
    return type(value) is int and 0 < value < 1 << 63


def _pages(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def _rows(pages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of all pages, each sound once: between two pages a sound may move to the next one."""
    rows: dict[int, dict[str, Any]] = {}
    for page in pages:
        for row in page["rows"]:
            rows.setdefault(row["id"], row)
    return list(rows.values())


def _expected(pages: list[dict[str, Any]], wanted: Crawl) -> int | None:
    if wanted.ids:
        return len(set(wanted.ids))
    count = pages[-1]["count"] if pages else None
    return count if isinstance(count, int) else None


def _finish(folder: Path, wanted: Crawl) -> None:
    """Write the ids that are missing, and then the table."""
    rows = _rows(_pages(folder / PAGES))
    missing = sorted(set(wanted.ids) - {row["id"] for row in rows})
    _write(folder / MISSING, "".join(f"{number}\n" for number in missing))
    _write(folder / RECORDS, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _write(path: Path, text: str) -> None:
    """Write a file, so that under its name it is always complete."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.write_text(text, encoding="utf-8", errors="replace")
    unfinished.replace(path)
