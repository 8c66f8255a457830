"""Find which clips of benchmarks are in the training splits of a folder: `laion-audio leaks`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.failures import UsageError
from pipeline.output.leaks_file import (
    KINDS,
    OF_TEXT,
    Benchmark,
    Certificate,
    Leak,
    SplitCounts,
    TrainingRow,
    plan_sha256,
    shards_sha256,
)
from pipeline.output.plan_index import PlannedShard
from pipeline.output.shard_rows import ShardRows, rows_of_shards
from pipeline.output.snapshot import Snapshot
from pipeline.output.storage import Folder
from pipeline.verbs.leak_benchmarks import BenchmarkClip, BenchmarkClips, read_benchmarks
from pipeline.verbs.leak_evidence import NamedBy, Wanted, matches, named_by
from pipeline.verbs.leak_folder import FolderRecipe
from pipeline.verbs.leak_kinds import NO_ROWS, RowCounts, evidence_of, is_named
from pipeline.verbs.status import snapshot_of

MAX_ROWS = 3  # named with a clip that leaks; the certificate lists all rows that leak apart


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of clips, by their numbers: kinds of evidence, and rows of training splits that leak."""

    kinds: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    rows: dict[int, list[TrainingRow]] = field(default_factory=lambda: defaultdict(list))


def find_leaks(
    folder: Folder, against: Iterable[str], data: str | None = None, site: str | None = None, by_seconds: bool = False
) -> Certificate:
    """Compare the training splits of a folder with benchmarks.

    Args:
        against: recipes, built folders and lists of recordings, see `read_benchmarks`.
        data: folder that relative paths of recipes start from.
        site: whose bare ids lists hold.
        by_seconds: other seconds of the same video are no leak, as `seconds = true` of `holdout` allows them.

    Raises:
        UsageError: there is nothing to compare.
        OutputFormatError: the folder has no plan.
    """
    snapshot = snapshot_of(folder)
    assert snapshot.plan is not None
    recipe = FolderRecipe.of(folder)
    shards = [planned for planned in snapshot.plan.shards if recipe.trains_on(planned.shard.dataset, planned.shard.split)]
    if not shards:
        raise UsageError(f"{folder.root}: it has no split for training, so nothing can leak into it")
    benchmarks = tuple(read_benchmarks(against, data, site, folder))
    clips = [clip for benchmark in benchmarks for clip in benchmark.clips]
    named = [is_named(clip, benchmark.base, recipe.base) for benchmark in benchmarks for clip in benchmark.clips]
    wanted, matched, counts = Wanted.of(clips, named), Found(), NO_ROWS
    for rows in rows_of_shards(snapshot, shards):
        counts += RowCounts.of(rows)
        _look_for(wanted, rows, by_seconds, matched)
    leaking = sorted({row for of_clip in matched.rows.values() for row in of_clip})
    compared = tuple(_benchmark(each, numbers, wanted, named, matched, counts) for each, numbers in _numbered(benchmarks))
    hashes = plan_sha256(folder), shards_sha256(snapshot)
    n_unplanned = _n_unplanned(snapshot, recipe)
    return Certificate(*hashes, by_seconds, _split_counts(snapshot, shards), n_unplanned, compared, tuple(leaking))


def is_leak(clip: BenchmarkClip, kinds: Iterable[str], by_seconds: bool) -> bool:
    """Return whether a row that has this evidence of a clip leaks. An equal caption alone does not.

    Args:
        by_seconds: of a YouTube video, rows leak only where they overlap in seconds.
    """
    telling = set(kinds) - {OF_TEXT}
    if by_seconds and named_by(clip.recording) == NamedBy.VIDEO:
        telling -= {"recording"}
    return bool(telling)


def _look_for(wanted: Wanted, rows: ShardRows, by_seconds: bool, matched: Found) -> None:
    """Add to `found` what a shard has of the clips that are wanted."""
    kinds: dict[tuple[int, int], set[str]] = defaultdict(set)
    for clip, row, kind in matches(rows, wanted):
        kinds[clip, row].add(kind)
    for clip, row in sorted(kinds):
        matched.kinds[clip] |= kinds[clip, row]
        if is_leak(wanted.clips[clip], kinds[clip, row], by_seconds):
            matched.rows[clip].append(TrainingRow(rows.shard.name, rows.ids[row], rows.keys[row]))


def _numbered(benchmarks: Iterable[BenchmarkClips]) -> Iterator[tuple[BenchmarkClips, range]]:
    """Yield benchmarks with the numbers of their clips among those of all."""
    first = 0
    for benchmark in benchmarks:
        yield benchmark, range(first, first + len(benchmark.clips))
        first += len(benchmark.clips)


def _benchmark(
    given: BenchmarkClips, numbers: range, wanted: Wanted, named: Sequence[bool], matched: Found, counts: RowCounts
) -> Benchmark:
    """Return what was found of one benchmark, whose clips have these numbers."""
    if given.missing:
        return Benchmark(given.name, given.against, missing=given.missing)
    evidence = tuple(evidence_of(given, numbers, wanted, named, matched.kinds, counts))
    leaks = (_leak(wanted.clips[number], matched.kinds[number], matched.rows[number]) for number in numbers if number in matched.rows)
    ordered = tuple(sorted(leaks, key=lambda leak: (leak.id, leak.recording)))
    return Benchmark(given.name, given.against, len(numbers), given.n_unreadable, given.clips_sha256, evidence, ordered)


def _leak(clip: BenchmarkClip, kinds: set[str], rows: Sequence[TrainingRow]) -> Leak:
    ordered = tuple(kind for kind in KINDS if kind in kinds)
    return Leak(clip.id, clip.recording, ordered, len(rows), tuple(rows[:MAX_ROWS]))


def _split_counts(snapshot: Snapshot, shards: Iterable[PlannedShard]) -> Mapping[str, SplitCounts]:
    """Return rows and samples of each split of shards."""
    rows, samples = defaultdict[str, int](int), defaultdict[str, int](int)
    for planned in shards:
        marker = snapshot.current_marker(planned)
        rows[planned.shard.folder] += planned.n_rows if marker is None else planned.n_rows - marker.n_rejected
        samples[planned.shard.folder] += 0 if marker is None else marker.n_samples
    return {name: SplitCounts(rows[name], samples[name]) for name in sorted(rows)}


def _n_unplanned(snapshot: Snapshot, recipe: FolderRecipe) -> int:
    """Return how many shards for training stand that were made from another plan: their rows are not those of the plan."""
    assert snapshot.plan is not None
    planned = {each.shard: each.rows_sha256 for each in snapshot.plan.shards}
    standing = (shard for shard in snapshot.markers if recipe.trains_on(shard.dataset, shard.split))
    return sum(planned.get(shard) != snapshot.markers[shard].rows_sha256 for shard in standing)
