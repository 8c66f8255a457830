"""Count the rows of a shard that are left for later, because a host is asked no more for now."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.records import LEFT_FOR_LATER, Clip
from transforms.fetching.addresses import host_of
from transforms.fetching.limits.hosts import HostTable


def left_for_later(rows: Iterable[tuple[Clip, Mapping[str, Any]]], hosts: HostTable) -> dict[str, int]:
    """Return how many rows of the books are left for later, by the host that they wait for, sorted.

    A clip without an address waits for the host of its `audio_root`.
    """
    left = (clip for clip, row in rows if row.get("reason") in LEFT_FOR_LATER)
    waiting = collections.Counter(hosts.name_of(host_of(clip.url) or host_of(clip.audio_root or "")) for clip in left)
    return dict(sorted(waiting.items()))
