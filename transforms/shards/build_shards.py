"""Plan rows -> published shards. The only transform that touches audio: nothing of it ever leaves this step."""

from __future__ import annotations

import collections
import contextlib
import itertools
import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import file_digest
from pathlib import Path
from typing import Any

import apache_beam as beam

from pipeline.output.plan_files import plan_name, read_plan_file
from pipeline.output.sample_files import TarWriter
from pipeline.output.shard_files import FileFacts, Marker, books_name, books_row, finished, marker_name, tar_name, write_books
from pipeline.output.storage import Folder
from pipeline.records import AudioLimits, Clip, Reason, Rejection, Sample, ShardId, stable_hash
from transforms.audio.conversion_pool import conversion_pool
from transforms.fetching.fetch import Fetch, Fetcher
from transforms.shards.make_samples import make_samples
from transforms.shards.ordered_map import ordered_map
from transforms.shards.previous_shard import PreviousShard, audio_request_hash, read_previous_shard

TAR_FILE, BOOKS_FILE, PROGRESS = "shard.tar", "shard.parquet", "progress.json"
PROGRESS_SECONDS = 0.5  # between two reports of an unfinished shard


@dataclass(frozen=True, slots=True)
class ShardTask:
    """One shard to be made: where its rows are, and what it will have been made from.

    `repeats` names the samples that sound like one in another shard, as (key, key of the other).
    """

    shard: ShardId
    plan: str
    inputs_sha256: str
    n_rows: int
    repeats: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """What every shard of a build is made with. `n_threads` per shard bounds the clips in memory at once.

    `limits` holds for datasets that are not in `limits_by_dataset`.
    """

    folder: Folder
    fetcher: Fetcher
    limits: AudioLimits
    limits_by_dataset: dict[str, AudioLimits]
    conversion: int
    n_threads: int
    versions: dict[str, str]

    def limits_of(self, dataset: str) -> AudioLimits:
        """Return what may become a sample of a dataset."""
        return self.limits_by_dataset.get(dataset, self.limits)

    def settings_hash_of(self, dataset: str) -> str:
        """Return the hash of everything but rows and audio that shapes the bytes of a dataset."""
        return stable_hash(self.conversion, self.limits_of(dataset))


class BuildShards(beam.PTransform):
    """Shard tasks -> markers of the published shards."""

    def __init__(self, settings: BuildSettings):
        super().__init__()
        self.settings = settings

    def expand(self, tasks: beam.PCollection) -> beam.PCollection:
        return tasks | "Spread" >> beam.Reshuffle() | "Build" >> beam.ParDo(_BuildShard(self.settings))


class _BuildShard(beam.DoFn):
    def __init__(self, settings: BuildSettings):
        self.settings = settings

    def process(self, task: ShardTask) -> Iterator[Marker]:
        folder = self.settings.folder
        done = finished(folder, task.shard, task.inputs_sha256)
        if done is not None and not task.repeats:  # an engine may give the same task twice
            yield done
            return
        clips = read_plan_file(folder, f"{task.plan}/{plan_name(task.shard)}")
        yield build_shard(task, clips, self.settings.fetcher, self.settings)


def build_shard(task: ShardTask, clips: list[Clip], fetch: Fetch, settings: BuildSettings) -> Marker:
    """Make one shard whole or leave no trace; equal rows and audio give equal tars and books."""
    began = time.monotonic()
    with settings.folder.workspace() as work:
        rows = _write_tar(task, clips, fetch, settings, work)
        write_books(rows, work / BOOKS_FILE)
        samples = [row for row in rows if row["status"] == "sample"]
        marker = Marker(
            shard=task.shard,
            inputs_sha256=task.inputs_sha256,
            n_planned=len(clips),
            n_samples=len(samples),
            n_rejected=len(rows) - len(samples),
            reasons=dict(sorted(collections.Counter(row["reason"] for row in rows if row["status"] != "sample").items())),
            duration=round(sum(row["duration"] for row in samples), 6),
            tar=file_facts(work / TAR_FILE),
            parquet=file_facts(work / BOOKS_FILE),
            seconds={"build": round(time.monotonic() - began, 3)},
            versions=settings.versions,
        )
        publish(marker, work, settings.folder)
    return marker


