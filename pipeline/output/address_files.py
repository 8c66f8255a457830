"""Hold the full addresses of clips whose address holds a secret, until their shard is built; nothing that is published has them.

One file a shard below `plan/addresses`, readable by its owner alone, and only for shards that have such clips.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pipeline.masking import mask_address
from pipeline.output.layout import ADDRESSES, PLAN
from pipeline.output.snapshot import Snapshot
from pipeline.output.storage import Folder
from pipeline.records import TRANSIENT, Clip, ShardId

Addresses = Mapping[str, str]
"""Sample key -> full address."""


def address_name(shard: ShardId, below: str = PLAN) -> str:
    """Return the name of the file with the full addresses of a planned shard."""
    return f"{below}/{ADDRESSES}/{shard.name}.json"


def write_addresses(shard: ShardId, addresses: Addresses, folder: Folder, below: str) -> None:
    """Write the full addresses of the clips of a shard; no file where no address holds a secret."""
    if addresses:
        with folder.workspace() as work:
            path = Path(work) / "addresses"
            path.touch(mode=0o600)
            path.write_text(json.dumps(dict(addresses)), encoding="utf-8")
            folder.publish(path, address_name(shard, below))


def read_addresses(snapshot: Snapshot, shard: ShardId) -> Addresses:
    """Return the full addresses of the clips of a shard that has any; none where their file is missing or damaged."""
    name = address_name(shard)
    try:
        value = snapshot.folder.read_json(name) if name in snapshot.files else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) and all(isinstance(url, str) for url in value.values()) else {}


def full_address(clip: Clip, addresses: Addresses) -> str:
    """Return the full address of a clip; its address in the plan where none is held, or that of an earlier plan, which is another one."""
    address = addresses.get(clip.key, clip.url)
    return address if mask_address(address) == clip.url else clip.url


def remove_addresses(snapshot: Snapshot) -> None:
    """Remove the addresses of every shard that is built, unless a later build will ask for some of its recordings again."""
    needed = set()
    for planned in snapshot.plan.shards if snapshot.plan else ():
        marker = snapshot.current_marker(planned)
        if marker is None or TRANSIENT & marker.reasons.keys():
            needed.add(address_name(planned.shard))
    for name in snapshot.files:
        if name.startswith(f"{PLAN}/{ADDRESSES}/") and name not in needed:
            snapshot.folder.remove(name)
