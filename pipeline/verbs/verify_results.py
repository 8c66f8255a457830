"""Check shards on an engine. What was checked is written below `.verify`, so that an interrupted `verify` goes on where it stopped.

The result of a shard is used again only by a `verify` of the same kind (with or without `--deep`) that was interrupted, and only while
plan rows, recipe, equal sounds, and size and version of every file of the shard are the same. A `verify` that ends removes the
results: the next one reads everything again, because a disk may damage bytes without a trace in time or size.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import apache_beam as beam

from pipeline.engines.elements import elements
from pipeline.engines.run import LOCAL, Engine
from pipeline.keys import stable_hash
from pipeline.output.disk import FileState
from pipeline.output.layout import CHECKED, PLAN, books_name, marker_name, plan_name, tar_name
from pipeline.output.storage import Folder
from pipeline.verbs.verify_fault import Fault
from pipeline.verbs.verify_shard import CheckedShard, ShardCheck, check_shard
from transforms.shards.equal_sounds import Sound

RULES = 1
"""Raised when the checks change, so that no result of other checks is used."""


@dataclass(frozen=True, slots=True)
class Task:
    """A shard to check, and the hash of all that its result depends on."""

    check: ShardCheck
    inputs_hash: str

    @property
    def name(self) -> str:
        """The name of the file of the result."""
        return f"{self.check.planned.shard}.json"


class CheckShards(beam.PTransform):
    """Tasks -> names of the files of their results."""

    def __init__(self, folder: Folder, results: Folder):
        super().__init__()
        self.folder = folder
        self.results = results

    def expand(self, tasks: beam.PCollection) -> beam.PCollection:
        return tasks | "Spread" >> beam.Reshuffle() | "Check" >> beam.Map(_write_result, self.folder, self.results)


def _write_result(task: Task, folder: Folder, results: Folder) -> str:
    results.write_json(task.name, _to_json(check_shard(folder, task.check), task.inputs_hash))
    return task.name


def check_on_engine(folder: Folder, files: Mapping[str, FileState], checks: Sequence[ShardCheck], engine: Engine) -> list[CheckedShard]:
    """Return the results of all shards, in order.

    Raises:
        EngineError: a worker failed; the results of finished shards stay for the next `verify`.
        OSError: the results cannot be written, and the engine runs on other machines.
    """
    tasks = [Task(check, _inputs_hash(check, files)) for check in checks]
    with _results_folder(folder, engine) as results:
        written = set(results.names())
        waiting = [task for task in tasks if task.name not in written or _result(results, task) is None]
        if waiting:
            with elements(waiting, results) as given:
                engine.run(lambda root: root | "Shards" >> given | "CheckShards" >> CheckShards(folder, results))
        # another `verify` of the same folder may have ended meanwhile, and have removed the results
        return [_result(results, task) or check_shard(folder, task.check) for task in tasks]


@contextmanager
def _results_folder(folder: Folder, engine: Engine) -> Iterator[Folder]:
    """Yield the folder of the results, and remove it at the end; a temporary folder where nothing can be written to the output folder."""
    results = Folder(f"{folder.root}/{CHECKED}")
    try:
        results.write("started", b"")
    except OSError:
        if engine.runner not in LOCAL:
            raise
        with tempfile.TemporaryDirectory(prefix="laion-audio-") as temporary:
            yield Folder(temporary)
        return
    yield results  # stays after a failure
    folder.remove_below(CHECKED)


def _inputs_hash(check: ShardCheck, files: Mapping[str, FileState]) -> str:
    """Return the hash of all that the result of a check depends on, without reading the files."""
    shard = check.planned.shard
    names = (f"{PLAN}/{plan_name(shard)}", tar_name(shard), books_name(shard), marker_name(shard))
    return stable_hash(RULES, check, *(files.get(name) for name in names))


def _to_json(checked: CheckedShard, inputs_hash: str) -> dict[str, Any]:
    sounds = [[sound.pcm_sha256, sound.key, sound.sort_key] for sound in checked.sounds]
    faults = [fault.to_json() for fault in checked.faults]
    counts = {"n_samples": checked.n_samples, "sounds_sha256": checked.sounds_sha256, "versions": checked.versions}
    return {"inputs_hash": inputs_hash, "faults": faults, "sounds": sounds, **counts}


def _result(results: Folder, task: Task) -> CheckedShard | None:
    """Return the result of a task, `None` where there is none, or one of other inputs."""
    shard = task.check.planned.shard
    try:
        value = results.read_json(task.name)
        if value["inputs_hash"] != task.inputs_hash:
            return None
        faults = tuple(Fault.from_json(fault) for fault in value["faults"])
        sounds = tuple(Sound(pcm, shard, key, sort_key) for pcm, key, sort_key in value["sounds"])
        return CheckedShard(shard, faults, value["n_samples"], sounds, value["sounds_sha256"], value["versions"])
    except (OSError, KeyError, TypeError, ValueError):  # missing or damaged: the shard is checked again
        return None
