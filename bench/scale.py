"""Compute what a large set takes: time, disk and money, from measured figures and a few stated inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bench.measure import Row
from pipeline.recipe.model import BuildRecipe
from pipeline.records import SAMPLE_RATE
from pipeline.verbs.estimate import FLAC_BYTES_PER_SECOND

CLIPS_A_SECOND = "clips a second, 2 cores"
MEASURED_CORES = 2
MEMORY = "highest resident memory of a build, all processes"
TEXT, CAPTIONS = "clean + template + de-bias, 300000 rows, one core", "captions a second in batches (t5-base shape, float32, 8 tokens)"
PLAN_CPU, FIRST_SHARD = "CPU of a plan of 2.5 million rows", "first missing shard of 5000: time"
REQUESTS, SPARK = "requests of a build to a store, a shard", "share of the ideal on two workers, by Spark's event log"
"""How the names of measured lines begin that a run may lack; what is computed from them is then left out."""
WORKERS = (1, 10, 100)
SHORT = ("clips a second and core", "time on 64 cores", "machine", "shards", "disk", "storage")
"""Lines that the README shows; docs/scale.md has them all."""


@dataclass(frozen=True, slots=True)
class Input:
    """A number that is given and not measured: its unit, and what it means."""

    value: float
    unit: str
    meaning: str


INPUTS = {
    "clips": Input(2_500_000, "clips", "the largest training mix of the paper: AudioCaps, Clotho, LAION-Audio-630K and AudioSet"),
    "length": Input(10, "s a clip", "the length of AudioSet's clips, and of the clips that were measured"),
    "FLAC": Input(
        FLAC_BYTES_PER_SECOND / (2 * SAMPLE_RATE), "of 16-bit sound", "the share that FLAC leaves; `plan --dry-run` uses the same number"
    ),
    "cores": Input(64, "cores", "one large virtual machine, or several small ones"),
    "core price": Input(0.04, "USD a core and hour", "an example of a price for a virtual machine; put in yours"),
    "worker": Input(4, "cores", "a usual virtual machine of a cluster"),
    "request price": Input(5, "USD a million", "an example of a price of requests that write to object storage, the dearest; put in yours"),
    "storage price": Input(23, "USD a TB and month", "an example of a price for object storage; put in yours"),
    "downloads": Input(10, "recordings/s", "an example of what all hosts together may give; they decide, not this program"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the computation: what, how much, and from which numbers."""

    name: str
    value: str
    made_of: str


def scale(rows: Iterable[Row], inputs: Mapping[str, Input] = INPUTS) -> list[Line]:
    """Return what the set of the inputs takes, from the rows of a run of the benchmark."""
    measured = {row.name: row.value for row in rows}
    clips, seconds = inputs["clips"].value, inputs["clips"].value * inputs["length"].value
    rate = measured[CLIPS_A_SECOND] / MEASURED_CORES
    core_hours = clips / rate / 3600
    terabytes = seconds * 2 * SAMPLE_RATE * inputs["FLAC"].value / 1e12
    cores, n_shards = inputs["cores"].value, clips / BuildRecipe.model_fields["shard_size"].default
    downloads = inputs["downloads"].value
    return [
        Line("clips a second and core", f"{rate:.1f}", f"measured: {measured[CLIPS_A_SECOND]:.1f} on {MEASURED_CORES} cores"),
        Line("work", f"{core_hours:,.0f} core hours", "clips / clips a second and core"),
        Line(f"time on {cores:.0f} cores", f"{60 * core_hours / cores:.0f} minutes", "if every core does as much as each of two did"),
        Line("machine", f"{core_hours * inputs['core price'].value:,.2f} USD", "core hours x price of a core"),
        Line(
            "memory", f"{measured[MEMORY]:,.0f} MB", f"measured: a build on {MEASURED_CORES} cores; the length of a clip does not change it"
        ),
        Line("sound", f"{seconds / 3600:,.0f} h", "clips x length"),
        Line("disk", f"{terabytes:.2f} TB", f"sound x {2 * SAMPLE_RATE:,} bytes a second x FLAC"),
        Line("shards", f"{n_shards:,.0f}", f"{terabytes * 1e6 / n_shards:,.0f} MB each, of 512 clips"),
        Line("storage", f"{terabytes * inputs['storage price'].value:,.0f} USD a month", "disk x price of storage"),
        Line("text by rules", f"{clips / measured[TEXT] / 60:.1f} core minutes", f"measured: {measured[TEXT]:,.0f} rows/s on a core"),
        Line(
            "captions by a T5",
            f"{clips / measured[CAPTIONS] / 3600:,.0f} h on {MEASURED_CORES} cores",
            f"measured: {measured[CAPTIONS]:.1f} a second without GPU; equal sets of labels are asked for once, so this is the most",
        ),
        Line("fetching", f"{clips / downloads / 86400:.1f} days", f"if all recordings must be fetched, {downloads:.0f} a second"),
    ]


