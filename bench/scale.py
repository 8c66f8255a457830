"""Compute what a large set takes: time, disk and money, from measured figures and a few stated inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.measure import Row
from pipeline.recipe.model import BuildRecipe
from pipeline.records import SAMPLE_RATE
from pipeline.verbs.estimate import FLAC_BYTES_PER_SECOND

CLIPS_A_SECOND = "clips a second, 2 cores"
MEASURED_CORES = 2
MEMORY = "highest resident memory of a build, all processes"
TEXT, CAPTIONS = "clean + template + de-bias, 300000 rows, one core", "captions a second in batches (t5-base shape, float32, 8 tokens)"
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
