"""Planned clips stay in their shard; new clips make new shards, and no other shard changes."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engines.run import Engine
from pipeline.keys import N_RECORDING
from pipeline.records import Clip, ShardId
from tests.eager import collect
from transforms.planning.assign_shards import AssignShards, Layout, fill, lay_out

SIZE = 16
Shards = dict[int, list[Clip]]


def clip(number: int, recording: str = "", split: str = "train", dataset: str = "S") -> Clip:
    return Clip("s", dataset, split, f"id{number}", "u", start=float(number), recording=recording or f"r{number}")


def clips_of(n: int, n_recordings: int, seed: int = 0) -> list[Clip]:
    chance = random.Random(seed)
    return [clip(number, f"r{chance.randrange(n_recordings)}") for number in range(n)]


def assign(clips: list[Clip], planned: Mapping[str, int] | None = None, size: int = SIZE) -> Shards:
    """Lay out one split as the transform does, without a pipeline. Clips in `planned` had a shard before."""
    indices = planned or {}
    new_keys = [each.shard_sort_key for each in clips if each.key not in indices]
    layout = lay_out(new_keys, [indices[each.key] for each in clips if each.key in indices], size)
    shards: Shards = {}
    for each in sorted(clips, key=lambda each: each.shard_sort_key):
        known = indices.get(each.key)
        index = layout.index_of_new(each.shard_sort_key) if known is None else layout.index_of_planned(known)
        shards.setdefault(index, []).append(each)
    return shards


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
    keys = [f"{number:0{N_RECORDING}}{n}" for number, n_clips in enumerate(recordings) for n in range(n_clips)]
    shards = list(fill(keys, 4))
    assert [len(shard) for shard in shards] == sizes
    assert list(itertools.chain.from_iterable(shards)) == keys


@given(st.lists(st.integers(1, 12), max_size=30), st.integers(1, 9))
def test_fill_divides_no_small_recording_and_passes_no_bound(recordings: list[int], shard_size: int) -> None:
    keys = [f"{number:0{N_RECORDING}}{n:03}" for number, n_clips in enumerate(recordings) for n in range(n_clips)]
    shards = list(fill(keys, shard_size))
    assert list(itertools.chain.from_iterable(shards)) == keys
    assert all(0 < len(shard) <= shard_size for shard in shards)
    for number, n_clips in enumerate(recordings):
        n_used = sum(any(key.startswith(f"{number:0{N_RECORDING}}") for key in shard) for shard in shards)
        assert n_used <= max(1, -(-n_clips // shard_size))
    n_fewest = -(-len(keys) // shard_size)
    assert n_fewest <= len(shards) <= max(0, 2 * n_fewest + sum(n > shard_size for n in recordings))


def test_clips_of_a_shard_are_sorted_by_recording_then_by_start_then_by_key() -> None:
    starts = [None, 0.5, 2.0, 9.75, 10.0, 100.0, 7199.999, 1e9]
    sorted_clips = [Clip("s", "S", "train", f"{n:02}", "u", start=start, recording="r") for n, start in enumerate(reversed(starts))][::-1]
    equal = [Clip("s", "S", "train", f"e{n}", "u", start=2.0, recording="q") for n in range(3)]
    clips = sorted_clips + equal
    for seed in range(3):
        (shards,) = collect(lambda root: [root | beam.Create(clips) | AssignShards(SIZE, nothing_planned)], seed)
        [(shard, members)] = shards
        assert shard == ShardId("S", "train", 0)
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
    keys = [f"{number:0{N_RECORDING}}" for number in range(n_new)]
    assert lay_out(reversed(keys), planned, 2) == Layout(tuple(keys[::2]), new_indices, renumbered)
    assert list(fill([], SIZE)) == []


def nothing_planned(dataset: str, split: str) -> dict[str, int]:
    return {}


class Planned:
    """The indices of one split; the others have none."""

    def __init__(self, indices: Mapping[str, int]):
        self.indices = indices

    def __call__(self, dataset: str, split: str) -> Mapping[str, int]:
        return self.indices if (dataset, split) == ("S", "train") else {}


TRAIN, TEST = clips_of(100, 30), [clip(number, split="test") for number in range(20)]
OTHER = [clip(number, dataset="T") for number in range(20)]
PLANNED = indices_of(assign(TRAIN[:60]))
EXPECTED = [(ShardId("S", "train", index), members) for index, members in assign(TRAIN, PLANNED).items()]
EXPECTED += [(ShardId("S", "test", index), members) for index, members in assign(TEST).items()]
EXPECTED += [(ShardId("T", "train", index), members) for index, members in assign(OTHER).items()]


def test_each_split_of_each_dataset_is_laid_out_alone_whatever_the_order_of_arrival() -> None:
    for seed in (None, 1, 2):
        (shards,) = collect(lambda root: [root | beam.Create([*TEST, *OTHER, *TRAIN]) | AssignShards(SIZE, Planned(PLANNED))], seed)
        assert sorted(shards) == sorted(EXPECTED)


def test_shards_are_assigned_on_the_engine_of_builds() -> None:
    transform = AssignShards(SIZE, Planned(PLANNED))
    Engine(n_workers=2).run(lambda root: assert_that(root | beam.Create([*TEST, *OTHER, *TRAIN]) | transform, equal_to(EXPECTED)))


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


def _nothing_planned_but_logged(dataset: str, split: str, path: Path) -> dict[str, int]:
    with path.open("a") as file:
        print(dataset, split, file=file)
    return {}


def test_the_previous_plan_is_read_once_a_split(tmp_path: Path) -> None:
    transform = AssignShards(SIZE, partial(_nothing_planned_but_logged, path=tmp_path / "log"))
    collect(lambda root: [root | beam.Create([*TRAIN, *TEST]) | transform])
    assert sorted((tmp_path / "log").read_text().splitlines()) == ["S test", "S train"]
