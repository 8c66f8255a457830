"""A small built set to damage, and ways to change its files: with checksums that reveal the change, or that were made to agree."""

from __future__ import annotations

import csv
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

from pipeline.output.books import read_books, write_books
from pipeline.output.markers import facts_of
from pipeline.output.plan_files import CLIPS, ROWS_SHA256, plan_line, read_rows_of, rows_sha256
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.records import Clip, ShardId
from pipeline.verbs.build import build
from tests.eager import EagerEngine
from tests.fates import tone, unwatched

DATASET = "Damage"
SHARD, OTHER, VALID = (ShardId(DATASET, *name) for name in (("train", 0), ("train", 1), ("valid", 0)))
TAR, BOOKS, MARKER = f"{SHARD}.tar", f"{SHARD}.parquet", f"{SHARD}_stats.json"
PLAN_FILE, SIZES = f"plan/{DATASET}/train/00000.parquet", f"{DATASET}/train/sizes.json"
RECIPE = f"""
name = "damage"
shard_size = 8

[[sources]]
source = "table"
dataset = "{DATASET}"
path = "clips.csv"
title = "title"
license = "license"
"""
Members = list[tuple[str, bytes]]
Row = dict[str, Any]


def make_set(root: Path) -> Path:
    """Build a set of three shards: samples, rejections, equal sounds in and over shards, and rows that were left out; return its folder."""
    rows = [["id", "url", "start", "end", "caption", "labels", "title", "license", "split"]]
    for n in range(14):  # sounds 0 to 4 are heard twice, so each shard has a clip that is left out as equal
        soundfile.write(root / f"{n}.wav", tone(200 + 50 * (n % 9), 0.05, 48_000), 48_000, subtype="PCM_16")
        rows.append([f"c{n}", f"{n}.wav", "", "", f"Sound number {n}.", f"tag {n};tone", f"Title {n}", "CC0-1.0", "train"])
    rows += [
        ["part", "0.wav", "0.01", "0.03", "A part.", "", "", "", "train"],
        ["gone", "gone.wav", "", "", "Nothing.", "", "", "", "train"],
        ["same", "8.wav", "", "", "Again.", "", "", "", "valid"],
        ["other", "7.wav", "0.01", "0.04", "Another part.", "", "", "", "valid"],
        ["textless", "5.wav", "0", "0.02", "", "", "", "", "train"],
        ["twice", "1.wav", "", "", "The same excerpt.", "", "", "", "train"],
    ]
    with (root / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    (root / "recipe.toml").write_text(RECIPE)
    build(load_recipe(str(root / "recipe.toml")), Folder(str(root / "out")), None, EagerEngine(), unwatched)
    shutil.rmtree(root / "out" / ".work", ignore_errors=True)
    return root / "out"


@dataclass(frozen=True)
class Built:
    """A built set whose files a test changes. Unless a method says otherwise, checksums elsewhere then reveal the change."""

    root: Path

    @cached_property
    def folder(self) -> Folder:
        return Folder(str(self.root))

    def path(self, name: str) -> Path:
        return self.root / name

    def json(self, name: str) -> Any:
        return json.loads(self.path(name).read_text())

    def change_json(self, name: str, change: Callable[[Any], Any]) -> None:
        """Replace the content of a JSON file by what `change` returns, or, if that is nothing, by what it changed in place."""
        value = self.json(name)
        new = change(value)
        self.path(name).write_text(json.dumps(value if new is None else new, indent=1))

    def rows(self, shard: ShardId = SHARD) -> list[Row]:
        return read_books(self.folder, shard).to_pylist()

    def row(self, status: str = "sample", reason: str | None = None, number: int = 0) -> Row:
        """Return a row of the books of SHARD by its status and reason."""
        return [row for row in self.rows() if row["status"] == status and row["reason"] == reason][number]

    def change_rows(self, change: Callable[[list[Row]], list[Row] | None]) -> None:
        rows = self.rows()
        write_books(change(rows) or rows, self.path(BOOKS))

    def change_row(self, key: str, **values: Any) -> None:
        """Change values of one row of the books."""
        self.change_rows(lambda rows: [row | (values if row["key"] == key else {}) for row in rows])

    def change_table(self, name: str, change: Callable[[pa.Table], pa.Table]) -> None:
        table = change(pq.read_table(self.path(name), partitioning=None))
        pq.write_table(table, self.path(name), compression="zstd")

    def clips(self) -> list[Clip]:
        return read_rows_of(self.folder, SHARD)

    def change_clips(self, change: Callable[[list[Clip]], list[Clip]], agree: bool = True) -> None:
        """Change the plan rows of SHARD; with `agree` plan.json agrees with them."""
        clips = change(self.clips())
        rows = [json.loads(plan_line(clip, clip.key)) for clip in clips]  # with numbers that a plan never has
        table = pa.Table.from_pylist(rows, CLIPS).replace_schema_metadata({ROWS_SHA256: rows_sha256(clips)})
        pq.write_table(table, self.path(PLAN_FILE))
        if agree:
            entry = {"rows": len(clips), "rows_sha256": rows_sha256(clips)}
            self.change_json("plan/plan.json", lambda plan: plan["shards"].update({SHARD.name: entry}))

    def members(self) -> Members:
        with tarfile.open(self.path(TAR)) as tar:
            return [(member.name, tar.extractfile(member).read()) for member in tar]  # type: ignore[union-attr]

    def write_members(self, members: Iterable[tuple[str, bytes]], kind: int = tarfile.USTAR_FORMAT, **header: Any) -> None:
        """Write the tar of SHARD; `header` sets fields of the first header."""
        with tarfile.open(self.path(TAR), "w", format=kind) as tar:
            for name, data in members:
                member = tarfile.TarInfo(name)
                member.size = len(data)
                for field, value in header.items():
                    setattr(member, field, value)
                header = {}
                tar.addfile(member, io.BytesIO(data))

    def change_member(self, name: str, change: Callable[[bytes], bytes]) -> None:
        self.write_members([(each, change(data) if each == name else data) for each, data in self.members()])

    def change_sample(self, key: str, change: Callable[[Any], Any]) -> None:
        """Change the JSON of a sample, as `change_json` does."""

        def changed(data: bytes) -> bytes:
            value = json.loads(data)
            new = change(value)
            return json.dumps(value if new is None else new, ensure_ascii=False).encode()

        self.change_member(f"{key}.json", changed)

    def frames(self, key: str) -> np.ndarray:
        return soundfile.read(io.BytesIO(dict(self.members())[f"{key}.flac"]), dtype="int16")[0]

    def agree(self, shard: ShardId = SHARD) -> None:
        """Write size and hash of tar and books into the marker, as somebody does who hides a change."""
        facts = {field: asdict(facts_of(self.folder, f"{shard}.{field}")) for field in ("tar", "parquet")}
        self.change_json(f"{shard}_stats.json", lambda marker: marker.update(facts))


def flac(frames: np.ndarray, rate: int = 48_000, subtype: str = "PCM_16", kind: str = "FLAC") -> bytes:
    """Return frames as a sound file in memory."""
    buffer = io.BytesIO()
    soundfile.write(buffer, frames, rate, format=kind, subtype=subtype)
    return buffer.getvalue()


@dataclass(frozen=True)
class Damage:
    """A kind of damage: `change` makes it and may return the key that a fault must name; `file` must be named too.

    `agrees` says that a second variant makes the marker agree; `deep` that only decoding can find that variant.
    """

    name: str
    file: str
    change: Callable[[Built], str | None]
    agrees: bool = False
    deep: bool = False


def with_bytes(change: Callable[[bytes], bytes], name: str) -> Callable[[Built], None]:
    def run(built: Built) -> None:
        built.path(name).write_bytes(change(built.path(name).read_bytes()))

    return run


def with_table(name: str, change: Callable[[pa.Table], pa.Table]) -> Callable[[Built], None]:
    return lambda built: built.change_table(name, change)


def copy_file(built: Built, name: str, to: str) -> None:
    built.path(to).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(built.path(name), built.path(to))
