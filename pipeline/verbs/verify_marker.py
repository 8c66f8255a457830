"""Check the marker of a shard against the plan, the books and the files of the shard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.counted import counted
from pipeline.keys import stable_hash
from pipeline.output.books import SAMPLE, sounds_sha256
from pipeline.output.damage import DamagedFileError
from pipeline.output.equal_sounds_file import SoundsInOtherShards
from pipeline.output.layout import marker_name
from pipeline.output.markers import Marker, inputs_sha256
from pipeline.output.storage import Folder
from pipeline.records import LEFT_FOR_LATER, AudioLimits, ShardId
from pipeline.verbs.verify_fault import shown, why
from transforms.shards.shard_task import settings_hash
from transforms.shards.versions import VERSIONS


def check_marker(folder: Folder, shard: ShardId) -> tuple[list[str], Marker | None]:
    """Return what is wrong with the marker file itself, and the marker, `None` where there is none."""
    try:
        value = folder.read_json(marker_name(shard))
        marker = Marker.from_json(value)
    except FileNotFoundError:
        return ["the marker is missing"], None
    except DamagedFileError as error:
        return [f"damaged: {error.what}"], None
    except ValueError as error:
        return [f"damaged: {error}"], None
    except OSError as error:
        return [f"cannot be read ({why(error)})"], None
    if marker.shard != shard:
        return [f"it is the marker of {marker.shard}"], None
    whats = [f"{name} is no value of a marker" for name in value if name not in marker.to_json()]
    whats += [f"versions has no {name!r}" for name in VERSIONS if name not in marker.versions]
    if marker.conversion is None:
        whats.append(f"versions has conversion {shown(marker.versions.get('conversion'))}, no number")
    return whats, marker


def wrong_inputs(marker: Marker, limits: AudioLimits | None, in_other_shards: SoundsInOtherShards | None) -> str | None:
    """Return a sentence where a shard was made from other inputs than the recipe and the plan give it now.

    Args:
        limits: those of the dataset; `None` where they are not known.
        in_other_shards: the sounds that the shard must leave out; `None` where they are not known.
    """
    if limits is None or in_other_shards is None or marker.conversion is None or is_of_older_audio(marker):
        return None
    expected = inputs_sha256(marker.rows_sha256, settings_hash(marker.conversion, limits), in_other_shards)
    return None if marker.inputs_sha256 == expected else "inputs_sha256 is not that of the rows, the recipe's [audio] and the equal sounds"


def is_of_older_audio(marker: Marker) -> bool:
    """Return whether `recaption` wrote a shard whose audio a build would make again; its settings are then not those of the recipe."""
    return marker.inputs_sha256 == stable_hash("older audio", marker.rows_sha256)


def counts_that_differ(marker: Marker, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield every count of a marker that is not that of the books."""
    samples = [row for row in rows if row["status"] == SAMPLE]
    expected = {
        "n_planned": len(rows),
        "n_samples": len(samples),
        "n_rejected": len(rows) - len(samples),
        "reasons": dict(sorted(Counter(row["reason"] for row in rows if row["status"] != SAMPLE).items())),
        "audio_seconds": round(sum(row["duration"] for row in samples), 6),
        "sounds_sha256": sounds_sha256(rows),
    }
    n_left = sum(row["reason"] in LEFT_FOR_LATER for row in rows if row["status"] != SAMPLE)
    if sum(marker.left.values()) != n_left:
        yield f"left has {shown(marker.left)}, the books have {counted(n_left, 'row that is', 'rows that are')} left for later"
    for name, value in expected.items():
        if getattr(marker, name) != value:
            yield f"{name} is {shown(getattr(marker, name))}, the books give {shown(value)}"
