"""A shard is made when it is missing, has faults or other inputs, or when its recordings were replaced; and for no other reason."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.engines.run import Engine
from pipeline.keys import stable_hash
from pipeline.output.equal_sounds_file import EqualSounds, read_equal_sounds, write_equal_sounds
from pipeline.output.markers import inputs_sha256
from pipeline.output.moved_shards import hold
from pipeline.output.plan_files import rows_sha256
from pipeline.output.plan_index import PlannedShard
from pipeline.output.snapshot import Snapshot, take_snapshot
from pipeline.output.storage import Folder
from pipeline.records import AudioLimits, ShardId
from pipeline.verbs import rounds
from pipeline.verbs.changes import Changes
from pipeline.verbs.rounds import (
    LEFT_AS_IT_IS,
    Built,
    Reuse,
    build_rounds,
    find_equal_sounds,
    outdated,
    planned_shards,
    shard_task,
    sounds_sha256_of,
    unfinished,
)
from tests.eager import EagerEngine
from tests.outcomes import SETTINGS_HASH, sample, write_plan, write_shard
from transforms.fetching.fetch import Fetcher
from transforms.fetching.settings import FetchSettings
from transforms.shards.shard_task import BuildSettings, ShardTask, settings_hash

FIRST, SECOND, THIRD = (ShardId("Set", "train", n) for n in range(3))
SAMPLES = {FIRST: sample("a", "aa"), SECOND: sample("b", "bb"), THIRD: sample("c", "aa")}
NO_SOUNDS = EqualSounds()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A plan of three shards, two of which are built."""
    folder = Folder(str(tmp_path))
    write_plan({shard: [each.clip] for shard, each in SAMPLES.items()}, folder)
    for shard in (FIRST, SECOND):
        write_shard([SAMPLES[shard]], folder, shard)
    return folder


def settings_of(dataset: str) -> str:
    assert dataset == "Set"
    return SETTINGS_HASH


def tasks(folder: Folder, sounds: EqualSounds = NO_SOUNDS, reuse: Reuse | None = None) -> list[ShardTask]:
    snapshot = take_snapshot(folder)
    return list(unfinished(snapshot, settings_of, sounds, *([] if reuse is None else [reuse])))


def shards(made: Iterable[ShardTask]) -> list[ShardId]:
    return [task.shard for task in made]


def rows_of(shard: ShardId) -> str:
    return rows_sha256([SAMPLES[shard].clip])


def test_a_task_has_rows_inputs_and_the_sounds_of_other_shards() -> None:
    sounds = EqualSounds("", {FIRST: (("aa", "k"),)})
    for shard, equal in ((FIRST, (("aa", "k"),)), (SECOND, ())):
        task = shard_task(PlannedShard(shard, 7, "rows"), settings_of, sounds)
        assert task == ShardTask(shard, "rows", inputs_sha256("rows", SETTINGS_HASH, equal), 7, equal)
        assert (task.replaced, task.moved, task.is_checked, task.addresses) == (frozenset(), (), False, ())


def test_what_is_missing_is_made_and_what_is_finished_is_not(folder: Folder) -> None:
    assert tasks(folder) == [ShardTask(THIRD, rows_of(THIRD), inputs_sha256(rows_of(THIRD), SETTINGS_HASH, ()), 1, stands=False)]
    folder.write("Set/train/1.tar", b"cut")
    assert shards(tasks(folder)) == [SECOND, THIRD]


def test_other_sounds_to_leave_out_are_other_inputs(folder: Folder) -> None:
    made = tasks(folder, EqualSounds("", {FIRST: (("aa", "k"),)}))
    assert shards(made) == [FIRST, THIRD] and made[0].in_other_shards == (("aa", "k"),)


def test_replaced_recordings_faults_moved_clips_and_addresses_are_in_the_task(folder: Folder) -> None:
    folder.write_json("plan/addresses/Set/train/1.json", {"table-b": "http://full"})
    moved = {SECOND: ((".moved/0", THIRD, frozenset({"table-b"})),), FIRST: ()}
    first, second, third = tasks(folder, reuse=Reuse({FIRST: frozenset({"table-a"})}, moved, frozenset({SECOND})))
    assert (first.shard, first.replaced, first.moved, first.is_checked, first.addresses) == (FIRST, {"table-a"}, (), False, ())
    assert (second.shard, second.replaced, second.moved, second.is_checked) == (SECOND, frozenset(), moved[SECOND], True)
    assert second.addresses == (("table-b", "http://full"),)
    assert (third.shard, third.replaced, third.moved, third.is_checked) == (THIRD, frozenset(), (), False)


class IdleEngine(Engine):
    """Makes nothing."""

    def run(self, add_steps: object, one_worker: bool = False) -> None:
        pass


