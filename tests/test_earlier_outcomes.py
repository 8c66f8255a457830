"""A new shard copies from the shard of its name first, then from shards that are held for it; lost are samples that stand in either."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.output.moved_shards import hold
from pipeline.output.storage import Folder
from pipeline.records import Clip, Reason, Sample, ShardId
from tests.outcomes import SETTINGS_HASH, clip, rejection, sample, write_shard
from transforms.shards.earlier_outcomes import EarlierOutcomes, read_earlier_outcomes
from transforms.shards.shard_task import MovedClips, ShardTask

HERE, THERE = ShardId("Set", "train", 0), ShardId("Set", "train", 1)
A, B, C = clip("a"), clip("b"), clip("c")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder whose shard has `a` and `b`; an earlier one, which is held, had `b` with another sound, `c`, and a silent `d`."""
    folder = Folder(str(tmp_path))
    write_shard([sample(A, "aa", b"fLaC a"), sample(B, "bb", b"fLaC b")], folder, HERE)
    write_shard([sample(B, "b2", b"fLaC b2"), sample(C, "cc", b"fLaC c"), rejection("d", Reason.SILENT)], folder, THERE)
    hold(folder, [THERE], folder.listing())
    return folder


def read(folder: Folder, clips: list[Clip], moved: MovedClips = (), **task: object) -> EarlierOutcomes:
    return read_earlier_outcomes(ShardTask(HERE, "", "", 3, moved=moved, **task), clips, SETTINGS_HASH, folder, Path(folder.root))  # type: ignore[arg-type]


def moved(*clips: Clip) -> MovedClips:
    return ((".moved/0", THERE, frozenset(each.key for each in clips)),)


def test_clips_that_moved_are_copied_from_the_held_shard(folder: Folder) -> None:
    earlier = read(folder, [A, C], moved(C))
    assert earlier.reusable.keys() == {A.key, C.key} == earlier.samples
    outcome = earlier.outcome(C)
    assert isinstance(outcome, Sample) and outcome.flac == b"fLaC c"


def test_the_shard_of_the_same_name_comes_first(folder: Folder) -> None:
    outcome = read(folder, [A, B], moved(B)).outcome(B)
    assert isinstance(outcome, Sample) and outcome.flac == b"fLaC b"


def test_only_clips_of_the_new_shard_that_moved_to_it_are_looked_for(folder: Folder) -> None:
    assert read(folder, [A, C]).reusable.keys() == {A.key}
    assert read(folder, [A], moved(C)).samples == {A.key}
    assert read(folder, [clip("d")], moved(clip("d"))).samples == frozenset()


def test_samples_that_stand_are_lost_only_to_faults_of_fetching(folder: Folder) -> None:
    earlier = read(folder, [A, B, C], moved(C))
    stages = {A.key: "fetch", B.key: "convert", C.key: "fetch", "table-x": "fetch", "table-y": None}
    outcomes = [{"key": key, "stage": stage, "reason": "timeout" if key == A.key else "silent"} for key, stage in stages.items()]
    assert earlier.lost(outcomes) == {A.key: Reason.TIMEOUT, C.key: Reason.SILENT}
    assert earlier.lost([{"key": A.key}, {"key": B.key, "stage": "equal_sounds", "reason": "duplicate"}]) == {}


def test_a_checked_shard_gives_only_what_is_intact(folder: Folder) -> None:
    assert read(folder, [A, B], is_checked=True) == EarlierOutcomes({}, frozenset())  # their FLAC is none