def limits(rows: Iterable[Row], inputs: Mapping[str, Input] = INPUTS) -> list[Line]:
    """Return what more workers do not make shorter, and how many of them are of use, from the rows of a run of the benchmark."""
    rows = list(rows)
    cores, shard = inputs["worker"].value, _shard_seconds(rows)
    n_shards = inputs["clips"].value / _shard_size()
    serial = _serial_seconds(rows)
    lines = [
        Line("one shard", f"{shard:.0f} s", f"{_shard_size()} clips / clips a second and core: the last one is waited for"),
        *_if(
            rows,
            PLAN_CPU,
            lambda row: Line("the plan", f"{row.value / 60:.1f} core minutes", "measured; made on one machine"),
        ),
        *_if(
            rows,
            FIRST_SHARD,
            lambda row: Line("looking what is there", f"{row.value:.1f} s", "measured, for a build that goes on"),
        ),
        Line(
            "workers that are of use",
            f"{inputs['clips'].value / _rate(rows) / cores / serial:,.0f}",
            "with more, all this takes longer than the shards that each worker makes",
        ),
        Line("workers that have work", f"{n_shards / cores:,.0f}", "shards / cores of a worker: a shard is the smallest part of the work"),
    ]
    lines += _if(rows, SPARK, lambda row: Line("two workers of Spark", f"{100 * row.value:.0f} % of the ideal", "measured"))
    return lines


def workers_table(rows: Iterable[Row], inputs: Mapping[str, Input] = INPUTS) -> str:
    """Return what the set takes on few and many workers, as a table."""
    rows = list(rows)
    work, cores = inputs["clips"].value / _rate(rows), inputs["worker"].value
    price, serial = inputs["core price"].value / 3600, _serial_seconds(rows)
    n_requests = next((row.value for row in rows if row.name.startswith(REQUESTS)), None)
    head = ["workers", "cores", "time", "of the ideal", "machines", *(["requests", "requests cost"] if n_requests is not None else [])]
    table = []
    for n_workers in WORKERS:
        seconds = work / (n_workers * cores) + serial
        cells = [
            f"{n_workers}",
            f"{n_workers * cores:.0f}",
            f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} minutes",
            f"{100 * work / (n_workers * cores) / seconds:.0f} %",
            f"{seconds * n_workers * cores * price:,.2f} USD",
        ]
        if n_requests is not None:
            total = n_requests * inputs["clips"].value / _shard_size()
            cells += [f"{total:,.0f}", f"{total / 1e6 * inputs['request price'].value:,.2f} USD"]
        table.append(cells)
    return _table(head, table)


def limits_table(rows: Iterable[Row]) -> str:
    """Return the limits as a table."""
    return _table(("", "", "computed from"), ((line.name, line.value, line.made_of) for line in limits(rows)))


def _rate(rows: Iterable[Row]) -> float:
    """Return clips a second and core."""
    return next(row.value for row in rows if row.name == CLIPS_A_SECOND) / MEASURED_CORES


def _shard_size() -> int:
    size: int = BuildRecipe.model_fields["shard_size"].default
    return size


def _shard_seconds(rows: Iterable[Row]) -> float:
    """Return the seconds of one shard on one core."""
    return _shard_size() / _rate(rows)


def _serial_seconds(rows: list[Row]) -> float:
    """Return the seconds of a build that more workers do not make shorter: the plan, the look at what is there, the last shard."""
    others = (row.value for begin in (PLAN_CPU, FIRST_SHARD) for row in rows if row.name.startswith(begin))
    return _shard_seconds(rows) + sum(others)


def _if(rows: Iterable[Row], begin: str, line: Callable[[Row], Line]) -> list[Line]:
    return [line(row) for row in rows if row.name.startswith(begin)][:1]


def scale_table(rows: Iterable[Row]) -> str:
    """Return all lines as a table."""
    return _table(("", "", "computed from"), ((line.name, line.value, line.made_of) for line in scale(rows)))


def short_table(rows: Iterable[Row]) -> str:
    """Return the lines of the README as a table of one row."""
    values = {line.name: line.value for line in scale(rows)}
    return _table(SHORT, [[values[name] for name in SHORT]])


def inputs_table(inputs: Mapping[str, Input] = INPUTS) -> str:
    """Return the inputs as a table."""
    return _table(("input", "", "what it is"), ((name, f"{entry.value:,} {entry.unit}", entry.meaning) for name, entry in inputs.items()))


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *map(list, rows))]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])
