"""Convert sounds of two seconds to one hour: the longer the sound, the less ffmpeg's start-up matters; memory must not grow."""

from __future__ import annotations

import json
import sys
import tempfile
from functools import partial
from pathlib import Path

from bench.corpus import make_sound
from bench.measure import Row, cost_of, in_a_process, paired, ratio
from bench.peers import by_process, ours, static_ffmpeg, system_ffmpeg

SECONDS = (2.0, 10.0, 30.0, 120.0, 3600.0)
KINDS = ("wav", "mp3", "opus")


def rows(quick: bool, corpus: Path) -> list[Row]:
    """Return ffmpeg's CPU over ours for every length, and the memory an hour takes over that of ten seconds."""
    binary = system_ffmpeg() or static_ffmpeg()
    table = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for kind in KINDS[:1] if quick else KINDS:
            lengths = SECONDS[:4] if quick else SECONDS
            table += [_ratio(kind, seconds, binary, corpus, Path(folder), quick) for seconds in lengths]
            if not quick:
                table.append(_memory(kind, corpus))
    return table


def _ratio(kind: str, seconds: float, binary: str, corpus: Path, folder: Path, quick: bool) -> Row:
    sound = make_sound(kind, seconds, 0, corpus)
    repeat = max(1, round(20 / seconds))
    ways = {"ours": partial(_repeated, ours, repeat), "ffmpeg": partial(_repeated, by_process(binary), repeat)}
    n_rounds = 2 if seconds > 1000 else 3 if quick else 5
    costs = paired({name: partial(cost_of, partial(way, sound, folder)) for name, way in ways.items()}, n_rounds)
    value, spread = ratio([cost.cpu for cost in costs["ffmpeg"]], [cost.cpu for cost in costs["ours"]])
    return Row("lengths", f"{kind}, {seconds:g} s: one ffmpeg a clip / ours", value, "x", spread, ">= 1" if seconds == 3600 else "")


def _repeated(way: object, n_times: int, sound: Path, folder: Path) -> None:
    assert callable(way)
    for _ in range(n_times):
        way(sound, folder)


def _memory(kind: str, corpus: Path) -> Row:
    short, long = make_sound(kind, 10.0, 0, corpus), make_sound(kind, 3600.0, 0, corpus)
    answer = in_a_process("bench.lengths", short, long)
    return Row("lengths", f"{kind}, 3600 s: memory over that of ten seconds", answer["extra_mb"], "MB", None, "<= 200")


def _highest_mb() -> float:
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in status if line.startswith("VmHWM"))) / 1024


def main(arguments: list[str]) -> None:
    """Convert a short sound and a long one in this process, and print how much more memory the second took."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        ours(Path(arguments[0]), Path(folder))
        before = _highest_mb()
        ours(Path(arguments[1]), Path(folder))
        print(json.dumps({"extra_mb": _highest_mb() - before}))


if __name__ == "__main__":
    main(sys.argv[1:])