def test_a_round_copies_what_moved_a_repair_checks_what_it_copies_and_what_was_not_made_is_left(folder: Folder, tmp_path: Path) -> None:
    hold(folder, [SECOND], folder.listing())
    settings = BuildSettings(folder, Fetcher(tmp_path, FetchSettings()), AudioLimits(), {}, 4, 1, {})
    rounds = list[list[ShardTask]]()

    def watch(snapshot: Snapshot, tasks: list[ShardTask]) -> AbstractContextManager[None]:
        rounds.append(sorted(tasks, key=lambda task: task.shard))
        return nullcontext()

    snapshot = take_snapshot(folder)
    built = build_rounds(snapshot, settings, IdleEngine(), watch, Changes(repair=True))
    assert [shards(tasks) for tasks in rounds] == [[FIRST, SECOND, THIRD]]
    assert [task.moved for task in rounds[0]] == [(), ((".moved/0", SECOND, frozenset({"table-b"})),), ()]
    assert [task.is_checked for task in rounds[0]] == [True, True, True]
    assert (built.made, built.left) == (frozenset(), {FIRST, SECOND, THIRD})
    rounds.clear()
    assert build_rounds(snapshot, settings, IdleEngine(), watch).left == {FIRST, SECOND, THIRD}
    assert [[task.is_checked for task in tasks] for tasks in rounds] == [[False, False, False]]


def test_a_folder_without_a_plan_has_nothing_to_make(tmp_path: Path) -> None:
    snapshot = take_snapshot(Folder(str(tmp_path)))
    assert planned_shards(snapshot) == () and sounds_sha256_of(snapshot) == stable_hash()
    assert list(unfinished(snapshot, settings_of, NO_SOUNDS)) == []


def sounds_of(snapshot: Snapshot, *of: ShardId) -> str:
    return stable_hash(*(f"{shard} {snapshot.markers[shard].sounds_sha256}" for shard in of))


def test_the_hash_of_all_sounds_is_that_of_the_planned_shards_in_order(folder: Folder) -> None:
    write_shard([sample("z", "zz")], folder, ShardId("Set", "old", 0))
    snapshot = take_snapshot(folder)
    assert [planned.shard for planned in planned_shards(snapshot)] == [FIRST, SECOND, THIRD]
    assert sounds_sha256_of(snapshot) == sounds_of(snapshot, FIRST, SECOND)


@pytest.mark.parametrize(("n_clips", "engine"), [(3, IdleEngine()), (2, EagerEngine())])
def test_equal_sounds_of_few_clips_are_found_without_an_engine_and_those_of_many_on_one(
    folder: Folder, n_clips: int, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "MAX_COMPARED", n_clips)
    write_shard([SAMPLES[THIRD]], folder, THIRD)
    snapshot = take_snapshot(folder)
    find_equal_sounds(snapshot, engine)

    first_has_it = SAMPLES[FIRST].clip.shard_sort_key < SAMPLES[THIRD].clip.shard_sort_key
    stays, leaves = (FIRST, THIRD) if first_has_it else (THIRD, FIRST)
    assert read_equal_sounds(folder) == EqualSounds(sounds_of(snapshot, FIRST, SECOND, THIRD), {leaves: (("aa", SAMPLES[stays].clip.key),)})


def test_what_is_outdated_after_the_last_round_is_named(folder: Folder, tmp_path: Path) -> None:
    settings = BuildSettings(folder, Fetcher(tmp_path, FetchSettings()), AudioLimits(), {}, 4, 1, {})
    snapshot = take_snapshot(folder)
    not_compared = "plan/equal_sounds.parquet: not of the sounds that the shards have now; run the same command again"
    other, left = "not built from what the plan says now", LEFT_AS_IT_IS
    assert settings.settings_hash_of("Set") == settings_hash(4, AudioLimits()) != SETTINGS_HASH
    lines = [f"Set/train/0: {other}", f"Set/train/1: {left}", f"Set/train/2: {other}"]
    built = Built(snapshot, frozenset(), frozenset({SECOND}), sounds=read_equal_sounds(folder))
    assert list(outdated(built, settings)) == [*lines, not_compared]
    write_equal_sounds([], sounds_sha256_of(snapshot), tmp_path / "plan/equal_sounds.parquet")
    built = replace(built, sounds=read_equal_sounds(folder))
    assert list(outdated(built, settings)) == lines


def test_what_is_reused_is_empty_by_default() -> None:
    assert Reuse() == Reuse({}, {}, frozenset())
    assert (dict(Reuse().replaced), dict(Reuse().moved), Reuse().faulty) == ({}, {}, frozenset())


def test_what_rounds_gave_cannot_change(folder: Folder) -> None:
    for record in (Reuse(), Built(take_snapshot(folder), frozenset(), frozenset())):
        with pytest.raises(AttributeError):
            setattr(record, next(iter(type(record).__dataclass_fields__)), None)
