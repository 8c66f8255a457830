"""Convert ten seconds of sound in eight formats: our converter against ffmpeg, the published protocol, librosa, and the bare libraries."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.corpus import KINDS, make_sound
from bench.measure import Cost, Row, cost_of, paired, ratio
from bench.peers import Way, by_laions_protocol, by_librosa, by_process, has_librosa, library_floor, ours, static_ffmpeg, system_ffmpeg

TARGETS = {"wav": 8, "flac24": 5, "mp3": 5.5, "vorbis": 5, "opus": 3.7, "m4a": 5, "wav48mono": 12}
"""The least ratio that is wanted: CPU of one system ffmpeg a clip / CPU of our converter."""
BY_SOUNDFILE = frozenset({"wav", "flac24", "mp3", "wav48mono", "flac48mono"})
Costs = dict[str, dict[str, list[Cost]]]
"""Kind -> way -> cost of every round."""


def rows(quick: bool, corpus: Path) -> list[Row]:
    """Return the ratios of CPU, by format and over all of them."""
    n_clips, n_rounds = (2, 2) if quick else (6, 5)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        costs = {kind: _measure(kind, n_clips, n_rounds, corpus, Path(folder)) for kind in KINDS}
    return _table(costs, n_clips)


def ways() -> dict[str, Way]:
    """Return every converter that is installed on this machine, by name."""
    system = system_ffmpeg()
    by_name: dict[str, Way] = {"ours": ours, "static ffmpeg": by_process(static_ffmpeg())}
    if system:
        by_name |= {"system ffmpeg": by_process(system), "LAION's protocol": by_laions_protocol(system)}
    return by_name | ({"librosa": by_librosa} if has_librosa() else {})


def _measure(kind: str, n_clips: int, n_rounds: int, corpus: Path, folder: Path) -> dict[str, list[Cost]]:
    sounds = [make_sound(kind, 10.0, seed, corpus) for seed in range(n_clips)]

    def all_of(way: Way) -> None:
        for sound in sounds:
            way(sound, folder)

    def floor() -> Cost:
        return Cost(sum(library_floor(sound, kind in BY_SOUNDFILE) for sound in sounds), 0.0)

    actions: dict[str, Callable[[], Cost]] = {name: partial(cost_of, partial(all_of, way)) for name, way in ways().items()}
    actions["floor"] = floor
    for action in actions.values():
        action()  # once, so that nothing is loaded or allocated for the first time afterwards
    return paired(actions, n_rounds)


def _table(costs: Costs, n_clips: int) -> list[Row]:
    table = []
    for kind, by_way in costs.items():
        mine = statistics.median(cost.cpu for cost in by_way["ours"])
        table.append(Row("formats", f"{kind}: CPU a clip, ours", 1000 * mine / n_clips, "ms"))
        if "system ffmpeg" in by_way:
            table.append(_against(kind, by_way, "system ffmpeg", f">= {TARGETS[kind]}" if kind in TARGETS else ""))
        table += [_against(kind, by_way, name, "") for name in by_way if name not in {"ours", "system ffmpeg", "floor"}]
        table.append(_over_floor(kind, by_way, ""))
    mix = {name: _added([by_way[name] for by_way in costs.values()]) for name in next(iter(costs.values()))}
    targets = {"static ffmpeg": ">= 2.5", "LAION's protocol": ">= 6"}
    table += [_against("all formats", mix, name, targets.get(name, "")) for name in mix if name not in {"ours", "floor"}]
    table.append(_over_floor("all formats", mix, "<= 1.15"))
    return table


def _against(title: str, costs: dict[str, list[Cost]], name: str, target: str) -> Row:
    value, spread = ratio([cost.cpu for cost in costs[name]], [cost.cpu for cost in costs["ours"]])
    return Row("formats", f"{title}: {name} / ours", value, "x", spread, target)


def _over_floor(title: str, costs: dict[str, list[Cost]], target: str) -> Row:
    value, spread = ratio([cost.cpu for cost in costs["ours"]], [cost.cpu for cost in costs["floor"]])
    return Row("formats", f"{title}: ours / the libraries alone", value, "x", spread, target)


def _added(columns: list[list[Cost]]) -> list[Cost]:
    """Return the cost of every round over all formats."""
    return [Cost(sum(cost.cpu for cost in costs), sum(cost.wall for cost in costs)) for costs in zip(*columns, strict=True)]
