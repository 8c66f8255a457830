"""Make a folder of recordings for every outcome: valid recordings in several formats, and one for each way to fail without network."""

from __future__ import annotations

import contextlib
import csv
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import soundfile

from pipeline.engines.run import Engine
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.verbs.build import Outcome, build
from pipeline.verbs.changes import NO_CHANGES, Changes
from tests.eager import EagerEngine

RECIPE = """
name = "fates"
shard_size = {shard_size}
holdout = ["Fates:test"]

[[sources]]
source = "table"
dataset = "Fates"
path = "clips.csv"
"""
COLUMNS = ["id", "url", "start", "end", "caption", "labels", "split"]
REASONS = {
    "bad_row": 2,
    "corrupt": 1,
    "duplicate": 1,
    "empty": 1,
    "held_out": 1,
    "merged": 1,
    "no_text": 1,
    "not_audio": 1,
    "not_found": 1,
    "out_of_range": 1,
    "silent": 1,
    "unsafe_address": 1,
}


def tone(pitch: float, seconds: float = 0.3, rate: int = 44_100) -> np.ndarray:
    """Return a decaying tone, int16 `(n_frames,)`, different for every pitch."""
    at = np.arange(int(seconds * rate)) / rate
    return np.rint(16_000 * np.sin(2 * np.pi * pitch * at) * np.exp(-3 * at)).astype(np.int16)


def make_fates(root: Path, n_good: int = 12, shard_size: int = 6) -> Path:
    """Write recordings, table and recipe below `root`; return the recipe's path."""
    root.mkdir(parents=True, exist_ok=True)
    rows = [[f"good-{n}", f"good-{n}.{kind}", "", "", f"A man plays note {n}.", "", split] for n, kind, split in _good(root, n_good)]
    soundfile.write(root / "silent.wav", np.zeros(8000, np.int16), 8000)
    soundfile.write(root / "same.flac", tone(200), 44_100, subtype="PCM_16")  # what good-0.wav holds
    soundfile.write(root / "long.wav", tone(77, 3.0), 44_100)
    (root / "page.mp3").write_text("<html>not here</html>")
    (root / "empty.wav").write_bytes(b"")
    (root / "cut.flac").write_bytes((root / "same.flac").read_bytes()[:3000])
    rows += [
        ["excerpt", "long.wav", "0.5", "1.5", "", "tone;hum", "train"],
        ["held", "good-1.flac", "0.1", "", "A held out part.", "", "train"],
        ["repeat", "good-2.wav", "", "", "Said differently.", "", "train"],
        ["same-sound", "same.flac", "", "", "The same sound.", "", "train"],
        ["missing", "gone.wav", "", "", "Nothing.", "", "train"],
        ["page", "page.mp3", "", "", "A page.", "", "train"],
        ["empty", "empty.wav", "", "", "Empty.", "", "train"],
        ["cut", "cut.flac", "", "", "Cut.", "", "train"],
        ["silent", "silent.wav", "", "", "Silence.", "", "train"],
        ["late", "long.wav", "9", "10", "Too late.", "", "train"],
        ["reversed", "long.wav", "2", "1", "Backwards.", "", "train"],
        ["textless", "long.wav", "0", "0.4", "", "", "train"],
        ["local-address", "file:///etc/hosts", "", "", "A file.", "", "train"],
        ["ragged", "long.wav", "0"],
    ]
    with (root / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    (root / "recipe.toml").write_text(RECIPE.format(shard_size=shard_size))
    return root / "recipe.toml"


def _good(root: Path, n_good: int) -> list[tuple[int, str, str]]:
    made = []
    for n in range(n_good):
        kind = ("wav", "flac", "wav", "ogg")[n % 4]
        if not (root / f"good-{n}.{kind}").exists():  # a Vorbis file written again has other bytes
            soundfile.write(root / f"good-{n}.{kind}", tone(200 + 40 * n), 44_100, subtype="VORBIS" if kind == "ogg" else "PCM_16")
        made.append((n, kind, {1: "test", 5: "valid"}.get(n % 8, "train")))
    return made


def command(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run `python -m pipeline` as a user does, in a new process."""
    argv = [sys.executable, "-m", "pipeline", *map(str, arguments)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=300, **options)  # type: ignore[call-overload,no-any-return]


def unwatched(*_: object) -> contextlib.AbstractContextManager[None]:
    """Show no progress."""
    return contextlib.nullcontext()


def appeared(folder: Path, pattern: str) -> bool:
    """Return whether a file that matches the pattern is there now; folders may vanish while they are searched."""
    with contextlib.suppress(FileNotFoundError):
        return any(folder.glob(pattern))
    return False


def build_into(output: Path, recipe: Path, changes: Changes = NO_CHANGES, **engine: object) -> Outcome:
    """Build in this process: eagerly, or on the engine with these settings."""
    runs_on = Engine(**engine) if engine else EagerEngine()  # type: ignore[arg-type]
    return build(load_recipe(str(recipe)), Folder(str(output)), None, runs_on, unwatched, changes=changes)


def published(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of everything in an output folder that must be equal between builds: tars, books, plan, sizes; no evidence."""
    wanted = ("*.tar", "*.parquet", "sizes.json", "plan.json")
    listed = sorted(path for pattern in wanted for path in folder.rglob(pattern) if ".work" not in path.parts)
    files = [path for path in listed if not path.name.endswith("_evidence.parquet")]  # it holds the time of each download
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}
