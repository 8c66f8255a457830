"""Report samples that are copies of each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from pipeline.counted import counted
from pipeline.verbs.similar import Similar, by_splits, leaking_splits

MAX_LINES = 40  # pairs that are printed; `--json` prints all


def similar_table(similar: Sequence[Similar]) -> Table | str:
    """Return a table of how many pairs are in each pair of splits, leaks first; a line without any."""
    if not similar:
        return "no two samples of different recordings are copies"
    leaks = leaking_splits(similar)
    table = Table(title="samples that are copies of each other", title_justify="left")
    for name in ("split", "split ", "pairs", ""):
        table.add_column(name, justify="right" if name == "pairs" else "left")
    for splits, count in by_splits(similar).items():
        table.add_row(*splits, f"{count:,}", "leak" if splits in leaks else "")
    return table


def similar_lines(similar: Sequence[Similar]) -> Iterator[str]:
    """Yield a line for each of the first pairs, and one that says how many more there are."""
    for each in similar[:MAX_LINES]:
        yield (
            f"{each.first.source} {each.first.id} ({each.first.shard}) = {each.second.source} {each.second.id} ({each.second.shard}), "
            f"{each.match.seconds:.1f} s from second {max(0.0, each.match.offset):.1f}, {each.match.share:.0%} of peaks"
        )
    if len(similar) > MAX_LINES:
        yield f"{counted(len(similar) - MAX_LINES, 'more pair')}: --json prints all"
