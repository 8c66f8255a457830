"""The settings of a dataset decide which shards are made again; the largest shards are made first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.output.storage import Folder
from pipeline.records import AudioLimits, ShardId
from transforms.fetching.fetch import Fetcher
from transforms.fetching.settings import FetchSettings
from transforms.shards.shard_task import BuildSettings, ShardTask, longest_first

STRICT = AudioLimits(min_seconds=1.0)


@pytest.fixture
def settings(tmp_path: Path) -> BuildSettings:
    folder, fetcher = Folder(str(tmp_path)), Fetcher(tmp_path, FetchSettings())
    return BuildSettings(folder, fetcher, AudioLimits(), {"Own": STRICT}, 3, 4, {"av": "1"})


def test_a_dataset_has_its_own_limits_or_those_of_the_build(settings: BuildSettings) -> None:
    assert settings.limits_of("Own") == STRICT
    assert settings.limits_of("Other") == AudioLimits()


def test_limits_and_conversion_count_for_the_hash_of_the_settings(settings: BuildSettings) -> None:
    of_other = settings.settings_hash_of("Other")
    assert settings.settings_hash_of("Own") != of_other
    assert replace(settings, conversion=4).settings_hash_of("Other") != of_other
    assert replace(settings, limits=STRICT).settings_hash_of("Other") == settings.settings_hash_of("Own")


def test_nothing_else_counts_for_the_hash_of_the_settings(settings: BuildSettings) -> None:
    other = replace(settings, folder=Folder("x"), n_threads=1, versions={}, limits_by_dataset={})
    assert other.settings_hash_of("Other") == settings.settings_hash_of("Other")


def test_the_longest_tasks_come_first_and_equally_long_ones_in_order_of_their_shards() -> None:
    tasks = [ShardTask(ShardId("A", "train", n), "", "", rows) for n, rows in ((10, 3), (9, 3), (1, 1), (2, 7))]
    assert [task.shard.index for task in longest_first(tasks)] == [2, 9, 10, 1]
