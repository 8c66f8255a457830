"""Make the set that every engine builds: more than 300 clips of all formats with every fault that a build meets; and an edit of it."""

from __future__ import annotations

import contextlib
import csv
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.fates import make_fates
from tests.loopback import Loopback
from tests.sounds import FORMATS, by_soundfile, tone
from tests.tiny_t5 import make_t5

BEFORE, AFTER = "before", "after"
MTIME = {BEFORE: 1_700_000_000, AFTER: 1_700_000_100}
"""Unix time of the files of a state: a recording whose time changed counts as replaced."""
N_PITCHES, N_LABELLED, N_WEB, N_FOLEY = 4, 60, 24, 40
SOUND = by_soundfile(tone(0.2, 8000, 1, 555.0), 8000, "WAV", "PCM_16")
LABELS = ("Dog;Bark", "Rain", "Speech;Rain", "Siren", "Thunder", "Wind;Hum")
WEB_FAULTS = (
    "/status/404/a.wav",
    "/status/403/a.wav",
    "/status/410/a.wav",
    "/html/a.wav",
    "/loop/a.wav",
    "/nowhere/a.wav",
    "/huge/a.wav",
    "/noai/a.wav",
    "/not-http/a.wav",
    "/truncated-once/a.wav",
    "/weak-once/a.wav",
    "/reset-once/a.wav",
    "/chunked/a.wav",
)
RECIPE = """
name = "engines"
captions = "t5"
shard_size = 40
allow_private = true
holdout = ["Fates:test", "Mixed:test"]

[t5]
model = "t5"
batch = 4

[[sources]]
source = "table"
dataset = "Fates"
path = "clips.csv"

[[sources]]
source = "table"
dataset = "Mixed"
path = "mixed.csv"

[[sources]]
source = "table"
dataset = "Labelled"
path = "labelled.csv"

[[sources]]
source = "table"
dataset = "Web"
path = "web.csv"

[[sources]]
source = "folder"
dataset = "Foley"
root = "foley"
"""
Row = dict[str, str]


@dataclass(frozen=True)
class EngineSet:
    """The recipe, its folder, and the server of the recordings that are not on this disk."""

    folder: Path
    server: Loopback

    @property
    def recipe(self) -> Path:
        """The path of the recipe."""
        return self.folder / "recipe.toml"

    def use(self, state: str) -> None:
        """Put the files of a state into place, and let the server forget what it was asked: its faults come again."""
        for path in sorted((self.folder / state).rglob("*.*")):
            target = self.folder / path.relative_to(self.folder / state)
            shutil.copyfile(path, target)
            os.utime(target, (MTIME[state], MTIME[state]))
        self.server.n_requests.clear()


@contextlib.contextmanager
def engine_set(folder: Path) -> Iterator[EngineSet]:
    """Make the set in an empty folder, and serve its recordings until the context ends."""
    make_fates(folder, n_good=12)
    (folder / "recipe.toml").write_text(RECIPE)
    make_t5(folder / "t5")
    _make_foley(folder / "foley")
    with Loopback(_web_files(), SOUND) as server:
        made = EngineSet(folder, server)
        web = [_row(f"web-{path}", server.url(path), f"A man hears {path}.") for path in (*server.files, *WEB_FAULTS)]
        mixed, labelled = list(_mixed(folder)), list(_labelled(folder))
        _write(folder / BEFORE / "mixed.csv", mixed)
        _write(folder / BEFORE / "labelled.csv", labelled)
        _write(folder / BEFORE / "web.csv", web)
        _write(folder / AFTER / "mixed.csv", _edited(mixed, folder))
        _write(folder / AFTER / "labelled.csv", [row | {"labels": "Rain"} if n == 3 else row for n, row in enumerate(labelled)])
        _write(folder / AFTER / "web.csv", web[2:])
        for state, hz in ((BEFORE, 91.0), (AFTER, 92.0)):
            _put(folder / state / "foley" / "door" / "replaced.wav", by_soundfile(tone(0.3, hz=hz), 44_100, "WAV", "PCM_16"))
        yield made


def _row(name: str, url: str, caption: str = "", labels: str = "", split: str = "train") -> Row:
    return {"id": name, "url": url, "caption": caption, "labels": labels, "split": split}


def _mixed(folder: Path) -> Iterator[Row]:
    """Yield clips of every format at several pitches; some recordings are in two rows, or in two splits."""
    for number, (name, kind) in enumerate(sorted(FORMATS.items())):
        for step in range(N_PITCHES):
            path = f"mixed/{name}-{step}.bin"
            sound = kind.make(tone(0.25, kind.rate, kind.n_channels, 200 + 7 * number + 400 * step), kind.rate)
            _put(folder / path, sound)
            split = {0: "test", 1: "valid"}.get((number + step) % 9, "train")
            yield _row(f"{name}-{step}", path, f"A woman plays note {number} as {name}.", split=split)
            if number % 7 == step:
                yield _row(f"{name}-{step}-again", path, "The same recording again.", split="train")


def _labelled(folder: Path) -> Iterator[Row]:
    """Yield clips that have only labels: a T5 writes their captions."""
    for number in range(N_LABELLED):
        path = f"labelled/{number}.flac"
        _put(folder / path, by_soundfile(_int16(300 + 11 * number), 16_000, "FLAC", "PCM_16"))
        yield _row(f"label-{number}", path, labels=LABELS[number % len(LABELS)], split="valid" if number % 10 == 0 else "train")


def _make_foley(folder: Path) -> None:
    """Write a folder whose folders are labels; every fifth recording sounds like one of `Mixed` or `Labelled`."""
    for number in range(N_FOLEY):
        hz = 300 + 11 * number if number % 5 == 0 else 2000 + 13 * number
        sound = by_soundfile(_int16(hz), 16_000, "WAV", "PCM_16")
        _put(folder / ("door", "steps", "rain")[number % 3] / f"{number}.wav", sound)


def _int16(hz: float) -> np.ndarray:
    """Return a tone as integers, which every lossless format keeps: 3,200 frames at 16 kHz."""
    return np.rint(tone(0.2, 16_000, 1, hz) * 32767).astype(np.int16)


def _web_files() -> dict[str, bytes]:
    sounds = (by_soundfile(tone(0.2, 8000, 1, 700 + 17 * number), 8000, "WAV", "PCM_16") for number in range(N_WEB))
    return {f"/{number}.wav": sound for number, sound in enumerate(sounds)}


def _edited(rows: list[Row], folder: Path) -> list[Row]:
    """Return a table after an edit: rows gone, rows with other text or in another split, and new rows."""
    edited = [row | {"caption": "Somebody wrote this anew."} if n % 40 == 5 else row for n, row in enumerate(rows) if n % 20 != 7]
    edited = [row | {"split": "valid"} if n % 50 == 11 and row["split"] == "train" else row for n, row in enumerate(edited)]
    for number in range(12):
        path = f"mixed/new-{number}.wav"
        _put(folder / path, by_soundfile(tone(0.2, 22_050, 1, 3000 + 19 * number), 22_050, "WAV", "PCM_16"))
        edited.append(_row(f"new-{number}", path, f"New sound {number}."))
    return edited


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _write(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
