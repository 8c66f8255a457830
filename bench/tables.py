"""`python -m bench.tables [RESULTS.json]`: write the figures of a run into README and docs, so that none of them is typed by hand.

RESULTS.json is what `python -m bench` wrote; of the parts that it has not measured, the last figures stay. Without it, the documents are
written again from `docs/bench.json`, the last results.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.measure import Row
from bench.plan_scale import large_plans
from bench.plot import plot
from bench.scale import inputs_table, limits_table, scale_table, short_table, workers_table

ROOT = Path(__file__).parent.parent
SHOWN = ROOT / "docs" / "bench.json"
DOCUMENTS = (ROOT / "README.md", *(ROOT / "docs" / f"{name}.md" for name in ("audio", "captions", "plans", "scale", "training")))
"""Pages that hold figures."""
BLOCK = re.compile(r"<!-- bench:([a-z+]+) -->\n.*?<!-- end -->", re.DOTALL)
SUMMARY = (
    "clips a second, 2 cores",
    "CPU a clip, plan and books included",
    "CPU of one system ffmpeg a clip / ours",
    "CPU of the shards through Beam / a plain process pool",
    "wav: system ffmpeg / ours",
    "m4a: system ffmpeg / ours",
    "all formats: static ffmpeg / ours",
    "all formats: LAION's protocol / ours",
    "all formats: ours / the libraries alone",
    "wav, 3600 s: memory over that of ten seconds",
    "ours: signal to noise at 20000 Hz, 44.1 -> 48 kHz",
    "step of 8, laion-clap / ours in fp32",
    "front-end of a 10 s clip, laion-clap / ours",
    "memory of a step in 8 parts / in one",
)
"""Rows that docs/scale.md shows first; the other pages have them all."""


MAKERS: dict[str, Callable[[list[Row]], str]] = {
    "inputs": lambda _: inputs_table(),
    "limits": limits_table,
    "millions": large_plans,
    "scale": scale_table,
    "short": short_table,
    "workers": workers_table,
}
"""Block of a page -> the function that computes it."""


def read(path: Path) -> tuple[list[Row], str]:
    """Return the rows of a run, and the sentence that says where and with what they were measured."""
    record = json.loads(path.read_text())
    rows = [Row(**{key: value for key, value in row.items() if key != "reached"}) for row in record["rows"]]
    return rows, _where(record) + "".join(f" Part {name}: {_where(part)}" for name, part in record.get("parts", {}).items())


def _where(record: dict[str, Any]) -> str:
    machine, versions = record["machine"], ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    return f"{record['measured'][:10]}, {machine['cpu']}, {machine['cores']} cores; {versions}."


def merged(new: dict[str, Any], shown: dict[str, Any]) -> dict[str, Any]:
    """Return the results of a run, with those that are shown of the parts that it has not measured.

    `parts` holds for each part that was measured alone where and when that was.
    """
    measured = {row["bench"] for row in new["rows"]}
    others = [row for row in shown["rows"] if row["bench"] not in measured]
    if not others:
        return new
    where = {name: value for name, value in new.items() if name != "rows"}
    return shown | {"rows": [*others, *new["rows"]], "parts": shown.get("parts", {}) | dict.fromkeys(sorted(measured), where)}


def as_documents(path: Path) -> dict[Path, str]:
    """Return the documents with every marked block made from a run."""
    rows, where = read(path)
    return {document: BLOCK.sub(lambda match: _block(match[1], rows, where), document.read_text()) for document in DOCUMENTS}


def _block(name: str, rows: list[Row], where: str) -> str:
    if name == "formats":
        body = pivot([row for row in rows if row.bench == "formats"])
    elif name == "summary":
        body = listed([row for title in SUMMARY for row in rows if row.name == title])
    elif name == "where":
        body = where
    elif name in MAKERS:
        body = MAKERS[name](rows)
    else:
        body = listed([row for row in rows if row.bench in name.split("+")])
    return f"<!-- bench:{name} -->\n{body}\n<!-- end -->"


def listed(rows: list[Row]) -> str:
    """Return rows as a table, a line each."""
    lines = [f"| {row.name} | {figure(row)} | {spread(row)} | {verdict(row)} |" for row in rows]
    return "\n".join(["| | median | lowest to highest | target |", "|---|---|---|---|", *lines])


def pivot(rows: list[Row]) -> str:
    """Return rows named `kind: what` as a table, a line a kind.

    >>> print(pivot([Row("formats", "wav: CPU a clip, ours", 9.96, "ms"), Row("formats", "wav: x / ours", 7.06, "x", None, ">= 8")]))
    | | CPU a clip, ours | x / ours |
    |---|---|---|
    | wav | 10.0 ms | 7.1 (8 missed) |
    """
    cells: dict[str, dict[str, Row]] = {}
    for row in rows:
        kind, _, what = row.name.partition(": ")
        cells.setdefault(kind, {})[what] = row
    columns = list(dict.fromkeys(what for by_what in cells.values() for what in by_what))
    lines = [
        f"| {kind} | " + " | ".join(_cell(by_what[what]) if what in by_what else "" for what in columns) + " |"
        for kind, by_what in cells.items()
    ]
    return "\n".join([f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|", *lines])


def _cell(row: Row) -> str:
    limit = row.target.removeprefix(">= ").removeprefix("<= ")
    return figure(row) + (f" ({limit} {'reached' if row.reached else 'missed'})" if row.target else "")


def figure(row: Row) -> str:
    """Return a value as people write it, with its unit unless that is `x`."""
    digits = 0 if abs(row.value) >= 1000 else 2 if abs(row.value) < 2 else 1
    return f"{row.value:,.{digits}f}" + ("" if row.unit == "x" else f" {row.unit}")


def spread(row: Row) -> str:
    return f"{row.spread[0]:.2f} to {row.spread[1]:.2f}" if row.spread else ""


def verdict(row: Row) -> str:
    return f"{row.target}: {'reached' if row.reached else '**missed**'}" if row.target else ""


def main(arguments: list[str]) -> None:
    """Copy the results, if given, to `docs/bench.json`, and write the documents."""
    if arguments:
        SHOWN.write_text(json.dumps(merged(json.loads(Path(arguments[0]).read_text()), json.loads(SHOWN.read_text())), indent=1) + "\n")
    plot(read(SHOWN)[0], ROOT / "docs" / "conversion.svg")
    for document, text in as_documents(SHOWN).items():
        document.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
