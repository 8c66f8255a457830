"""Show in the card which clips of evaluation sets stand in the set, as leaks.json says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from pipeline.output.damage import DamagedFileError
from pipeline.output.json_values import field, mapping, text
from pipeline.output.layout import INDEX, LEAKS, PLAN
from pipeline.output.snapshot import Snapshot
from pipeline.report.papers.markdown import table

NOT_COMPARED = "Not compared with evaluation sets: `laion-audio leaks DIR --against RECIPE` does, and this card then shows what it found."


def leaks_lines(snapshot: Snapshot) -> Iterator[str]:
    """Yield the section: a row for each benchmark, or that nothing was compared."""
    if LEAKS not in snapshot.files:
        yield NOT_COMPARED
        return
    try:
        value = snapshot.folder.read_json(LEAKS)
        rows = [_row(mapping(each, "a benchmark")) for each in field(value, "benchmarks", _benchmarks)]
        is_current = field(value, "plan_sha256", text) == sha256(snapshot.folder.read(f"{PLAN}/{INDEX}")).hexdigest()
    except (DamagedFileError, ValueError) as error:
        yield f"{LEAKS} cannot be read: {' '.join(str(error).split())}"
        return
    if not is_current:
        yield f"Compared with an earlier plan of this set: run `laion-audio leaks` again. {LEAKS} has the clips."
        yield ""
    yield from table(("evaluation set", "its clips", "clips in training", "state", "found by"), rows)


def _benchmarks(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{name} is not a list")
    return value


def _row(benchmark: Mapping[str, Any]) -> tuple[str, ...]:
    evidence = [mapping(each, "evidence") for each in benchmark.get("evidence") or ()]
    kinds = ", ".join(f"{each.get('kind')} {each.get('n_found')}" for each in evidence if each.get("n_found"))
    return (*(str(benchmark.get(name, "")) for name in ("name", "n_clips", "n_leaks", "state")), kinds)
