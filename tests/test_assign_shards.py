"""Planned clips stay in their shard; new clips make new shards, and no other shard changes."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Mapping

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engines.run import Engine
from pipeline.output.plan_files import plan_line
from pipeline.records import Clip
from tests.eager import collect
from transforms.planning.assign_shards import AssignShards
from transforms.planning.batches import partition_of, unpack
from transforms.planning.lay_out import fill, lay_out
from transforms.planning.plan_lines import NEW, PlannedClips
from transforms.planning.plan_rows import assign as assign_clips
from transforms.planning.rules import Rules

SIZE = 16
Shards = dict[int, list[Clip]]


def clip(number: int, recording: str = "", split: str = "train", dataset: str = "S") -> Clip:
    return Clip("s", dataset, split, f"id{number}", "u", start=float(number), recording=recording or f"r{number}")


def clips_of(n: int, n_recordings: int, seed: int = 0) -> list[Clip]:
    chance = random.Random(seed)
    return [clip(number, f"r{chance.randrange(n_recordings)}") for number in range(n)]


def assign(clips: list[Clip], planned: Mapping[str, int] | None = None, size: int = SIZE) -> Shards:
    """Lay out one split."""
    return {shard.index: members for shard, members in assign_clips(clips, planned or {}, size).items()}


def indices_of(shards: Shards) -> dict[str, int]:
    return {each.key: index for index, members in shards.items() for each in members}


def check_numbers(shards: Shards) -> None:
    assert sorted(shards) == list(range(len(shards)))


@pytest.mark.parametrize(("n", "n_recordings"), [(1, 1), (16, 16), (17, 17), (500, 500), (500, 90), (500, 7), (33, 1)])
def test_shards_have_no_gaps_are_not_too_large_and_hold_every_clip_once(n: int, n_recordings: int) -> None:
    clips = clips_of(n, n_recordings)
    shards = assign(clips)
    check_numbers(shards)
    assert max(map(len, shards.values())) <= SIZE
    assert sorted(each.key for members in shards.values() for each in members) == sorted(each.key for each in clips)


@pytest.mark.parametrize("n", [1, 15, 16, 17, 31, 100, 513])
def test_clips_of_different_recordings_fill_the_fewest_shards_of_nearly_equal_size(n: int) -> None:
    sizes = [len(members) for members in assign([clip(number) for number in range(n)]).values()]
    assert len(sizes) == -(-n // SIZE)
    assert max(sizes) - min(sizes) <= 1


def test_clips_of_one_recording_stay_together_unless_they_fill_a_shard() -> None:
    shards = assign(clips_of(500, 90))
    used: dict[str, set[int]] = {}
    for index, members in shards.items():
        for each in members:
            used.setdefault(each.recording, set()).add(index)
    assert all(len(indices) == 1 for indices in used.values())
    assert [len(members) for members in assign(clips_of(33, 1)).values()] == [16, 16, 1]


@pytest.mark.parametrize(
    ("recordings", "sizes"),
    [([3, 3, 3], [3, 3, 3]), ([2, 2, 2], [4, 2]), ([1, 4, 1], [1, 4, 1]), ([9], [4, 4, 1]), ([3, 1, 3, 1], [4, 4]), ([1, 3, 3], [4, 3])],
)
def test_shards_of_four_are_filled_recording_by_recording(recordings: list[int], sizes: list[int]) -> None:
    assert sizes_of(recordings, 4) == sizes


def sizes_of(recordings: list[int], shard_size: int) -> list[int]:
    """Return the sizes of shards."""
    ends = np.cumsum([0, *recordings])
    begins = [int(ends[recording]) + offset for recording, offset in fill(np.array(recordings, np.int64), shard_size)]
    return [after - before for before, after in itertools.pairwise([*begins, int(ends[-1])])]


@given(st.lists(st.integers(1, 12), max_size=30), st.integers(1, 9))
def test_fill_divides_no_small_recording_and_passes_no_bound(recordings: list[int], shard_size: int) -> None:
    sizes = sizes_of(recordings, shard_size)
    assert sum(sizes) == sum(recordings)
    assert all(0 < size <= shard_size for size in sizes)
    ends = list(itertools.accumulate(sizes, initial=0))
    for number, n_clips in enumerate(recordings):
        first = sum(recordings[:number])
        n_used = sum(begin < first + n_clips and first < end for begin, end in itertools.pairwise(ends))
        assert n_used <= max(1, -(-n_clips // shard_size))
    n_fewest = -(-sum(recordings) // shard_size)
    assert n_fewest <= len(sizes) <= max(0, 2 * n_fewest + sum(n > shard_size for n in recordings))


@given(st.lists(st.integers(1, 12), max_size=30), st.integers(1, 9))
def test_shards_are_those_that_adding_recordings_one_by_one_gives(recordings: list[int], shard_size: int) -> None:
    sizes, n_left, size = [], sum(recordings), 0
    n_shards = -(-n_left // shard_size)
    pieces = [min(shard_size, n - at) for n in recordings for at in range(0, n, shard_size)]
    for piece in pieces:
        if size and (size >= -(-n_left // max(n_shards, 1)) or size + piece > shard_size):
            sizes.append(size)
            n_left, n_shards, size = n_left - size, n_shards - 1, 0
        size += piece
    assert sizes_of(recordings, shard_size) == sizes + [size] * bool(size)


def test_clips_of_a_shard_are_sorted_by_recording_then_by_start_then_by_key() -> None:
    starts = [None, 0.5, 2.0, 9.75, 10.0, 100.0, 7199.999, 1e9]
    sorted_clips = [Clip("s", "S", "train", f"{n:02}", "u", start=start, recording="r") for n, start in enumerate(reversed(starts))][::-1]
    equal = [Clip("s", "S", "train", f"e{n}", "u", start=2.0, recording="q") for n in range(3)]
    clips = sorted_clips + equal
    for seed in range(3):
        members = assign(random.Random(seed).sample(clips, len(clips)))[0]
        assert [each for each in members if each.recording == "r"] == sorted_clips
        assert [each for each in members if each.recording == "q"] == equal
        assert len([1 for each, after in itertools.pairwise(members) if each.recording != after.recording]) == 1


def test_a_missing_start_is_the_beginning() -> None:
    clips = [Clip("s", "S", "train", name, "u", start=start, recording="r") for name, start in (("b", None), ("a", 0.0), ("c", -0.0))]
    assert [each.id for each in assign(clips)[0]] == ["a", "b", "c"], "equal starts, so by key"


def test_recordings_are_sorted_by_a_hash_that_no_other_field_changes() -> None:
    clips = [clip(number) for number in range(40)]
    names = [each.recording for members in assign(clips).values() for each in members]
    others = [Clip("t", "S", "train", f"{number}", "v", start=1.0, recording=f"r{number}") for number in range(40)]
    assert [each.recording for members in assign(others).values() for each in members] == names
    assert names != sorted(names)
    assert names[:3] == ["r25", "r33", "r16"], "by SHA-256, so the same on every machine and in every version"


def test_an_extension_only_adds_shards() -> None:
    old = assign(clips_of(100, 40))
    more = [clip(1000 + number, f"new{number}") for number in range(50)] + [clip(2000, "r3")]
    new = assign(clips_of(100, 40) + more, indices_of(old))
    assert {index: new[index] for index in old} == old
    check_numbers(new)
    assert {each.key for index, members in new.items() if index not in old for each in members} == {each.key for each in more}


def test_a_removal_changes_only_the_shards_that_held_the_clips() -> None:
    old = assign(clips_of(100, 100))
    gone = {old[2][0].key, old[4][1].key}
    new = assign([each for each in clips_of(100, 100) if each.key not in gone], indices_of(old))
    assert {index for index in old if new[index] != old[index]} == {2, 4}


def test_the_last_shard_takes_the_number_of_one_that_emptied() -> None:
    old = assign(clips_of(100, 100))
    gone = {each.key for each in old[1]}
    new = assign([each for each in clips_of(100, 100) if each.key not in gone], indices_of(old))
    last = max(old)
    assert new == {index: members for index, members in old.items() if index not in {1, last}} | {1: old[last]}


def test_new_clips_take_the_number_of_a_shard_that_emptied() -> None:
    old = assign(clips_of(48, 48))
    stay = [each for index, members in old.items() if index != 1 for each in members]
    new = assign([*stay, clip(999)], indices_of(old))
    assert [each.id for each in new[1]] == ["id999"]
    assert (new[0], new[2]) == (old[0], old[2])


@pytest.mark.parametrize(
    ("n_new", "planned", "new_indices", "renumbered"),
    [
        (0, [], (), {}),
        (3, [], (0, 1), {}),
        (3, [1], (0, 2), {}),
        (0, [1, 3], (), {3: 0}),
        (0, [2, 5, 9], (), {9: 0, 5: 1}),
        (1, [3, 3, 1], (0,), {3: 2}),
    ],
)
def test_indices_count_from_0_and_few_shards_are_renumbered(n_new: int, planned: list[int], new_indices: tuple, renumbered: dict) -> None:
    recordings = np.arange(n_new, dtype=np.uint64)
    layout = lay_out(recordings, np.ones(n_new, np.int64), planned, 2)
    assert (layout.recordings.tolist(), layout.offsets.tolist()) == (recordings[::2].tolist(), [0] * len(new_indices))
    assert (tuple(layout.new_indices.tolist()), layout.renumbered) == (new_indices, renumbered)


TRAIN, TEST = clips_of(100, 30), [clip(number, split="test") for number in range(20)]
OTHER = [clip(number, dataset="T") for number in range(20)]
PLANNED = indices_of(assign(TRAIN[:60]))
EXPECTED = {f"S/train/{index}": members for index, members in assign(TRAIN, PLANNED).items()}
EXPECTED |= {f"S/test/{index}": members for index, members in assign(TEST).items()}
EXPECTED |= {f"T/train/{index}": members for index, members in assign(OTHER).items()}


def planned_batches(clips: list[Clip]) -> list[PlannedClips]:
    """Return the clips of each partition with their index in the previous plan."""
    batches: dict[int, list[Clip]] = {}
    for each in clips:
        batches.setdefault(partition_of(each.recording), []).append(each)
    return [
        PlannedClips(
            partition, members, [PLANNED.get(each.key, NEW) if each.split == "train" and each.dataset == "S" else NEW for each in members]
        )
        for partition, members in batches.items()
    ]


def rows_of(shard: tuple[str, Iterable[bytes]]) -> tuple[str, list[str]]:
    parts = sorted(map(unpack, shard[1]), key=lambda part: part.partition)
    return shard[0], [line for part in parts for line in part.lines]


ALL = planned_batches([*TEST, *OTHER, *TRAIN])
EXPECTED_ROWS = [(name, [plan_line(each, each.key) for each in members]) for name, members in EXPECTED.items()]


def test_each_split_of_each_dataset_is_laid_out_alone_whatever_the_order_of_arrival() -> None:
    for seed in (None, 1, 2):
        (shards,) = collect(lambda root: [root | beam.Create(ALL) | AssignShards(SIZE, Rules())], seed)
        assert sorted(map(rows_of, shards)) == sorted(EXPECTED_ROWS)


def test_shards_are_assigned_on_the_engine_of_builds() -> None:
    transform = AssignShards(SIZE, Rules())
    Engine(n_workers=2).run(lambda root: assert_that(root | beam.Create(ALL) | transform | beam.Map(rows_of), equal_to(EXPECTED_ROWS)))


@settings(deadline=None)
@given(st.data())
def test_clips_stay_in_their_shard_through_any_series_of_edits(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 6))
    shards: Shards = {}
    for _ in range(data.draw(st.integers(1, 4))):
        numbers = data.draw(st.sets(st.integers(0, 40)))
        clips = [clip(number, f"r{number // 3}") for number in numbers]
        shuffled = data.draw(st.permutations(clips))
        before, shards = shards, assign(clips, indices_of(shards), size)
        assert {index: set(members) for index, members in shards.items()} == {
            index: set(members) for index, members in assign(shuffled, indices_of(before), size).items()
        }, "whatever the order of arrival"
        check_edit(before, shards, clips, size)


def check_edit(before: Shards, after: Shards, clips: list[Clip], size: int) -> None:
    check_numbers(after)
    assert sorted(each.key for members in after.values() for each in members) == sorted(each.key for each in clips), "each once"
    assert all(len(members) <= size for members in after.values())
    wanted = {each.key for each in clips}
    left = {index: [each.key for each in members if each.key in wanted] for index, members in before.items()}
    keys = {index: [each.key for each in members] for index, members in after.items()}
    for index, members in left.items():
        if members:
            assert members in keys.values(), "no clip joins or leaves a planned shard"
            assert keys.get(index) == members or index >= len(after), "its number changes only if it is too high now"
