"""Choose the files of a set that are published, and refuse what may not be: an allow list, so that no other file of a folder ever goes."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.counted import counted
from pipeline.failures import UsageError
from pipeline.output.books import SAMPLE, read_books
from pipeline.output.json_values import json_bytes, mapping
from pipeline.output.layout import (
    ATTRIBUTION,
    CROISSANT,
    DATACARD,
    INDEX,
    LEAKS,
    PAPERS,
    PLAN,
    README,
    books_name,
    evidence_name,
    marker_name,
    plan_name,
    sizes_name,
    tar_name,
)
from pipeline.output.parquet_files import read_table
from pipeline.output.plan_files import CLIPS, read_values
from pipeline.output.snapshot import N_READERS, Snapshot
from pipeline.output.storage import Folder
from pipeline.records import ShardId
from pipeline.report.papers.clips import current_shards
from pipeline.report.papers.licenses import expression, may_be_passed_on
from pipeline.verbs.papers import are_current
from transforms.shards.ordered_map import ordered_map

REPORT = "report.html"
N_SHOWN = 5  # ids of clips that may not be passed on, of each licence
CONTENT_URL = "https://huggingface.co/datasets/{repository}"


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file that goes: its name in the repository and in the folder, its size in bytes, its SHA-256 where a marker has it.

    `content` makes what is sent instead of the file, for a file that is changed on its way.
    """

    name: str
    source: str
    size: int
    sha256: str = ""
    content: Callable[[], bytes] | None = None


def published_files(snapshot: Snapshot, repository: str) -> list[PublishedFile]:
    """Return the files that go, shards first: the card, which says what there is, comes last.

    Left out are recipe.toml, build.json and the `audio_root` of plan rows (folders and command lines of a machine), rows that are in no
    shard, addresses with secrets, and every file that is not named here.

    Raises:
        UsageError: the set is not complete, or its papers are of another state.
    """
    shards = _checked_shards(snapshot)
    files = [file for shard in shards for file in _of_shard(snapshot, shard)]
    names = [*sorted({sizes_name(shard.folder) for shard in shards}), LEAKS, REPORT, ATTRIBUTION, PAPERS, f"{PLAN}/{INDEX}"]
    files += [_as_it_is(snapshot, name) for name in names if name in snapshot.files]
    files.append(_made(CROISSANT, partial(_described, snapshot.folder, repository)))
    return [*files, PublishedFile(README, DATACARD, snapshot.files[DATACARD].size)]


def _described(folder: Folder, repository: str) -> bytes:
    """Return croissant.json with the address of the repository.

    Raises:
        UsageError: it is damaged.
    """
    try:
        described = mapping(folder.read_json(CROISSANT), CROISSANT)
    except ValueError as error:
        raise UsageError(f"{folder.root}: {CROISSANT} is damaged; run `laion-audio papers {folder.root}` again") from error
    return json_bytes({**described, "url": CONTENT_URL.format(repository=repository)})


def _made(name: str, content: Callable[[], bytes]) -> PublishedFile:
    """Return a file that is made when it is sent: of 5,000 plan files together none is kept in memory."""
    return PublishedFile(name, name, len(content()), content=content)


def _checked_shards(snapshot: Snapshot) -> list[ShardId]:
    """Return the shards of a set that is complete and has its papers."""
    shards, root = current_shards(snapshot), snapshot.folder.root
    n_lacking = len(snapshot.plan.shards if snapshot.plan else ()) - len(shards)
    if n_lacking or not shards:
        raise UsageError(f"{root}: {counted(n_lacking, 'shard is', 'shards are')} not built; run the build again, then `papers`")
    if any(name not in snapshot.files for name in (ATTRIBUTION, CROISSANT, DATACARD)) or not are_current(snapshot):
        raise UsageError(f"{root}: it has no papers, or those of an earlier build; run `laion-audio papers {root}` first")
    return shards


def _of_shard(snapshot: Snapshot, shard: ShardId) -> Iterator[PublishedFile]:
    marker = snapshot.markers[shard]
    for name, facts in ((tar_name(shard), marker.tar), (books_name(shard), marker.parquet)):
        yield PublishedFile(name, name, facts.bytes, facts.sha256)
    names = (marker_name(shard), evidence_name(shard))
    yield from (_as_it_is(snapshot, name) for name in names if name in snapshot.files)
    name = f"{PLAN}/{plan_name(shard)}"
    has_root = any(root is not None for (root,) in read_values(snapshot.folder, shard, ["audio_root"]))
    yield _made(name, partial(_without_root, snapshot.folder, name)) if has_root else _as_it_is(snapshot, name)


def _without_root(folder: Folder, name: str) -> bytes:
    """Return a plan file without the folders that its rows are searched for in."""
    table, sink = read_table(folder, name, CLIPS), pa.BufferOutputStream()
    column = table.schema.get_field_index("audio_root")
    pq.write_table(table.set_column(column, table.schema.field(column), pa.nulls(len(table), pa.string())), sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def _as_it_is(snapshot: Snapshot, name: str) -> PublishedFile:
    return PublishedFile(name, name, snapshot.files[name].size)


def check_licenses(snapshot: Snapshot, named: Sequence[str]) -> None:
    """Check that every clip may be passed on. Shards are not cut, so one clip that may not holds back all.

    Args:
        named: the licences that the user says may go; without any, those with which anybody may pass a recording on.

    Raises:
        UsageError: a licence does not allow it; the message counts its clips and names some.
    """
    counts: collections.Counter[str] = collections.Counter()
    shown: dict[str, list[str]] = collections.defaultdict(list)
    shards = current_shards(snapshot)
    for shard, rows in zip(shards, ordered_map(lambda each: _rows(snapshot.folder, each), shards, N_READERS), strict=True):
        for license, clip_id in rows:
            if not may_be_passed_on(license, named):
                counts[license] += 1
                if len(shown[license]) < N_SHOWN:
                    shown[license].append(f"{shard.dataset}/{clip_id}")
    if counts:
        raise UsageError("\n".join(_refusal(counts, shown)))


def _rows(folder: Folder, shard: ShardId) -> list[tuple[str, str]]:
    rows = read_books(folder, shard, ["key", "status", "id", "license"]).to_pylist()
    return [(expression(row["license"]), row["id"]) for row in rows if row["status"] == SAMPLE]


def _refusal(counts: collections.Counter[str], shown: dict[str, list[str]]) -> Iterator[str]:
    yield f"{counted(counts.total(), 'clip')} may not be passed on, so nothing is published:"
    for license, count in sorted(counts.items()):
        more = ", ..." if count > N_SHOWN else ""
        yield f"  {license}: {counted(count, 'clip')}: {', '.join(shown[license])}{more}"
    yield "take them out with `laion-audio remove`, or build with `licenses = [...]` in the recipe;"
    yield "or, where you hold the rights, name every licence that may go: --licenses LICENSE[,LICENSE...]"


def listing(files: Sequence[PublishedFile], repository: str) -> Iterator[str]:
    """Yield what would go, one line a file."""
    yield f"to the dataset repository {repository}:"
    width = max(10, len(f"{sum(file.size for file in files):,}"))
    yield from (f"{file.size:>{width},}  {file.name}" for file in files)
    yield f"{sum(file.size for file in files):>{width},}  bytes in {counted(len(files), 'file')}"
