"""Read the certificate of leaks beside the training shards, `leaks.json`, and check that it is of these shards."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import fsspec

from train.data.ranges import FAILURES
from train.data.shards import Shard

CERTIFICATE, PLAN = "leaks.json", "plan/plan.json"
CURRENT, OUTDATED, NONE = "current", "made from other shards", "none"
MTEB_TASKS: Mapping[str, Sequence[str]] = {
    "audiocaps": ("AudioCapsA2TRetrieval", "AudioCapsT2ARetrieval"),
    "audioset": ("AudioSet", "AudioSetMini"),
    "audioset_strong": ("AudioSetStrongA2TRetrieval", "AudioSetStrongT2ARetrieval"),
    "Clotho": ("ClothoA2TRetrieval", "ClothoT2ARetrieval"),
    "esc50": ("ESC50", "ESC50AudioReranking", "ESC50Clustering", "ESC50PairClassification", "ESC50_Zeroshot"),
    "fsd50k_class_label": ("FSD50K",),
    "MACS": ("MACSA2TRetrieval", "MACST2ARetrieval"),
    "MusicCaps": ("MusicCapsA2TRetrieval", "MusicCapsT2ARetrieval"),
    "SoundDescs": ("SoundDescsA2TRetrieval", "SoundDescsT2ARetrieval"),
    "UrbanSound8K": (
        *("UrbanSound8KA2TRetrieval", "UrbanSound8KAudioReranking", "UrbanSound8KT2ARetrieval"),
        *("UrbanSound8k", "UrbanSound8kClustering", "UrbanSound8kZeroshot"),
    ),
}
"""Dataset -> the tasks of mteb on it that need no pictures, as its repository names them (commit a905523, August 2026)."""


@dataclass(frozen=True)
class BenchmarkLeaks:
    """What is known of one benchmark. state: `found`, `nothing found`, `not compared` or `missing`. compared: kinds of evidence."""

    name: str
    state: str
    n_clips: int
    n_leaks: int
    compared: Sequence[str] = ()


@dataclass(frozen=True)
class LeaksRecord:
    """What the certificate of a set says of training. state: `current`, of these shards; `made from other shards`; or `none`."""

    state: str = NONE
    sha256: str = ""
    benchmarks: Sequence[BenchmarkLeaks] = ()

    @property
    def n_leaks(self) -> int:
        """The number of clips of benchmarks that are in training."""
        return sum(benchmark.n_leaks for benchmark in self.benchmarks)

    def in_words(self) -> str:
        """Return a sentence for whoever starts a training; empty where there is nothing to say."""
        if self.state == OUTDATED:
            return f"{CERTIFICATE} was made from other shards: `laion-audio leaks DIR --against BENCHMARKS --write` compares these"
        if self.state == CURRENT and self.n_leaks:
            names = ", ".join(benchmark.name for benchmark in self.benchmarks if benchmark.n_leaks)
            return f"clips in these training splits, by {CERTIFICATE}: {self.n_leaks} of {names}; scores on them mean nothing"
        return ""


def read_leaks(root: str, shards: Sequence[Shard]) -> LeaksRecord:
    """Return what the certificate of a set says. One that cannot be read, or is no certificate, counts as none.

    root: folder or address of the set. shards: those of its training split.
    """
    files = [_read(f"{root.rstrip('/')}/{name}") for name in (CERTIFICATE, PLAN)]
    try:
        given = json.loads(files[0])
        benchmarks = [_benchmark(each) for each in given["benchmarks"]]
        is_current = _has_counts(given["splits"], shards) and given["plan_sha256"] == hashlib.sha256(files[1]).hexdigest()
    except (ValueError, LookupError, TypeError, AttributeError):
        return LeaksRecord()
    sha256 = hashlib.sha256(files[0]).hexdigest()
    return LeaksRecord(CURRENT, sha256, benchmarks) if is_current else LeaksRecord(OUTDATED, sha256)


def leaks_from(saved: Any) -> LeaksRecord:
    """Return the record that run.json holds; none where its version did not record it."""
    try:
        benchmarks = [BenchmarkLeaks(**each) for each in saved["benchmarks"]]
        return LeaksRecord(str(saved["state"]), str(saved["sha256"]), benchmarks)
    except (LookupError, TypeError):
        return LeaksRecord()


def mteb_tasks(datasets: Collection[str], record: LeaksRecord) -> list[str]:
    """Return the tasks of mteb that are not zero-shot: on datasets that were trained on, and on benchmarks that leak.

    >>> mteb_tasks(["MACS"], LeaksRecord(CURRENT, "", [BenchmarkLeaks("fsd50k_class_label/test", "found", 9, 1)]))
    ['FSD50K', 'MACSA2TRetrieval', 'MACST2ARetrieval']
    """
    leaking = {benchmark.name.partition("/")[0] for benchmark in record.benchmarks if benchmark.n_leaks}
    return sorted({task for dataset in {*datasets, *leaking} for task in MTEB_TASKS.get(dataset, ())})


def _read(address: str) -> bytes:
    try:
        with fsspec.open(address) as file:
            content: bytes = file.read()
            return content
    except FAILURES:
        return b""


def _has_counts(splits: Mapping[str, Mapping[str, int]], shards: Sequence[Shard]) -> bool:
    """Return whether shards have the samples that were compared: a shard that got more since is another."""
    counts: Counter[str] = Counter()
    for shard in shards:
        counts["/".join(PurePosixPath(shard.address).parts[-3:-1])] += shard.n_samples
    return all(splits.get(name, {}).get("n_samples") == n for name, n in counts.items())


def _benchmark(given: Mapping[str, Any]) -> BenchmarkLeaks:
    compared = [str(each["kind"]) for each in given["evidence"] if each["state"] != "not compared"]
    return BenchmarkLeaks(str(given["name"]), str(given["state"]), int(given["n_clips"]), int(given["n_leaks"]), compared)
