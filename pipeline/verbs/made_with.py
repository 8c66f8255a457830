"""Say with which versions the shards of a folder were made: one group for each set of versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.records import ShardId

MAX_SHARDS = 5  # named in a line
Versions = tuple[tuple[str, str], ...]
"""(name, version), sorted by name."""


@dataclass(frozen=True, slots=True)
class MadeWith:
    """Shards that were made with the same versions."""

    versions: Versions
    shards: tuple[ShardId, ...]

    def to_json(self) -> dict[str, object]:
        """Return the group as `status --json` and build.json have it."""
        return {"shards": len(self.shards), "versions": dict(self.versions)}


def made_with(shards: Iterable[tuple[ShardId, Mapping[str, str]]]) -> tuple[MadeWith, ...]:
    """Return the groups of shards with equal versions, the largest first; the order of `shards` does not matter."""
    groups: dict[Versions, list[ShardId]] = {}
    for shard, versions in shards:
        groups.setdefault(tuple(sorted(versions.items())), []).append(shard)
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return tuple(MadeWith(versions, tuple(sorted(members))) for versions, members in ordered)


def other_versions(groups: Sequence[MadeWith]) -> Iterator[str]:
    """Yield a line for each group of shards that were made with other versions than the most; none where all are alike."""
    for group in groups[1:]:
        here, most = dict(group.versions), dict(groups[0].versions)
        names = [name for name in sorted({*here, *most}) if here.get(name) != most.get(name)]
        made = ", ".join(f"{name} {here.get(name, 'unknown')} (the most: {most.get(name, 'unknown')})" for name in names)
        more = f", and {len(group.shards) - MAX_SHARDS} more" if len(group.shards) > MAX_SHARDS else ""
        yield f"made with {made}: {', '.join(map(str, group.shards[:MAX_SHARDS]))}{more}"
