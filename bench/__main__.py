"""`python -m bench [--quick] [NAME...]`: measure what this project claims about speed, memory and quality."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import time
from importlib import metadata
from pathlib import Path

from bench.measure import Row
from bench.plot import plot

RESULTS = Path(__file__).parent / "results"
BENCHES = ("build", "captions", "formats", "index", "lengths", "many", "overhead", "plan", "quality", "snapshot", "throughput", "train")
"""Modules of this folder, each with `rows(quick, corpus) -> list[Row]`."""
QUICK = ("formats", "lengths", "quality")
"""Benches that `--quick` runs when none is named: a minute together."""
VERSIONS = ("av", "soundfile", "soxr", "numpy", "apache-beam", "imageio-ffmpeg", "librosa", "torch", "torchaudio")


def main(arguments: list[str]) -> int:
    """Run the benches asked for; exit code 1 when a target is missed."""
    available = [name for name in BENCHES if (Path(__file__).parent / f"{name}.py").exists()]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"one of {', '.join(available)}; all of them without a name, {', '.join(QUICK)} with --quick",
    )
    parser.add_argument("--quick", action="store_true", help="fewer clips and rounds: a minute instead of a quarter of an hour")
    parser.add_argument("--rows", type=int, metavar="N", help="rows of the part plan: 250,000 if not given, 2500000 for a large set")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(available):
        parser.error(f"no bench is called {', '.join(sorted(unknown))}; there are {', '.join(available)}")
    corpus = RESULTS / "corpus"
    table: list[Row] = []
    for name in options.names or (QUICK if options.quick else available):
        began = time.monotonic()
        size = {"n_rows": options.rows} if name == "plan" else {}
        table += importlib.import_module(f"bench.{name}").rows(options.quick, corpus, **size)
        print(f"measured {name} in {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(as_text(table))
    written = write(table, options.quick)
    plot(table, written.with_suffix(".svg"))
    print(f"\nwritten to {written.relative_to(Path.cwd()) if written.is_relative_to(Path.cwd()) else written}")
    return 1 if any(row.reached is False for row in table) else 0


def as_text(table: list[Row]) -> str:
    """Return the table for a terminal, reached and missed targets marked."""
    wide = max(len(row.name) for row in table)
    lines = []
    for number, row in enumerate(table):
        if number == 0 or row.bench != table[number - 1].bench:
            lines += ["", row.bench, "-" * len(row.bench)]
        spread = f"({row.spread[0]:.2f} to {row.spread[1]:.2f})" if row.spread else ""
        mark = {None: "", True: f"reached {row.target}", False: f"MISSED {row.target}"}[row.reached]
        lines.append(f"{row.name:<{wide}}  {row.value:>9.2f} {row.unit:<8} {spread:<20} {mark}".rstrip())
    return "\n".join(lines)


def write(table: list[Row], quick: bool) -> Path:
    """Write results and the versions they were measured with, and return the file."""
    RESULTS.mkdir(exist_ok=True)
    installed = {name: _version(name) for name in VERSIONS}
    record = {
        "measured": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "quick": quick,
        "machine": {"cpu": _cpu_name(), "cores": len(os.sched_getaffinity(0)), "system": platform.platform()},
        "versions": {"python": platform.python_version()} | {name: version for name, version in installed.items() if version},
        "rows": [row.to_json() for row in table],
    }
    path = RESULTS / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.json"
    path.write_text(json.dumps(record, indent=1) + "\n")
    return path


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
