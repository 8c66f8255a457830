"""Count the samples of a set from the books of its shards: lengths, levels, rates, formats, licences, hosts, creators."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.machine.cores import n_cores
from pipeline.output.books import SAMPLE, read_books
from pipeline.output.damage import DamagedFileError
from pipeline.output.object_store import N_AT_ONCE
from pipeline.output.storage import Folder
from pipeline.records import ShardId
from pipeline.report.html.charts import Bar, Histogram, bars, histogram

SECONDS = (0, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1800)
"""Lower edges of the ranges of lengths."""
SECONDS_IN_WORDS = ("0", "1", "2", "5", "10", "15", "20", "30", "60", "2m", "5m", "10m", "30m")
DECIBELS = (-60, -55, -50, -45, -40, -35, -30, -25, -20, -15, -10, -5)
"""Lower edges of the ranges of levels, in dB of full scale; one more range is below the first."""
CLIPPED = 0.001  # a sample with a larger share of frames at full scale counts as clipped
QUIET = 0.5  # a sample with a larger share of silent frames counts as mostly silent
VALUES = {"license": "licenses", "creator": "creators", "source_format": "formats", "source_rate": "rates", "n_captions": "captions"}
"""Column of the books -> the counts of its values."""
COLUMNS = ["status", "url", "pcm_sha256", "duration", "rms", "clipped_fraction", "silent_fraction", *VALUES]
TOGETHER = 64  # shards that are counted together: a call of Arrow costs as much for one row as for a thousand
NOT_STATED, FILES, BUNDLED = "not stated", "files of the recipe", "bundled with the program"
HOST = r"^\s*[Hh][Tt][Tt][Pp][Ss]?://(?:[^/?#\\]*@)?(?P<host>\[[^\]/]*\]|[^/?#:\\]+)"


@dataclass(frozen=True)
class BookFacts:
    """Counts over the samples of all shards whose books could be read.

    `seconds` and `levels` count by the index of the range in `SECONDS`, and in `DECIBELS` plus one. `damaged` has a line for each file of
    books that cannot be read.
    """

    totals: Counter[str] = field(default_factory=Counter)
    seconds: Counter[int] = field(default_factory=Counter)
    levels: Counter[int] = field(default_factory=Counter)
    rates: Counter[int] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    licenses: Counter[str] = field(default_factory=Counter)
    hosts: Counter[str] = field(default_factory=Counter)
    creators: Counter[str] = field(default_factory=Counter)
    captions: Counter[int] = field(default_factory=Counter)
    damaged: list[str] = field(default_factory=list)

    @property
    def lengths_chart(self) -> Histogram:
        """The lengths of samples."""
        return histogram([self.seconds[index] for index in range(len(SECONDS))], SECONDS_IN_WORDS, "s")

    @property
    def levels_chart(self) -> Histogram:
        """The levels of samples."""
        return histogram([self.levels[index] for index in range(len(DECIBELS) + 1)], ["", *map(str, DECIBELS)], "dB")

    @property
    def rate_bars(self) -> list[Bar]:
        """The sampling rates of the recordings."""
        return bars({f"{rate:,} Hz": count for rate, count in self.rates.items()})

    def add(self, books: pa.Table) -> None:
        """Add the rows of some books."""
        is_sample = pc.equal(books["status"], SAMPLE)
        samples, rejected = books.filter(is_sample), books.filter(pc.invert(is_sample))
        self.totals["samples"] += len(samples)
        self.totals["equal sounds"] += len(rejected) - rejected["pcm_sha256"].null_count
        self.totals["clipped"] += _n_above(samples["clipped_fraction"], CLIPPED)
        self.totals["mostly silent"] += _n_above(samples["silent_fraction"], QUIET)
        self.seconds.update(_ranges(_numbers(samples["duration"]), SECONDS[1:]))
        self.levels.update(_ranges(decibels(_numbers(samples["rms"])), DECIBELS))
        for column, name in VALUES.items():
            getattr(self, name).update(_counts(samples[column]))
        self.hosts.update(hosts(samples["url"]))


def read_book_facts(folder: Folder, shards: Sequence[ShardId]) -> BookFacts:
    """Return the counts of some shards that are built. Books that are missing or damaged are named, and not counted."""
    facts = BookFacts()
    for tables in _batched(_read_all(folder, shards)):
        facts.damaged.extend(str(table) for table in tables if not isinstance(table, pa.Table))
        if readable := [table for table in tables if isinstance(table, pa.Table)]:
            facts.add(pa.concat_tables(readable))
    return facts


def hosts(urls: pa.ChunkedArray) -> Counter[str]:
    """Return how many addresses each host has; paths count as files.

    >>> sorted(hosts(pa.chunked_array([["https://me@Freesound.org:443/s/1", "a/b.wav", "bundled:quickstart/c.flac"]])).items())
    [('bundled with the program', 1), ('files of the recipe', 1), ('freesound.org', 1)]
    """
    named = pc.utf8_lower(pc.struct_field(pc.extract_regex(urls, HOST), "host"))
    is_bundled = pc.starts_with(urls, "bundled:")
    return _counts(pc.coalesce(named, pc.if_else(is_bundled, BUNDLED, FILES)))


def decibels(fractions: np.ndarray) -> np.ndarray:
    """Return levels in dB of full scale of fractions of full scale; digital silence is -120 dB."""
    return 20 * np.log10(np.maximum(fractions, 1e-6))


def _read_all(folder: Folder, shards: Sequence[ShardId]) -> Iterator[pa.Table | DamagedFileError | FileNotFoundError]:
    """Yield the books of shards, or why they cannot be read, in order; several are read at once."""

    def read(shard: ShardId) -> pa.Table | DamagedFileError | FileNotFoundError:
        try:
            return read_books(folder, shard, COLUMNS)
        except (DamagedFileError, FileNotFoundError) as error:
            return error

    with ThreadPoolExecutor(n_cores() if folder.is_local else N_AT_ONCE) as pool:
        for first in range(0, len(shards), TOGETHER):  # a pool would read all of a large set before the first is counted
            yield from pool.map(read, shards[first : first + TOGETHER])


def _batched(items: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(itertools.islice(items, TOGETHER)):
        yield batch


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    numbers = column.drop_null().to_numpy()
    return numbers[np.isfinite(numbers)]


def _n_above(column: pa.ChunkedArray, limit: float) -> int:
    return int((_numbers(column) > limit).sum())


def _ranges(numbers: np.ndarray, inner_edges: Sequence[int]) -> dict[int, int]:
    """Return how many numbers each range has, by its index; the first range is what is below the first edge."""
    counts = np.bincount(np.searchsorted(inner_edges, numbers, side="right"), minlength=len(inner_edges) + 1)
    return {index: int(count) for index, count in enumerate(counts)}


def _counts(column: pa.ChunkedArray) -> Counter[Any]:
    counts: Counter[Any] = Counter()
    for entry in pc.value_counts(column).to_pylist():
        value = entry["values"]
        counts[NOT_STATED if value in {None, ""} else value] += entry["counts"]
    return counts
