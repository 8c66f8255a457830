"""Read and write `leaks.json`: which clips of benchmarks are in the training splits of a folder, and by what this was compared."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pipeline.keys import TRAINING, split_rank, stable_hash
from pipeline.output.damage import DamagedFileError
from pipeline.output.layout import INDEX, LEAKS, PLAN
from pipeline.output.snapshot import Snapshot
from pipeline.output.storage import Folder

if TYPE_CHECKING:
    from pydantic import TypeAdapter

KINDS = ("id", "recording", "seconds", "pcm", "fingerprint", "text")
"""Kinds of evidence: source and id; name of the recording; overlapping seconds of it; equal frames; alike sound; equal caption."""
OUTDATED = f"{LEAKS} was made from another plan or other shards: run `laion-audio leaks` with --write again"
"""The message of a certificate that is not current."""
OF_TEXT = "text"
"""The kind that makes no leak alone: many clips are described by the same words."""


class State(enum.StrEnum):
    """What is known of a benchmark, in all or by one kind of evidence. What was not compared is never called clean."""

    MISSING = "missing"
    NOT_COMPARED = "not compared"
    NOTHING = "nothing found"
    FOUND = "found"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one kind of evidence gives for a benchmark.

    `n_compared` clips were compared with `n_rows` rows of training splits, and `n_found` of them are there; `why` says why other
    clips or rows were not compared.
    """

    kind: str
    n_compared: int = 0
    n_rows: int = 0
    n_found: int = 0
    why: str = ""

    @property
    def state(self) -> State:
        """What is known: nothing, where no clip or no row could be compared."""
        if not self.n_compared or not self.n_rows:
            return State.NOT_COMPARED
        return State.FOUND if self.n_found else State.NOTHING


@dataclass(frozen=True, slots=True, order=True)
class TrainingRow:
    """A row of a training split: the name of its shard, its id, its sample key."""

    shard: str
    id: str
    key: str


@dataclass(frozen=True, slots=True)
class Leak:
    """A clip of a benchmark that is in training: by which kinds of evidence, in how many rows, and the first of them."""

    id: str
    recording: str
    kinds: tuple[str, ...]
    n_rows: int
    rows: tuple[TrainingRow, ...]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What was found of a benchmark; `clips_sha256` is the hash of its clips, `missing` says what it lacks to be compared at all.

    `n_unreadable` rows of its table could not be read, so they were not compared.
    """

    name: str
    against: str
    n_clips: int = 0
    n_unreadable: int = 0
    clips_sha256: str = ""
    evidence: tuple[Evidence, ...] = ()
    leaks: tuple[Leak, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        """What is known by all kinds of evidence but text."""
        if self.missing:
            return State.MISSING
        if self.leaks:
            return State.FOUND
        is_compared = any(each.state != State.NOT_COMPARED for each in self.evidence if each.kind != OF_TEXT)
        return State.NOTHING if is_compared else State.NOT_COMPARED

    def of(self, kind: str) -> Evidence:
        """Return one kind of evidence."""
        return next((each for each in self.evidence if each.kind == kind), Evidence(kind))

    def to_json(self) -> dict[str, Any]:
        """Return the benchmark as leaks.json has it, with its state and those of its evidence."""
        evidence = [{"kind": each.kind, "state": str(each.state)} | asdict(each) for each in self.evidence]
        return {"name": self.name, "state": str(self.state), "n_leaks": len(self.leaks)} | asdict(self) | {"evidence": evidence}


@dataclass(frozen=True, slots=True)
class SplitCounts:
    """The rows of a training split that were compared, and the samples that its shards hold."""

    n_rows: int
    n_samples: int


@dataclass(frozen=True, slots=True)
class Certificate:
    """The content of leaks.json.

    `plan_sha256` is the hash of plan.json, `shards_sha256` that of the shards for training; they tell whether it is still true.
    `by_seconds` says that other seconds of the same video are no leak. `n_unplanned` shards for training stand that were made from
    an earlier plan: their rows were not compared. `rows` are all rows of training splits that leak.
    """

    plan_sha256: str
    shards_sha256: str
    by_seconds: bool
    splits: Mapping[str, SplitCounts]
    n_unplanned: int
    benchmarks: tuple[Benchmark, ...]
    rows: tuple[TrainingRow, ...] = ()

    @property
    def n_leaks(self) -> int:
        """The number of clips of benchmarks that are in training; a clip counts once in each benchmark."""
        return sum(len(benchmark.leaks) for benchmark in self.benchmarks)

    @property
    def not_compared(self) -> tuple[Benchmark, ...]:
        """The benchmarks of which nothing is known."""
        return tuple(each for each in self.benchmarks if each.state in {State.MISSING, State.NOT_COMPARED})

    @property
    def is_complete(self) -> bool:
        """Whether every benchmark was compared, with all shards for training that stand."""
        return not self.not_compared and not self.n_unplanned

    def is_current(self, snapshot: Snapshot) -> bool:
        """Return whether the plan and the shards for training are those that were compared."""
        return (plan_sha256(snapshot.folder), shards_sha256(snapshot)) == (self.plan_sha256, self.shards_sha256)

    def to_json(self) -> dict[str, Any]:
        """Return the content of leaks.json; without clocks and paths of this machine, so that equal input gives equal bytes."""
        values = asdict(self) | {"splits": {name: asdict(counts) for name, counts in sorted(self.splits.items())}}
        return {"n_leaks": self.n_leaks} | values | {"benchmarks": [each.to_json() for each in self.benchmarks]}


def certificate(folder: Folder) -> Certificate | None:
    """Return the certificate of a folder, current or not (see `is_current`); `None` where none was written, or it is damaged."""
    try:
        return checked_certificate(folder)
    except (FileNotFoundError, DamagedFileError):
        return None


def outdated_certificate(snapshot: Snapshot) -> Iterator[str]:
    """Yield a line where the certificate of a folder is not current."""
    if LEAKS in snapshot.files and (given := certificate(snapshot.folder)) is not None and not given.is_current(snapshot):
        yield OUTDATED


def checked_certificate(folder: Folder) -> Certificate:
    """Return the certificate of a folder.

    Raises:
        FileNotFoundError: none was written.
        DamagedFileError: it is damaged.
    """
    data = folder.read(LEAKS)
    try:
        return _adapter().validate_json(data)
    except ValueError as error:
        raise DamagedFileError(LEAKS, f"it is no certificate ({_first_fault(error)})") from error


def write_certificate(given: Certificate, folder: Folder) -> None:
    """Write leaks.json."""
    folder.write_json(LEAKS, given.to_json())


def is_for_training(split: str) -> bool:
    """Return whether a split, by its name, is for training: every split but valid, test and eval."""
    return split_rank(split) == TRAINING


def plan_sha256(folder: Folder) -> str:
    """Return the SHA-256 of plan.json, which holds the hashes of all planned rows."""
    return sha256(folder.read(f"{PLAN}/{INDEX}")).hexdigest()


def shards_sha256(snapshot: Snapshot) -> str:
    """Return the hash of the tars of training splits, by their markers: of planned shards, and of others that stand there."""
    tars = ((shard, marker.tar.sha256) for shard, marker in snapshot.markers.items() if is_for_training(shard.split))
    return stable_hash(*(f"{shard} {digest}" for shard, digest in sorted(tars)))


@cache
def _adapter() -> TypeAdapter[Certificate]:
    from pydantic import TypeAdapter  # slow to import, and most commands read no certificate

    return TypeAdapter(Certificate)


def _first_fault(error: ValueError) -> str:
    return " ".join(str(error).splitlines()[1:3])[:200]
