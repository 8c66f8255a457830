"""The pipeline gives the plan that one list of rows gives without an engine, whatever the batches and the order of arrival."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.output.plan_files import plan_line
from pipeline.records import Caption, Clip, Reason, Rejection, ShardId
from sources.metadata.held_lists import HeldOut
from tests.eager import collect
from tests.test_read_sources import rows_in
from transforms.planning import batches, choose_keys, key_hashes, read_sources
from transforms.planning.assign_shards import AssignShards
from transforms.planning.batches import unpack
from transforms.planning.debias import Neutral
from transforms.planning.hold_out import HoldOuts
from transforms.planning.key_hashes import keys_planned
from transforms.planning.plan_partitions import PlanPartitions
from transforms.planning.plan_rows import PlannedRows, plan_rows
from transforms.planning.rules import Rules
from transforms.planning.share_recordings import added, listed

SIZE = 3
RULES = Rules(
    holdout=(HeldOut(name="A:test"),),
    hold_outs=HoldOuts.of([HeldOut(name="A:test")], Path()),
    tables=frozenset({("tables", "C")}),
    licenses=("CC0-1.0",),
    neutral=Neutral("all"),
)
RECORDINGS = ["a.wav", "b.wav", "youtube:dQw4w9WgXcQ", "freesound:7", "é\ud7ff.wav"]


def clip(row_number: int, source: str, values: Mapping[str, Any]) -> Clip:
    dataset = {"tables": "C"}.get(source, "A" if row_number % 3 else "B")
    clip = Clip(source, dataset, row_number=row_number, license="CC0" if row_number % 7 else "MIT", **values)
    return replace(clip, full_url=f"{clip.url}?token={row_number % 2}") if clip.url == "masked" else clip


CLIPS = st.builds(
    clip,
    st.integers(0, 40),
    st.sampled_from(["table", "table", "tables"]),
    st.fixed_dictionaries(
        {
            "split": st.sampled_from(["train", "train", "test", "valid"]),
            "id": st.sampled_from(["x", "y", "Año", "a-o-69b0fa8f4d4d", "masked"]),
            "url": st.sampled_from(["u", "masked", ""]),
            "start": st.sampled_from([None, 0.0, 1.5]),
            "end": st.sampled_from([None, 3]),
            "captions": st.lists(st.sampled_from([Caption("A man."), Caption(" Rain "), Caption("")]), max_size=2).map(tuple),
            "labels": st.sampled_from([(), ("dog",)]),
            "recording": st.sampled_from(RECORDINGS),
        }
    ),
)
ROWS = st.lists(st.one_of(CLIPS, CLIPS, CLIPS, CLIPS.map(lambda clip: Rejection(clip, Reason.BAD_ROW, "read", "x"))), max_size=25)


class Previous:
    """The shards of a plan."""

    def __init__(self, plan: PlannedRows | None):
        self.keys = {shard: [clip.key for clip in clips] for shard, clips in plan.shards.items()} if plan else {}

    @property
    def shards(self) -> list[ShardId]:
        return sorted(self.keys)

    def __call__(self, shard: ShardId) -> list[str]:
        return self.keys[shard]

    def indices(self, dataset: str, split: str) -> dict[str, int]:
        return {key: shard.index for shard, keys in self.keys.items() for key in keys if (shard.dataset, shard.split) == (dataset, split)}


def engine_plan(rows: list[Clip | Rejection], previous: Previous, max_rows: int, seed: int | None) -> list[Any]:
    """Plan rows by the steps of the pipeline, in batches of `max_rows`."""
    parts = (rows[at : at + max_rows] for at in range(0, len(rows), max_rows))
    elements = [element for part in parts for element in read_sources.divided(part, Counter())]

    def of(kind: str) -> list[Any]:
        return [value for each, value in elements if each == kind]

    def steps(root: beam.Pipeline) -> list[beam.PCollection]:
        keys = of(read_sources.KEYS) + list(keys_planned((shard, previous(shard)) for shard in previous.shards))
        given = root | "C" >> beam.Create(of(read_sources.CLIPS), reshuffle=False), root | "K" >> beam.Create(keys, reshuffle=False)
        planned = given | PlanPartitions(RULES)
        return [planned.clips | AssignShards(SIZE, RULES), planned.left_out, planned.shared]

    shards, left_out, shared = collect(steps, seed)
    return [shards, rows_in([*of(read_sources.LEFT_OUT), *left_out]), listed(added(shared))]


def lines_of(batches: list[bytes]) -> list[str]:
    return [line for part in sorted(map(unpack, batches), key=lambda part: part.partition) for line in part.lines]


def check(rows: list[Clip | Rejection], previous: PlannedRows | None, max_rows: int, seed: int | None) -> PlannedRows:
    before = Previous(previous)
    expected = plan_rows(rows, RULES, SIZE, before.indices)
    shards, left_out, shared = engine_plan(rows, before, max_rows, seed)
    planned = {shard.name: [plan_line(clip, clip.key) for clip in clips] for shard, clips in expected.shards.items()}
    assert {name: lines_of(list(parts)) for name, parts in shards} == planned
    assert shared == expected.shared
    details = sorted((row["dataset"], row["id"], row["url"], row["reason"], row["stage"], row["detail"]) for row in left_out)
    assert details == sorted(
        (each.clip.dataset, each.clip.id, each.clip.url, str(each.reason), each.stage, each.detail) for each in expected.left_out
    )
    assert sum(map(len, planned.values())) + len(left_out) == len(rows), "no row is lost"
    return expected


@settings(max_examples=40, deadline=None)
@given(ROWS, st.integers(1, 30), st.integers(0, 99), st.data())
def test_the_pipeline_gives_the_plan_of_the_list(rows: list[Clip | Rejection], max_rows: int, seed: int, data: st.DataObject) -> None:
    first = check(rows, None, max_rows, seed)
    edited = [row for row in rows if data.draw(st.booleans())] + data.draw(ROWS)
    check(data.draw(st.permutations(edited)), first, max_rows, seed)


@pytest.mark.parametrize("n_partitions", [1, 7, 4096])
def test_the_number_of_partitions_and_buckets_changes_nothing(n_partitions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "N_PARTITIONS", n_partitions)
    for module in (batches, key_hashes, choose_keys):
        monkeypatch.setattr(module, "N_BUCKETS", n_partitions)
    chance = random.Random(n_partitions)
    names = ["x", "y", *(f"id{number}" for number in range(60))]
    rows: list[Clip | Rejection] = [
        Clip("table", "A", "train", chance.choice(names), "u", 0.0, 1.0, (Caption("A dog"),), license="CC0", recording=f"r{number % 70}")
        for number in range(120)
    ]
    first = check(rows, None, 50, None)
    moved = [replace(row, recording=f"moved{number}") for number, row in enumerate(rows[:80]) if isinstance(row, Clip)]
    check([*moved, *rows[80:]], first, 50, 1)


def test_a_clip_whose_recording_has_another_name_now_stays_in_its_shard() -> None:
    rows: list[Clip | Rejection] = [
        Clip("table", "A", "train", f"id{number}", "u", captions=(Caption("A dog"),), license="CC0", recording=f"r{number}")
        for number in range(20)
    ]
    first = plan_rows(rows, RULES, SIZE)
    moved: list[Clip | Rejection] = [replace(row, recording=f"other{row.id}") for row in rows if isinstance(row, Clip)]
    after = check(moved, first, 5, 0)
    assert {shard: {clip.key for clip in clips} for shard, clips in after.shards.items()} == {
        shard: {clip.key for clip in clips} for shard, clips in first.shards.items()
    }
