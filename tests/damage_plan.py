"""Kinds of damage in the plan: in its rows, in plan.json, and in the files of rows that were left out and of equal sounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa

from pipeline.output.plan_files import REJECTIONS
from pipeline.records import Caption, Clip
from tests.damage import BOOKS, DATASET, MARKER, PLAN_FILE, SHARD, TAR, Built, Damage, copy_file, with_bytes, with_table

PLAN, LEFT_OUT, EQUAL = "plan/plan.json", "plan/rejections.parquet", "plan/equal_sounds.parquet"
ENTRY, HASH = SHARD.name, "0" * 64


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
    Damage("plan: other key", PLAN_FILE, with_table(PLAN_FILE, lambda table: _set(table, "key", "x"))),
    Damage("plan: a column less", PLAN_FILE, with_table(PLAN_FILE, lambda table: table.drop_columns(["captions"]))),
    Damage("plan: a column more", PLAN_FILE, with_table(PLAN_FILE, lambda table: table.append_column("more", pa.nulls(len(table))))),
    Damage("plan: without the hash of the rows", PLAN_FILE, with_table(PLAN_FILE, lambda table: table.replace_schema_metadata({}))),
    Damage("plan: the rows of another shard", PLAN_FILE, lambda b: copy_file(b, f"plan/{DATASET}/train/00001.parquet", PLAN_FILE)),
    *(
        Damage(f"plan: {name}", PLAN_FILE, with_bytes(lambda _, d=data: d, PLAN_FILE))
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
        Damage(f"plan.json: {name}", PLAN, with_bytes(lambda _, d=data: d, PLAN))
        for name, data in (("empty", b""), ("{}", b"{}"), ("list", b"[]"), ("binary", b"\xff"), ("nested", b"[" * 100_000))
    ),
    *(
        Damage(f"plan.json: {name} of another type", PLAN, _index(lambda plan, n=name: plan.update({n: [1]})))
        for name in ("shards", "rows_read", "left_out", "fingerprint", "t5", "format")
    ),
    Damage("left out: no rows", LEFT_OUT, with_table(LEFT_OUT, lambda table: table[:0])),
    Damage("left out: a row twice", LEFT_OUT, with_table(LEFT_OUT, lambda table: pa.concat_tables([table, table[:1]]))),
    Damage("left out: other order", LEFT_OUT, with_table(LEFT_OUT, lambda table: table[::-1])),
    *(
        Damage(f"left out: other {n}", LEFT_OUT, with_table(LEFT_OUT, lambda t, n=n: _set(t, n, "x")))
        for n in ("dataset", "source", "id", "key", "reason")
    ),
    *(Damage(f"left out: {n} null", LEFT_OUT, with_table(LEFT_OUT, lambda t, n=n: _set(t, n, None))) for n in REJECTIONS.names),
    Damage("left out: a column less", LEFT_OUT, with_table(LEFT_OUT, lambda table: table.drop_columns(["reason"]))),
    Damage("left out: empty", LEFT_OUT, with_bytes(lambda _: b"", LEFT_OUT)),
    Damage("left out: damaged", LEFT_OUT, with_bytes(lambda data: data[:100], LEFT_OUT)),
    Damage("equal sounds: a row less", EQUAL, with_table(EQUAL, lambda table: table[1:])),
    Damage("equal sounds: a row twice", EQUAL, with_table(EQUAL, lambda table: pa.concat_tables([table, table[:1]]))),
    Damage("equal sounds: other key", EQUAL, with_table(EQUAL, lambda table: _set(table, "key", "table-x"))),
    Damage("equal sounds: other sound", EQUAL, with_table(EQUAL, lambda table: _set(table, "pcm_sha256", HASH))),
    Damage("equal sounds: no shard", EQUAL, with_table(EQUAL, lambda table: _set(table, "shard", "x"))),
    Damage("equal sounds: hash of other sounds", EQUAL, with_table(EQUAL, lambda t: t.replace_schema_metadata({"sounds_sha256": HASH}))),
    Damage("equal sounds: damaged", EQUAL, with_bytes(lambda _: b"PAR1", EQUAL)),
]
