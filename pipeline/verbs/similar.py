"""Find the clips of a folder that are copies of each other, by the fingerprints in its books."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.failures import UsageError
from pipeline.keys import TRAINING, split_rank
from pipeline.output.books import SAMPLE, read_books
from pipeline.output.damage import DamagedFileError
from pipeline.output.layout import books_name
from pipeline.output.snapshot import N_READERS, Snapshot
from pipeline.output.storage import Folder
from pipeline.records import ShardId
from transforms.audio.similar_pairs import similar_pairs
from transforms.audio.similar_sounds import Match

COLUMNS = ["key", "status", "source", "id", "recording", "duration", "fingerprint"]
RECORDING = "recording"  # the column of a list that `holdout` reads


@dataclass(frozen=True, slots=True)
class SampleSound:
    """A sample and its fingerprint; `seconds` is its length."""

    shard: ShardId
    key: str
    source: str
    id: str
    recording: str
    seconds: float
    fingerprint: bytes

    @property
    def is_for_training(self) -> bool:
        """Whether its split is for training."""
        return split_rank(self.shard.split) == TRAINING

    def to_json(self) -> dict[str, Any]:
        """Return it without its fingerprint."""
        values = asdict(self) | {"shard": self.shard.name}
        del values["fingerprint"]
        return values


@dataclass(frozen=True, slots=True)
class Similar:
    """Two samples that are copies; where one is for evaluation and the other for training, the first is the one for evaluation."""

    first: SampleSound
    second: SampleSound
    match: Match

    @property
    def is_leak(self) -> bool:
        """Whether one of them is for evaluation and the other for training."""
        return self.first.is_for_training != self.second.is_for_training

    @property
    def splits(self) -> tuple[str, str]:
        """Their datasets and splits."""
        return self.first.shard.folder, self.second.shard.folder

    def to_json(self) -> dict[str, Any]:
        """Return it as it is printed: what agrees, in seconds of the first and the second."""
        return {"first": self.first.to_json(), "second": self.second.to_json(), "is_leak": self.is_leak} | asdict(self.match)


def find_similar(snapshot: Snapshot) -> list[Similar]:
    """Return the similar samples of a folder, leaks first, then in the order of the shards.

    Of clips of one recording only leaks are returned: excerpts that overlap are alike, and the plan knows that they belong together.

    Raises:
        DamagedFileError, FileNotFoundError: the books of a shard cannot be read.
    """
    sounds = read_sounds(snapshot)
    pairs = similar_pairs([sound.fingerprint for sound in sounds])
    pairs_of_samples = (_ordered(sounds[pair.a], sounds[pair.b], pair.match) for pair in pairs)
    reported = (each for each in pairs_of_samples if each.is_leak or each.first.recording != each.second.recording)
    return sorted(reported, key=lambda each: (not each.is_leak, each.splits, each.first.key, each.second.key))


def read_sounds(snapshot: Snapshot) -> list[SampleSound]:
    """Return the samples of all shards that are built, in order."""
    shards = sorted(snapshot.markers)
    with ThreadPoolExecutor(1 if snapshot.folder.is_local else N_READERS) as pool:
        return [sound for sounds in pool.map(lambda shard: _sounds_of(snapshot.folder, shard), shards) for sound in sounds]


def _sounds_of(folder: Folder, shard: ShardId) -> list[SampleSound]:
    columns = read_books(folder, shard, COLUMNS).to_pydict()
    rows = zip(*(columns[name] for name in COLUMNS), strict=True)
    samples = ((key, *values) for key, status, *values in rows if status == SAMPLE)
    sounds = [SampleSound(shard, *values) for values in samples]
    if any(sound.fingerprint is None for sound in sounds):
        raise DamagedFileError(books_name(shard), "a sample has no fingerprint")
    return sounds


def _ordered(a: SampleSound, b: SampleSound, match: Match) -> Similar:
    """Return two sounds with the one for evaluation first; their order else is that of the shards."""
    return Similar(b, a, match.turned()) if a.is_for_training and not b.is_for_training else Similar(a, b, match)


def hold_out_list(similar: Sequence[Similar], before: str = "") -> str:
    """Return a list that the recipe's `holdout` reads: the recordings of training clips that sound like test clips, in one column.

    A recording that has test clips itself is not in it.

    Args:
        before: an earlier list, whose recordings stay: they are in no split any more, so that nothing finds them again.
    """
    evaluated = {each.first.recording for each in similar if not each.first.is_for_training}
    copies = {each.second.recording for each in similar if each.is_leak} - evaluated
    known = [row[RECORDING] for row in csv.DictReader(io.StringIO(before))]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([[RECORDING], *([name] for name in dict.fromkeys([*known, *sorted(copies)]))])
    return text.getvalue()


def add_to_list(path: Path, similar: Sequence[Similar]) -> int:
    """Write a list that `holdout` reads, or add to it; return how many recordings it has.

    Raises:
        UsageError: there is a file that is no such list; it stays as it is.
    """
    before = ""
    if path.exists():
        before = path.read_text(encoding="utf-8-sig", errors="replace")
        if before.partition("\n")[0].strip() != RECORDING:
            raise UsageError(f"{path} is no list of `similar`: its first line is not {RECORDING!r}; name a new file")
    text = hold_out_list(similar, before)
    path.write_text(text, encoding="utf-8")
    return text.count("\n") - 1


def leaking_splits(similar: Iterable[Similar]) -> set[tuple[str, str]]:
    """Return the pairs of splits of which one is for evaluation and the other for training."""
    return {each.splits for each in similar if each.is_leak}


def by_splits(similar: Iterable[Similar]) -> dict[tuple[str, str], int]:
    """Return how many pairs are in each pair of splits, leaks first."""
    counts: dict[tuple[str, str], int] = {}
    for each in similar:
        counts[each.splits] = counts.get(each.splits, 0) + 1
    return counts
