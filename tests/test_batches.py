"""Batches come back as they were, and partitions are ranges of the order in which shards hold clips."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import Caption, Clip
from transforms.planning.batches import (
    N_BUCKETS,
    N_PARTITIONS,
    PREVIOUS,
    ROWS,
    bucket_of,
    kind_of,
    pack,
    partition_of,
    positions_by_value,
    unpack,
)

CLIPS = [Clip("s", "S", "train", f"Año {n}", "🌧", captions=(Caption("x" * n, before_debias="y"),), full_url="z") for n in range(40)]


def test_a_batch_comes_back_and_says_its_kind_while_it_is_packed() -> None:
    assert unpack(pack(CLIPS)) == CLIPS and kind_of(pack(CLIPS)) == ROWS
    assert unpack(pack([], PREVIOUS)) == [] and kind_of(pack([], PREVIOUS)) == PREVIOUS


def test_equal_rows_take_few_bytes() -> None:
    rows = [Clip("table", "Set", "train", f"{n}.wav", f"https://example.org/{n}.wav", recording=f"{n}.wav") for n in range(1000)]
    assert len(pack(rows)) < 30 * len(rows)


@given(st.lists(st.text(max_size=9), min_size=2, max_size=9))
def test_partitions_rise_with_sort_keys(recordings: list[str]) -> None:
    clips = sorted((Clip("s", "S", "train", "x", "u", recording=name) for name in recordings), key=lambda clip: clip.shard_sort_key)
    partitions = [partition_of(clip.recording) for clip in clips]
    assert partitions == sorted(partitions)
    assert partitions[0] >= 0 and partitions[-1] < N_PARTITIONS
    assert all(0 <= bucket_of(name) < N_BUCKETS for name in recordings)


def test_recordings_use_all_partitions() -> None:
    assert {partition_of(f"{n}.wav") for n in range(20_000)} == set(range(N_PARTITIONS))


@given(st.lists(st.integers(0, 5)))
def test_positions_are_those_of_each_value(values: list[int]) -> None:
    result = {value: positions.tolist() for value, positions in positions_by_value(np.array(values, np.int64))}
    assert result == {value: [n for n, each in enumerate(values) if each == value] for value in sorted(set(values))}
