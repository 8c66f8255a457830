"""Build shards: plan rows -> tars and books. The only transform that reads audio; its output holds none."""

from __future__ import annotations

import collections
import contextlib
import itertools
import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import apache_beam as beam

from pipeline.output.address_files import Addresses, full_address
from pipeline.output.books import SAMPLE, books_row, write_books
from pipeline.output.evidence_files import evidence_of, write_evidence
from pipeline.output.layout import PROGRESS, evidence_name, waiting_name
from pipeline.output.markers import FileFacts, Marker, read_marker
from pipeline.output.plan_files import read_rows_of
from pipeline.output.sample_files import TarWriter
from pipeline.output.storage import Folder
from pipeline.records import LEFT_FOR_LATER, Clip, Evidence, Reason, Recording, Rejection, Sample
from transforms.audio.conversion_pool import conversion_pool
from transforms.fetching.fetch import Fetch
from transforms.shards.earlier_outcomes import EarlierOutcomes, read_earlier_outcomes
from transforms.shards.make_samples import make_samples
from transforms.shards.ordered_map import ordered_map
from transforms.shards.previous_shard import audio_request_hash
from transforms.shards.publish_shard import BOOKS_FILE, EVIDENCE_FILE, TAR_FILE, marker_of, publish
from transforms.shards.rows_left import left_for_later
from transforms.shards.shard_task import BuildSettings, ShardTask, longest_first
from transforms.shards.slot_ledger import SLOT, machine_ledger, slot_ledger
from transforms.shards.stop import stop_request
from transforms.shards.versions import versions_of_worker

PROGRESS_SECONDS = 0.5  # between two reports of an unfinished shard


class BuildShards(beam.PTransform):
    """Shard tasks -> markers of the published shards.

    Requests to hosts are counted in a file of the output folder. Where that is not on a disk, workers cannot share the file: the shards
    with hosts that have limits by time go to one worker, which makes them one after the other.
    """

    def __init__(self, settings: BuildSettings):
        super().__init__()
        self.settings = settings

    def expand(self, tasks: beam.PCollection) -> beam.PCollection:
        if self.settings.folder.is_local:
            return tasks | "Spread" >> beam.Reshuffle() | "Build" >> beam.ParDo(_BuildShard(self.settings))
        others = tasks | "Others" >> beam.Filter(lambda task: not task.needs_slot) | "SpreadOthers" >> beam.Reshuffle()
        limited = tasks | "Limited" >> beam.Filter(lambda task: task.needs_slot) | "Slot" >> beam.Map(lambda task: (SLOT, task))
        in_slot = limited | "OneWorker" >> beam.GroupByKey() | "BuildLimited" >> beam.ParDo(_BuildSlot(self.settings))
        return (others | "Build" >> beam.ParDo(_BuildShard(self.settings)), in_slot) | beam.Flatten()


class _BuildShard(beam.DoFn):
    def __init__(self, settings: BuildSettings):
        self.settings = settings

    def setup(self) -> None:
        if not self.settings.folder.is_local:
            self.settings = self.settings.with_ledger(machine_ledger(self.settings.folder))

    def process(self, task: ShardTask) -> Iterator[Marker]:
        yield from run_task(task, self.settings)


class _BuildSlot(beam.DoFn):
    """(slot, its shard tasks) -> markers of the published shards, made one after the other."""

    def __init__(self, settings: BuildSettings):
        self.settings = settings

    def process(self, slot: tuple[int, Iterable[ShardTask]]) -> Iterator[Marker]:
        with slot_ledger(self.settings.folder) as ledger:
            settings = self.settings.with_ledger(ledger.path)
            for task in longest_first(slot[1]):
                yield from run_task(task, settings)
                ledger.save()


def run_task(task: ShardTask, settings: BuildSettings) -> Iterator[Marker]:
    """Make the shard of a task, unless it is made already; yield its marker, except where the shard was left as it is.

    None is begun after the user asked to stop.
    """
    with stop_request.shard() as may_be_made:
        marker = None if task.is_made_again else finished(settings.folder, task)
        if marker is None and may_be_made:
            settings = settings.of_shard(task.shard)
            marker = build_shard(task, read_rows_of(settings.folder, task.shard), settings.fetcher, settings)
    if marker is not None:
        yield marker


def finished(folder: Folder, task: ShardTask) -> Marker | None:
    """Return the marker of a task that is already done, since an engine may run the same task twice; otherwise `None`."""
    marker = read_marker(folder, task.shard)
    return marker if marker is not None and marker.is_finished(task.shard, task.inputs_sha256, folder.size) else None


def build_shard(task: ShardTask, clips: list[Clip], fetch: Fetch, settings: BuildSettings) -> Marker | None:
    """Build one shard and publish its files, all or none; equal rows and audio give equal tars and books.

    Return `None` where the shard was left as it is, because samples of it would be lost: their recordings cannot be fetched now. Where
    that is because hosts are asked no more for now, the shard waits for them, and `prune` changes nothing.
    """
    began, versions = time.monotonic(), versions_of_worker(settings.versions, settings.worker_versions)
    with settings.folder.workspace() as work:
        earlier = read_earlier_outcomes(task, clips, settings.settings_hash_of(task.shard.dataset), settings.folder, work)
        rows, evidence, tar = _write_tar(task, clips, fetch, settings, earlier, work)
        reasons = set(earlier.lost(rows).values())
        left = left_for_later(zip(clips, rows, strict=True), settings.hosts)
        waits = bool(reasons & LEFT_FOR_LATER) and (settings.prune or reasons <= LEFT_FOR_LATER)
        if left and waits:
            settings.folder.write_json(waiting_name(task.shard), left)  # for the build
        if reasons and (waits or not settings.prune):
            return None
        write_books(rows, work / BOOKS_FILE)
        if evidence:
            write_evidence(evidence, work / EVIDENCE_FILE)
        seconds = {"build": round(time.monotonic() - began, 3)}
        marker = marker_of(task, rows, tar, work, seconds, versions, left)
        publish(marker, work, settings.folder)
        if not evidence and earlier.has_evidence:
            settings.folder.remove(evidence_name(task.shard))  # that of the previous shard: these recordings are on this disk
    return marker


