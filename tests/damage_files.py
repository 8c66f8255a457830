"""Kinds of damage in the plan, and in the folder itself: files that are missing, replaced by something else, or too many."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.output.plan_files import REJECTIONS
from pipeline.records import Caption, Clip
from tests.damage import BOOKS, DATASET, MARKER, OTHER, PLAN_FILE, SHARD, SIZES, TAR, VALID, Built, Damage

PLAN, LEFT_OUT, EQUAL = "plan/plan.json", "plan/rejections.parquet", "plan/equal_sounds.parquet"
ENTRY, HASH = SHARD.name, "0" * 64


def _bytes(change: Callable[[bytes], bytes], name: str) -> Callable[[Built], None]:
    def run(built: Built) -> None:
        built.path(name).write_bytes(change(built.path(name).read_bytes()))

    return run


def _clips(change: Callable[[list[Clip]], list[Clip]], agree: bool = True) -> Callable[[Built], None]:
    return lambda built: built.change_clips(change, agree)


def _clip(**values: Any) -> Callable[[Built], None]:
    return _clips(lambda clips: [replace(clips[0], **values), *clips[1:]])


def _plan_agreeing(**values: Any) -> Callable[[Built], str]:
    """Change a plan row, and make plan.json and the marker agree; only books and tar then say what it was."""

    def run(built: Built) -> str:
        key = built.row()["key"]
        built.change_clips(lambda clips: [replace(clip, **values) if clip.key == key else clip for clip in clips])
        rows_sha256 = built.json(PLAN)["shards"][ENTRY]["rows_sha256"]
        built.change_json(MARKER, lambda marker: marker.update(rows_sha256=rows_sha256))
        return key

    return run


def _index(change: Callable[[Any], Any]) -> Callable[[Built], None]:
    return lambda built: built.change_json(PLAN, change)


def _table(name: str, change: Callable[[pa.Table], pa.Table]) -> Callable[[Built], None]:
    return lambda built: built.change_table(name, change)


def _set(table: pa.Table, column: str, value: Any) -> pa.Table:
    return pa.Table.from_pylist([row | {column: value} for row in table.to_pylist()], table.schema)


OF_CLIP = {
    "captions": (Caption("Other."),),
    "labels": (),
    "title": "Other",
    "license": None,
    "creator": "Me",
    "url": "other.wav",
    "start": 1.0,
    "recording": "other",
    "audio_root": "root",
}
SHARDS, THIRD = "shards", f"{DATASET}/train/2"
T5 = {DATASET: {"clips": [1, 1], "sets": [1, 1], "rules": {}}}
COLUMNS = ("dataset", "source", "id", "key", "reason")
OF_PLAN = [
    *(Damage(f"plan: other {name}, in plan.json too", MARKER, _clip(**{name: value})) for name, value in OF_CLIP.items()),
    Damage("plan: other caption, in marker too", TAR, _plan_agreeing(captions=(Caption("Other."),))),
    Damage("plan: other title, in marker too", BOOKS, _plan_agreeing(title="Other")),
    Damage("plan: other labels, in marker too", TAR, _plan_agreeing(labels=("x",))),
    Damage("plan: other address, in marker too", BOOKS, _plan_agreeing(url="other.wav")),
    Damage("plan: other root, in marker too", BOOKS, _plan_agreeing(audio_root="root")),
    Damage("plan: other split", PLAN_FILE, _clip(split="test")),
    Damage("plan: no captions", PLAN_FILE, _clip(captions=())),
    Damage("plan: an end before the start", PLAN_FILE, _clip(start=2.0, end=1.0)),
    Damage("plan: a start that is no number", PLAN_FILE, _clip(start=float("nan"))),
    Damage("plan: a row less", PLAN_FILE, _clips(lambda clips: clips[1:], agree=False)),
    Damage("plan: a row less, in plan.json too", PLAN, _clips(lambda clips: clips[1:])),
    Damage("plan: a row twice", PLAN_FILE, _clips(lambda clips: [clips[0], *clips])),
    Damage("plan: other order", PLAN_FILE, _clips(lambda clips: clips[::-1])),
    Damage("plan: other key", PLAN_FILE, _table(PLAN_FILE, lambda table: _set(table, "key", "x"))),
    Damage("plan: a column less", PLAN_FILE, _table(PLAN_FILE, lambda table: table.drop_columns(["captions"]))),
    Damage("plan: a column more", PLAN_FILE, _table(PLAN_FILE, lambda table: table.append_column("more", pa.nulls(len(table))))),
    Damage("plan: without the hash of the rows", PLAN_FILE, _table(PLAN_FILE, lambda table: table.replace_schema_metadata({}))),
    Damage("plan: the rows of another shard", PLAN_FILE, lambda b: _copy(b, f"plan/{DATASET}/train/00001.parquet", PLAN_FILE)),
    *(
        Damage(f"plan: {name}", PLAN_FILE, _bytes(lambda _, d=data: d, PLAN_FILE))
        for name, data in (("empty", b""), ("magic alone", b"PAR1"), ("garbage", b"PAR1" + b"\x99" * 99 + b"PAR1"))
    ),
    Damage("plan.json: rows read", PLAN, _index(lambda plan: plan["rows_read"].update({DATASET: 5}))),
    Damage("plan.json: rows left out", PLAN, _index(lambda plan: plan["left_out"][DATASET].update(no_text=9))),
    Damage("plan.json: invented reason", PLAN, _index(lambda plan: plan["left_out"][DATASET].update(bored=0))),
    Damage("plan.json: fingerprint", PLAN, _index(lambda plan: plan.update(fingerprint="x"))),
    Damage("plan.json: number of rows", PLAN_FILE, _index(lambda plan: plan[SHARDS][ENTRY].update(rows=3))),
    Damage("plan.json: hash of rows", PLAN_FILE, _index(lambda plan: plan[SHARDS][ENTRY].update(rows_sha256=HASH))),
    Damage("plan.json: a shard less", TAR, _index(lambda plan: plan[SHARDS].pop(ENTRY) and None)),
    Damage("plan.json: a shard more", MARKER.replace("0", "2"), _index(lambda p: p[SHARDS].update({THIRD: p[SHARDS][ENTRY]}))),
    Damage("plan.json: a shard outside", PLAN, _index(lambda plan: plan[SHARDS].update({"../../0": plan[SHARDS][ENTRY]}))),
    Damage("plan.json: a value more", PLAN, _index(lambda plan: plan.update(more=1))),
    Damage("plan.json: another format", PLAN, _index(lambda plan: plan.update(format=99))),
    Damage(
        "plan.json: counts of a T5",
        "plan/t5_texts.parquet",
        _index(lambda plan: plan.update(t5=T5)),
    ),
    *(
        Damage(f"plan.json: {name}", PLAN, _bytes(lambda _, d=data: d, PLAN))
        for name, data in (("empty", b""), ("{}", b"{}"), ("list", b"[]"), ("binary", b"\xff"), ("nested", b"[" * 100_000))
    ),
    *(
        Damage(f"plan.json: {name} of another type", PLAN, _index(lambda plan, n=name: plan.update({n: [1]})))
        for name in ("shards", "rows_read", "left_out", "fingerprint", "t5", "format")
    ),
    Damage("left out: no rows", LEFT_OUT, _table(LEFT_OUT, lambda table: table[:0])),
    Damage("left out: a row twice", LEFT_OUT, _table(LEFT_OUT, lambda table: pa.concat_tables([table, table[:1]]))),
    Damage("left out: other order", LEFT_OUT, _table(LEFT_OUT, lambda table: table[::-1])),
    *(
        Damage(f"left out: other {n}", LEFT_OUT, _table(LEFT_OUT, lambda t, n=n: _set(t, n, "x")))
        for n in ("dataset", "source", "id", "key", "reason")
    ),
    *(Damage(f"left out: {n} null", LEFT_OUT, _table(LEFT_OUT, lambda t, n=n: _set(t, n, None))) for n in REJECTIONS.names),
    Damage("left out: a column less", LEFT_OUT, _table(LEFT_OUT, lambda table: table.drop_columns(["reason"]))),
    Damage("left out: empty", LEFT_OUT, _bytes(lambda _: b"", LEFT_OUT)),
    Damage("left out: damaged", LEFT_OUT, _bytes(lambda data: data[:100], LEFT_OUT)),
    Damage("equal sounds: a row less", EQUAL, _table(EQUAL, lambda table: table[1:])),
    Damage("equal sounds: a row twice", EQUAL, _table(EQUAL, lambda table: pa.concat_tables([table, table[:1]]))),
    Damage("equal sounds: other key", EQUAL, _table(EQUAL, lambda table: _set(table, "key", "table-x"))),
    Damage("equal sounds: other sound", EQUAL, _table(EQUAL, lambda table: _set(table, "pcm_sha256", HASH))),
    Damage("equal sounds: no shard", EQUAL, _table(EQUAL, lambda table: _set(table, "shard", "x"))),
    Damage("equal sounds: hash of other sounds", EQUAL, _table(EQUAL, lambda t: t.replace_schema_metadata({"sounds_sha256": HASH}))),
    Damage("equal sounds: damaged", EQUAL, _bytes(lambda _: b"PAR1", EQUAL)),
]


def _copy(built: Built, name: str, to: str) -> None:
    built.path(to).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(built.path(name), built.path(to))


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
    return Damage(f"stray: {name}", name, lambda built: _copy(built, like, name))


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
    Damage("sizes: not JSON", SIZES, _bytes(lambda _: b"{", SIZES)),
    Damage("recipe: binary", "recipe.toml", _bytes(lambda _: os.urandom(500), "recipe.toml")),
    Damage("recipe: empty", "recipe.toml", _bytes(lambda _: b"", "recipe.toml")),
    Damage("recipe: other size of shards", "build.json", _bytes(lambda data: data.replace(b"= 8", b"= 9"), "recipe.toml")),
    Damage("recipe: other limits", MARKER, _bytes(lambda data: data.replace(b"7200.0", b"60.0"), "recipe.toml")),
    Damage("recipe: other dataset", "recipe.toml", _bytes(lambda data: data.replace(DATASET.encode(), b"Other"), "recipe.toml")),
    Damage("recipe: other source", "recipe.toml", _bytes(lambda data: data.replace(b'"table"', b'"clouds"'), "recipe.toml")),
    Damage("recipe: unknown key", "recipe.toml", _bytes(lambda data: b"more = 1\n" + data, "recipe.toml")),
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
    Damage("build.json: garbage", "build.json", _bytes(lambda _: b"\0garbage", "build.json")),
    Damage("README: other files", "README.md", _bytes(lambda data: data.replace(b"/*.tar", b"/0.tar"), "README.md")),
    Damage("addresses: no texts", f"plan/addresses/{SHARD}.json", _written(f"plan/addresses/{SHARD}.json", b"[1]")),
    Damage("addresses: of no shard", "plan/addresses/Else/train/0.json", _written("plan/addresses/Else/train/0.json", b"{}")),
    Damage("retired shards", "plan/retired.json", _written("plan/retired.json", b"[]")),
    Damage("moved shards", f".moved/0/{TAR}", _written(f".moved/0/{TAR}", b"x")),
    Damage("recordings: garbage", ".recordings", _bytes(lambda _: b"garbage", ".recordings")),
    Damage("recordings: no shards", ".recordings", _table(".recordings", lambda table: table.replace_schema_metadata({"shards": "{}"}))),
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
