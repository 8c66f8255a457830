"""Print a certificate of leaks: what was compared, what was found, and what is not known."""

from __future__ import annotations

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.table import Table

from pipeline.counted import counted
from pipeline.failures import DONE, USAGE, WRONG
from pipeline.output.leaks_file import KINDS, OF_TEXT, Benchmark, Certificate, Evidence, State
from pipeline.report.terminal import console, print_errors, print_json, print_lines

MAX_LEAKS = 20  # lines
NOTE = "-: not compared; 0: compared, and nothing found; 3 of 90: only 90 clips could be compared. An equal text alone is no leak."


def print_certificate(certificate: Certificate, name: str, as_json: bool) -> int:
    """Print a certificate; return the exit code: 1 for a leak, 2 where a benchmark or a shard was not compared, else 0.

    Args:
        name: of the folder that was compared.
    """
    if as_json:
        print_json(certificate.to_json())
    else:
        console().print(leaks_table(certificate, name), highlight=False)
        print_lines(certificate_lines(certificate))
    print_errors(verdict_lines(certificate))
    return WRONG if certificate.n_leaks else DONE if certificate.is_complete else USAGE


def leaks_table(certificate: Certificate, name: str) -> Table:
    """Return a certificate as a table: a row for each benchmark, a column for each kind of evidence."""
    splits = certificate.splits
    n_rows, n_samples = (sum(values) for values in zip(*((each.n_rows, each.n_samples) for each in splits.values()), strict=True))
    title = f"leaks into {name}: {counted(len(splits), 'split')} for training, {counted(n_rows, 'row')}, {counted(n_samples, 'sample')}"
    table = Table(title=title, title_justify="left", caption=NOTE, caption_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("benchmark", overflow="fold")
    for column in ("clips", "leaks", *KINDS):
        table.add_column(column, justify="right", no_wrap=True)
    for each in certificate.benchmarks:
        if each.missing:
            table.add_row(each.name, "missing", *["-"] * (1 + len(KINDS)))
            continue
        n_leaks = "-" if each.state == State.NOT_COMPARED else f"{len(each.leaks):,}"
        table.add_row(each.name, f"{each.n_clips:,}", n_leaks, *(_cell(each.of(kind), each.n_clips) for kind in KINDS))
    return table


def _cell(evidence: Evidence, n_clips: int) -> str:
    if evidence.state == State.NOT_COMPARED:
        return "-"
    part = "" if evidence.n_compared == n_clips else f" of {evidence.n_compared:,}"
    return f"{evidence.n_found:,}{part}"


def certificate_lines(certificate: Certificate) -> Iterator[str]:
    """Yield the clips that leak, what was not compared and why, and what is missing."""
    for benchmark in certificate.benchmarks:
        yield from (f"missing for {benchmark.name}: {what}" for what in benchmark.missing)
    by_reason: dict[str, list[str]] = {}
    for benchmark in certificate.benchmarks:
        for each in benchmark.evidence:
            if each.why:
                by_reason.setdefault(f"{each.kind}: {each.why}", []).append(benchmark.name)
        if benchmark.n_unreadable:
            by_reason.setdefault(f"{counted(benchmark.n_unreadable, 'row')} cannot be read, and were not compared", []).append(
                benchmark.name
            )
    yield from (f"{', '.join(names)}: {reason}" for reason, names in by_reason.items())
    leaks = [(benchmark, leak) for benchmark in certificate.benchmarks for leak in benchmark.leaks]
    for benchmark, leak in leaks[:MAX_LEAKS]:
        rows = ", ".join(f"{row.id} in {row.shard}" for row in leak.rows[:1])
        more = f" and {counted(leak.n_rows - 1, 'row')} more" if leak.n_rows > 1 else ""
        yield f"{benchmark.name} {leak.id} ({', '.join(leak.kinds)}): {rows}{more}"
    if len(leaks) > MAX_LEAKS:
        yield f"and {counted(len(leaks) - MAX_LEAKS, 'clip')} more; --json lists all"


def verdict_lines(certificate: Certificate) -> Iterator[str]:
    """Yield what is wrong: leaks, and benchmarks of which nothing is known."""
    if certificate.n_leaks:
        leaking = [each for each in certificate.benchmarks if each.leaks]
        rows = counted(len(certificate.rows), "row of training", "rows of training")
        yield f"{counted(certificate.n_leaks, 'clip leaks', 'clips leak')}, of {_names(leaking)}, in {rows}"
    if certificate.n_unplanned:
        shards = counted(certificate.n_unplanned, "shard for training was", "shards for training were")
        yield f"{shards} made from another plan, and not compared: build, and compare again"
    if certificate.not_compared:
        yield f"not compared: {_names(certificate.not_compared)}; nothing is known of them"


def known_by(benchmark: Benchmark) -> tuple[str, ...]:
    """Return the kinds of evidence by which a benchmark was compared, without text."""
    return tuple(each.kind for each in benchmark.evidence if each.state != State.NOT_COMPARED and each.kind != OF_TEXT)


def _names(benchmarks: list[Benchmark] | tuple[Benchmark, ...]) -> str:
    return ", ".join(benchmark.name for benchmark in benchmarks)