def _write_tar(
    task: ShardTask, clips: list[Clip], fetch: Fetch, settings: BuildSettings, earlier: EarlierOutcomes, work: Path
) -> tuple[list[dict[str, Any]], list[tuple[str, Evidence]], FileFacts]:
    """Write a tar; return the rows of its books and the evidence by key, both in the order of the clips, and size and hash of the tar."""
    rows: list[dict[str, Any]] = []
    evidence: list[tuple[str, Evidence]] = []
    report = _Reporter(work / PROGRESS, task.shard.name)
    settings_hash, in_other_shards = settings.settings_hash_of(task.shard.dataset), dict(task.in_other_shards)
    addresses = dict(task.addresses)
    make = partial(_recording_outcomes, partial(_fetch_full, fetch, addresses), settings, earlier, work)
    outcomes = leave_out_equal(_outcomes(clips, make, settings.n_threads, addresses), in_other_shards)
    with contextlib.closing(outcomes), TarWriter(work / TAR_FILE) as tar:  # closing: ends the threads after a failure
        for outcome in outcomes:
            rows.append(books_row(outcome, audio_request_hash(outcome.clip, settings_hash)))
            if (of_host := evidence_of(outcome)) is not None:
                evidence.append((outcome.clip.key, of_host))
            if isinstance(outcome, Sample):
                tar.add(outcome)
            report(rows)
    return rows, evidence, FileFacts(tar.n_bytes, tar.sha256)


def _outcomes(
    clips: list[Clip], make: Callable[[list[Clip]], list[Sample | Rejection]], n_threads: int, addresses: Addresses
) -> Iterator[Sample | Rejection]:
    """Yield the outcome of every clip in order; adjacent clips of one recording are made together, so that it is fetched once."""

    def recording(clip: Clip) -> tuple[str, str, str | None]:
        return clip.recording, full_address(clip, addresses) or clip.id, clip.audio_root  # without an address, the id finds the file

    groups = [list(group) for _, group in itertools.groupby(clips, key=recording)]
    yield from itertools.chain.from_iterable(ordered_map(make, groups, n_threads))


def _fetch_full(fetch: Fetch, addresses: Addresses, clip: Clip, work: Path) -> Recording:
    """Fetch the recording of a clip by its full address; the outcome has the masked one."""
    url = full_address(clip, addresses)
    return fetch(clip if url == clip.url else replace(clip, url=url), work)


def _recording_outcomes(
    fetch: Fetch, settings: BuildSettings, earlier: EarlierOutcomes, work: Path, clips: list[Clip]
) -> list[Sample | Rejection]:
    """Return the outcomes of the clips of one recording, in order; what can be copied is copied."""
    others = [clip for clip in clips if clip.key not in earlier.reusable]
    limits = settings.limits_of(clips[0].dataset)
    made: dict[str, Sample | Rejection] = {}
    for together in settings.fetcher.fetched_together(others):
        results = make_samples(together, fetch, limits, work, conversion_pool().convert)
        made |= zip((clip.key for clip in together), results, strict=True)
    return [earlier.outcome(clip) if clip.key in earlier.reusable else made[clip.key] for clip in clips]


def leave_out_equal(outcomes: Iterable[Sample | Rejection], in_other_shards: dict[str, str]) -> Generator[Sample | Rejection, None, None]:
    """Yield the outcomes in order; of clips that sound exactly alike the first is a sample, the others are rejected.

    Args:
        in_other_shards: hash of the frames -> key of the clip that keeps the sound, or a similar one.
    """
    first: dict[str, str] = {}
    for outcome in outcomes:
        sound = outcome.statistics if isinstance(outcome, Sample) else outcome
        if (pcm_sha256 := sound.pcm_sha256) is not None:
            key = outcome.clip.key
            stays = in_other_shards.get(pcm_sha256) or first.setdefault(pcm_sha256, key)
            if stays != key:
                detail = f"same sound as {stays}"
                why = Reason.DUPLICATE, "equal_sounds", detail
                outcome = Rejection(outcome.clip, *why, outcome.provenance, pcm_sha256, sound.fingerprint)
        yield outcome


class _Reporter:
    """Write to the workspace how far the shard is; the progress display reads it."""

    def __init__(self, path: Path, shard: str, clock: Callable[[], float] = time.monotonic):
        self.path = path
        self.shard = shard
        self.clock = clock
        self.last = clock()

    def __call__(self, rows: list[dict[str, Any]]) -> None:
        if self.clock() - self.last >= PROGRESS_SECONDS:
            self.last = self.clock()
            reasons = collections.Counter(row["reason"] for row in rows if row["status"] != SAMPLE)
            seconds = sum(row["duration"] for row in rows if row["status"] == SAMPLE)
            unfinished = self.path.with_suffix(".new")
            unfinished.write_text(json.dumps({"shard": self.shard, "done": len(rows), "reasons": reasons, "seconds": seconds}))
            unfinished.replace(self.path)
