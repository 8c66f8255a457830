"""Kinds of damage in the folder itself: files that are missing, replaced by something else, or too many."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.damage import (
    BOOKS,
    DATASET,
    MARKER,
    OTHER,
    PLAN_FILE,
    SHARD,
    SIZES,
    TAR,
    VALID,
    Built,
    Damage,
    copy_file,
    with_bytes,
    with_table,
)
from tests.damage_plan import EQUAL, HASH, LEFT_OUT, OF_PLAN, PLAN


def _written(name: str, data: bytes) -> Callable[[Built], None]:
    def run(built: Built) -> None:
        built.path(name).parent.mkdir(parents=True, exist_ok=True)
        built.path(name).write_bytes(data)

    return run


def _removed(name: str) -> Callable[[Built], None]:
    return lambda built: built.path(name).unlink()


def _a_folder(name: str, filled: bool = False) -> Callable[[Built], None]:
    def run(built: Built) -> None:
        built.path(name).unlink()
        built.path(name).mkdir()
        if filled:
            (built.path(name) / "file").write_bytes(b"x")

    return run


def _a_link(name: str, target: str) -> Callable[[Built], None]:
    """Put a link in place of a file: to nothing, to itself, or to a file that no process may read."""

    def run(built: Built) -> None:
        built.path(name).unlink()
        built.path(name).symlink_to(target)

    return run


def _a_pipe(name: str) -> Callable[[Built], None]:
    def run(built: Built) -> None:
        built.path(name).unlink()
        os.mkfifo(built.path(name))

    return run


def _a_hole(name: str) -> Callable[[Built], None]:
    def run(built: Built) -> None:
        built.path(name).write_bytes(b"")
        os.truncate(built.path(name), 40 << 30)

    return run


def _stray(name: str, like: str = TAR) -> Damage:
    return Damage(f"stray: {name}", name, lambda built: copy_file(built, like, name))


def _swapped(first: str, second: str) -> Callable[[Built], None]:
    def run(built: Built) -> None:
        for ending in (".tar", ".parquet", "_stats.json"):
            left, right = built.path(first + ending), built.path(second + ending)
            data = left.read_bytes()
            left.write_bytes(right.read_bytes())
            right.write_bytes(data)

    return run


def _swapped_and_renamed(built: Built) -> None:
    _swapped(SHARD.name, OTHER.name)(built)
    for shard in (SHARD, OTHER):
        built.change_json(f"{shard}_stats.json", lambda marker, shard=shard: marker.update(shard=shard.name))


def _replaced_by_a_file(name: str) -> Callable[[Built], None]:
    def run(built: Built) -> None:
        shutil.rmtree(built.path(name))
        built.path(name).write_bytes(b"x")

    return run


def _sizes(change: Callable[[Any], Any]) -> Callable[[Built], None]:
    return lambda built: built.change_json(SIZES, change)


EACH = (TAR, BOOKS, MARKER, PLAN_FILE, PLAN, LEFT_OUT, EQUAL, SIZES, "recipe.toml", "build.json", "README.md")
OF_FOLDER = [
    *(Damage(f"missing: {name}", MARKER if name == MARKER else name, _removed(name)) for name in EACH),
    *(Damage(f"a folder: {name}", name, _a_folder(name)) for name in (*EACH, ".recordings")),
    *(Damage(f"a folder with a file: {name}", name, _a_folder(name, filled=True)) for name in EACH),
    *(Damage(f"a link to nothing: {name}", name, _a_link(name, "gone")) for name in EACH),
    *(Damage(f"a link to itself: {name}", name, _a_link(name, Path(name).name)) for name in EACH),
    *(Damage(f"cannot be read: {name}", name, _a_link(name, "/proc/self/mem")) for name in (*EACH, ".recordings")),
    *(Damage(f"a pipe: {name}", name, _a_pipe(name)) for name in (*EACH, ".recordings")),
    *(Damage(f"without end: {name}", name, _a_link(name, "/dev/zero")) for name in (*EACH, ".recordings")),
    *(Damage(f"40 GB of zeros: {name}", name, _a_hole(name)) for name in (*EACH, ".recordings")),
    Damage("a file: a split", MARKER, _replaced_by_a_file(f"{DATASET}/train")),
    Damage("a file: the plan", PLAN, _replaced_by_a_file("plan")),
    *(
        Damage(f"sizes: {name}", SIZES, _sizes(change))
        for name, change in {
            "other count": lambda sizes: sizes.update({"0.tar": 1}),
            "a tar more": lambda sizes: sizes.update({"9.tar": 4}),
            "a tar less": lambda sizes: sizes.pop("0.tar") and None,
            "a count as text": lambda sizes: sizes.update({"0.tar": str(sizes["0.tar"])}),
            "a count as float": lambda sizes: sizes.update({"0.tar": float(sizes["0.tar"])}),
            "a count that is null": lambda sizes: sizes.update({"0.tar": None}),
            "other order": lambda sizes: dict(reversed(sizes.items())),
            "a list": lambda _: [1, 2],
            "a number": lambda _: 7,
        }.items()
    ),
    Damage("sizes: not JSON", SIZES, with_bytes(lambda _: b"{", SIZES)),
    Damage("recipe: binary", "recipe.toml", with_bytes(lambda _: os.urandom(500), "recipe.toml")),
    Damage("recipe: empty", "recipe.toml", with_bytes(lambda _: b"", "recipe.toml")),
    Damage("recipe: other size of shards", "build.json", with_bytes(lambda data: data.replace(b"= 8", b"= 9"), "recipe.toml")),
    Damage("recipe: other limits", MARKER, with_bytes(lambda data: data.replace(b"7200.0", b"60.0"), "recipe.toml")),
    Damage("recipe: other dataset", "recipe.toml", with_bytes(lambda data: data.replace(DATASET.encode(), b"Other"), "recipe.toml")),
    Damage("recipe: other source", "recipe.toml", with_bytes(lambda data: data.replace(b'"table"', b'"clouds"'), "recipe.toml")),
    Damage("recipe: unknown key", "recipe.toml", with_bytes(lambda data: b"more = 1\n" + data, "recipe.toml")),
    *(
        Damage(f"build.json: {name}", "build.json", lambda b, c=change: b.change_json("build.json", c))
        for name, change in {
            "a list": lambda _: [],
            "empty": lambda _: {},
            "other recipe": lambda record: record.update(recipe="x"),
            "other format": lambda record: record.update(format=99),
            "versions of another type": lambda record: record.update(versions=[1]),
            "command of another type": lambda record: record.update(command="x"),
            "engine missing": lambda record: record.pop("engine") and None,
            "other hash of the recipe": lambda record: record.update(recipe_sha256=HASH),
        }.items()
    ),
    Damage("build.json: garbage", "build.json", with_bytes(lambda _: b"\0garbage", "build.json")),
    Damage("README: other files", "README.md", with_bytes(lambda data: data.replace(b"/*.tar", b"/0.tar"), "README.md")),
    Damage("addresses: no texts", f"plan/addresses/{SHARD}.json", _written(f"plan/addresses/{SHARD}.json", b"[1]")),
    Damage("addresses: of no shard", "plan/addresses/Else/train/0.json", _written("plan/addresses/Else/train/0.json", b"{}")),
    Damage("retired shards", "plan/retired.json", _written("plan/retired.json", b"[]")),
    Damage("moved shards", f".moved/0/{TAR}", _written(f".moved/0/{TAR}", b"x")),
    Damage("recordings: garbage", ".recordings", with_bytes(lambda _: b"garbage", ".recordings")),
    Damage(
        "recordings: no shards", ".recordings", with_table(".recordings", lambda table: table.replace_schema_metadata({"shards": "{}"}))
    ),
    _stray(f"{DATASET}/train/77.tar"),
    _stray(f"{DATASET}/train/77.parquet", BOOKS),
    _stray(f"{DATASET}/train/77_stats.json", MARKER),
    _stray("Else/train/0.tar"),
    _stray("Else/train/0.parquet", BOOKS),
    _stray(f"{DATASET}/train/0.tar.part"),
    _stray(f"{DATASET}/train/00.tar"),
    _stray(f"plan/{DATASET}/train/00077.parquet", PLAN_FILE),
    _stray(f"plan/{DATASET}/train/0.parquet", PLAN_FILE),
    _stray("plan/notes.txt"),
    _stray("plan.new/rejections.parquet", LEFT_OUT),
    _stray("photo.jpg"),
    _stray("train/deep/below/photo.jpg"),
    _stray(f"{DATASET}/train/two\nlines.tar"),
    Damage("two shards swapped", MARKER, _swapped(SHARD.name, OTHER.name)),
    Damage("two shards of two splits swapped", MARKER, _swapped(SHARD.name, VALID.name)),
    Damage("two shards swapped and renamed", MARKER, _swapped_and_renamed),
]
FILES = [*OF_PLAN, *OF_FOLDER]