def _write_tar(task: ShardTask, clips: list[Clip], fetch: Fetch, settings: BuildSettings, work: Path) -> list[dict[str, Any]]:
    """Write the tar of a shard, and return the rows of its books, in order."""
    rows: list[dict[str, Any]] = []
    report = _Reporter(work / PROGRESS, str(task.shard))
    kept, shape = read_previous_shard(settings.folder, task.shard, work), settings.settings_hash_of(task.shard.dataset)
    outcomes = _without_repeats(_outcomes(clips, fetch, settings, kept, work), dict(task.repeats))
    with contextlib.closing(outcomes), TarWriter(work / TAR_FILE) as tar:  # closing: no thread outlives a failure
        for outcome in outcomes:
            rows.append(books_row(outcome, audio_request_hash(outcome.clip, shape)))
            if isinstance(outcome, Sample):
                tar.add(outcome)
            report(rows)
    return rows


def publish(marker: Marker, work: Path, folder: Folder) -> None:
    """Publish the tar and the books of `work`, the marker last; in between there is no shard."""
    folder.remove(marker_name(marker.shard))
    folder.publish(work / TAR_FILE, tar_name(marker.shard))
    folder.publish(work / BOOKS_FILE, books_name(marker.shard))
    folder.write_json(marker_name(marker.shard), marker.to_json())


def file_facts(path: Path) -> FileFacts:
    """Return size and SHA-256 of a local file."""
    with path.open("rb") as file:
        return FileFacts(path.stat().st_size, file_digest(file, "sha256").hexdigest())


def _outcomes(clips: list[Clip], fetch: Fetch, settings: BuildSettings, kept: PreviousShard, work: Path) -> Iterator[Sample | Rejection]:
    """Yield the outcome of every clip in order; neighbours of one recording are made together and fetch it once."""
    groups = [list(group) for _, group in itertools.groupby(clips, key=lambda clip: (clip.recording, clip.url, clip.audio_root))]
    make = partial(_of_recording, fetch, settings, kept, work)
    yield from itertools.chain.from_iterable(ordered_map(make, groups, settings.n_threads))


def _of_recording(fetch: Fetch, settings: BuildSettings, kept: PreviousShard, work: Path, clips: list[Clip]) -> list[Sample | Rejection]:
    """Return the outcomes of the clips of one recording, in order: what an earlier build made is taken from there."""
    dataset = clips[0].dataset
    shape = settings.settings_hash_of(dataset)
    known = [kept.outcome(clip, shape) for clip in clips]
    fresh = [clip for clip, outcome in zip(clips, known, strict=True) if outcome is None]
    made = iter(make_samples(fresh, fetch, settings.limits_of(dataset), work, conversion_pool().convert) if fresh else ())
    return [next(made) if outcome is None else outcome for outcome in known]


def _without_repeats(outcomes: Iterable[Sample | Rejection], elsewhere: dict[str, str]) -> Generator[Sample | Rejection, None, None]:
    """Yield the outcomes; a sample that sounds exactly like an earlier one, or one elsewhere, becomes a rejection."""
    first: dict[str, str] = {}
    for outcome in outcomes:
        if isinstance(outcome, Sample):
            key = outcome.clip.key
            known = elsewhere.get(key) or first.setdefault(outcome.statistics.pcm_sha256, key)
            if known != outcome.clip.key:
                outcome = Rejection(outcome.clip, Reason.DUPLICATE, "pack", f"same sound as {known}", outcome.provenance)
        yield outcome


class _Reporter:
    """Tells whoever looks into the workspace how far the shard is."""

    def __init__(self, path: Path, shard: str, clock: Callable[[], float] = time.monotonic):
        self.path = path
        self.shard = shard
        self.clock = clock
        self.last = clock()

    def __call__(self, rows: list[dict[str, Any]]) -> None:
        if self.clock() - self.last >= PROGRESS_SECONDS:
            self.last = self.clock()
            reasons = collections.Counter(row["reason"] for row in rows if row["status"] != "sample")
            told = {"shard": self.shard, "done": len(rows), "reasons": reasons}
            unfinished = self.path.with_suffix(".new")
            unfinished.write_text(json.dumps(told))
            unfinished.replace(self.path)


def spread_longest_first(tasks: Iterable[ShardTask]) -> list[ShardTask]:
    """Return the tasks with the most rows first: an engine that hands them out in turn then ends evenly."""
    return sorted(tasks, key=lambda task: (-task.n_rows, task.shard))
