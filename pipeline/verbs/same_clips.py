"""Find what is the same as clips that are removed: rows of their excerpts in any dataset, and clips that sound exactly as they do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from pipeline.failures import UsageError
from pipeline.masking import is_masked
from pipeline.output.books import read_books
from pipeline.output.damage import DamagedFileError
from pipeline.output.snapshot import N_READERS, Snapshot
from pipeline.records import Clip, ShardId
from pipeline.verbs.find_removed import Name, Named, Row, planned_rows
from transforms.planning.drop_duplicates import excerpt_in_any_dataset
from transforms.planning.leave_out_removed import ADDED_TO, SAME_EXCERPT

EXCERPT, SOUND = "the same excerpt", "the same sound"


@dataclass(frozen=True, slots=True)
class Found:
    """What is removed: clips of shards, and rows that are left out of the plan, both by name.

    `because` says of clips that were not named what they have in common with one: `EXCERPT` or `SOUND`. `already` are ids that were removed
    before.
    """

    clips: dict[Name, Row] = field(default_factory=dict)
    left_out: dict[Name, Row] = field(default_factory=dict)
    because: dict[Name, str] = field(default_factory=dict)
    already: list[str] = field(default_factory=list)


def with_same_clips(named: Named, left_out: list[Row], snapshot: Snapshot) -> Found:
    """Return named rows and all that is the same.

    Raises:
        UsageError: a row of a caption table is named whose captions clips have that stay.
        DamagedFileError, FileNotFoundError: a file of the plan is damaged or missing.
    """
    matched = Found(already=named.already)
    repeated = set[Name]()
    for row in named.rows:
        if row.shard is not None:
            matched.clips[row.name] = row
            continue
        matched.left_out[row.name] = row
        if (same := SAME_EXCERPT.match(row.detail)) is not None:
            repeated.add((row.dataset, same[1]))
    n_before = -1
    while n_before < len(matched.clips) and (matched.clips or repeated):
        n_before = len(matched.clips)
        _add(matched, _of_names_and_excerpts(snapshot, repeated, matched.clips.values()), EXCERPT)
        sounds = set(_sounds_of(snapshot, matched.clips.keys()))
        alike = {name for name, sound in _sounds(snapshot) if sound in sounds} - matched.clips.keys() if sounds else set()
        if alike:
            _add(matched, _of_names_and_excerpts(snapshot, alike, ()), SOUND)
    _add_repeats(matched, left_out, snapshot)
    _check_joined(named.rows, matched)
    return matched


def _add(matched: Found, rows: Iterable[Row], because: str) -> None:
    for row in rows:
        if row.name not in matched.clips:
            matched.because[row.name] = because
            matched.clips[row.name] = row


def _of_names_and_excerpts(snapshot: Snapshot, names: Set[Name], clips: Iterable[Row]) -> list[Row]:
    """Return the planned rows with one of some names, or of the excerpt of one of some clips."""
    recordings, excerpts = {row.recording for row in clips}, {_excerpt(row) for row in clips}
    rows = planned_rows(snapshot)
    return [row for row in rows if row.name in names or (row.recording in recordings and _excerpt(row) in excerpts)]


def _excerpt(row: Row) -> tuple[str, str]:
    clip = Clip(row.source, row.dataset, "", row.id, row.url, row.start, row.end, recording=row.recording)
    return excerpt_in_any_dataset(clip), row.key if is_masked(row.url) else ""


def _sounds_of(snapshot: Snapshot, names: Set[Name]) -> Iterator[str]:
    yield from (sound for name, sound in _sounds(snapshot) if name in names)


def _sounds(snapshot: Snapshot) -> Iterator[tuple[Name, str]]:
    """Yield the clips that were converted, with the hashes of their frames; of shards whose books cannot be read, none."""

    def read(shard: ShardId) -> list[tuple[Name, str]]:
        try:
            rows = read_books(snapshot.folder, shard, ["key", "pcm_sha256"]).to_pylist()
        except (DamagedFileError, FileNotFoundError):
            return []
        return [((shard.dataset, row["key"]), row["pcm_sha256"]) for row in rows if row["pcm_sha256"] is not None]

    with ThreadPoolExecutor(1 if snapshot.folder.is_local else N_READERS) as pool:
        for sounds in pool.map(read, sorted(snapshot.markers)):
            yield from sounds


def _add_repeats(matched: Found, left_out: Iterable[Row], snapshot: Snapshot) -> None:
    """Add the rows that are left out because they repeat the excerpt of a removed clip."""
    repeats = {}
    for row in left_out:
        same = SAME_EXCERPT.match(row.detail)
        if row.key and same is not None and (row.dataset, same[1]) in matched.clips:
            repeats[row.name] = row
    others = repeats.keys() - matched.clips.keys()
    stay = {row.name for row in planned_rows(snapshot) if row.name in others} if others else set()
    matched.left_out.update({name: row for name, row in repeats.items() if name not in stay})  # else another clip has this id, too


def _check_joined(named: Iterable[Row], matched: Found) -> None:
    """Refuse rows of caption tables whose captions other clips have, unless all of these are removed too: they would keep the text."""
    keys = {key for _, key in matched.clips}
    for row in named:
        if row.detail.startswith(ADDED_TO) and not set(row.detail.removeprefix(ADDED_TO).split(", ")) <= keys:
            raise UsageError(
                f"{row.dataset}/{row.id} is a row of a caption table, and {row.detail}; remove these clips, or take the row out of its "
                "table and build again; nothing was changed"
            )
