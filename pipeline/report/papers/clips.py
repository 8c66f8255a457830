"""Read what papers say of the clips of a set, shard by shard: only the clips of a few shards are in memory at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.output.books import SAMPLE, read_books
from pipeline.output.damage import DamagedFileError
from pipeline.output.evidence_files import read_evidence
from pipeline.output.layout import PLAN, plan_name
from pipeline.output.plan_files import read_values
from pipeline.output.snapshot import N_READERS, Snapshot
from pipeline.output.storage import Folder
from pipeline.records import Evidence, ShardId
from pipeline.report.papers.licenses import expression
from transforms.fetching.addresses import host_of, scheme_of
from transforms.shards.ordered_map import ordered_map

COLUMNS = ["key", "status", "source", "id", "url", "license", "creator", "title", "duration", "final_url", "source_bytes"]


@dataclass(frozen=True, slots=True)
class PaperClip:
    """A sample, as papers speak of it.

    `license` is an SPDX expression, `license_given` what the books have, "" where they have none. `host` is the host that sent the
    recording, "" for one that was on a disk of the user; `n_bytes` is the size of the recording. `captions` has the origin of each
    caption, and the model that wrote it ("" for none).
    """

    shard: ShardId
    key: str
    source: str
    id: str
    url: str
    license: str
    license_given: str
    creator: str
    title: str
    seconds: float
    host: str
    n_bytes: int
    captions: tuple[tuple[str, str], ...]
    evidence: Evidence | None

    @property
    def name(self) -> str:
        """The name of the clip in the set, `DATASET/ID`."""
        return f"{self.shard.dataset}/{self.id}"


def current_shards(snapshot: Snapshot) -> list[ShardId]:
    """Return the shards of the plan that are built from its rows, in order."""
    plan = snapshot.plan
    return [planned.shard for planned in plan.shards if snapshot.current_marker(planned) is not None] if plan is not None else []


def read_clips(folder: Folder, shards: Sequence[ShardId]) -> Iterator[tuple[ShardId, list[PaperClip]]]:
    """Yield the samples of each shard, in order.

    Raises:
        FileNotFoundError: a shard has no books, or no plan rows.
        DamagedFileError: they are damaged.
    """
    yield from ordered_map(lambda shard: (shard, clips_of(folder, shard)), shards, 1 if folder.is_local else N_READERS)


def clips_of(folder: Folder, shard: ShardId) -> list[PaperClip]:
    """Return the samples of a shard in the order of its rows; raises as `read_clips`."""
    captions = {key: tuple((each["origin"], each["model"] or "") for each in of_clip) for key, of_clip in _captions(folder, shard)}
    evidence = read_evidence(folder, shard)
    clips = []
    for row in read_books(folder, shard, COLUMNS).to_pylist():
        if row["status"] != SAMPLE:
            continue
        if row["key"] not in captions:
            raise DamagedFileError(f"{PLAN}/{plan_name(shard)}", f"it has no row of the sample {row['key']}")
        given, address = row["license"] or "", row["final_url"] or ""
        clips.append(
            PaperClip(
                shard,
                row["key"],
                row["source"],
                row["id"],
                row["url"],
                expression(given),
                given,
                row["creator"] or "",
                row["title"] or "",
                row["duration"] or 0.0,
                host_of(address) if scheme_of(address) else "",
                row["source_bytes"] or 0,
                captions[row["key"]],
                evidence.get(row["key"]),
            )
        )
    return clips


def _captions(folder: Folder, shard: ShardId) -> Iterator[tuple[str, list[dict[str, str]]]]:
    yield from read_values(folder, shard, ["key", "captions"])
