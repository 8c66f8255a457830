"""Shards that keep still: new clips make new shards, and nothing else moves."""

import itertools
import random

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from pipeline.engines.run import Engine
from pipeline.records import Clip, ShardId
from transforms.planning.assign_shards import AssignShards, Layout, fill, lay_out

SIZE = 16


def clip(number: int, recording: str = "", split: str = "train") -> Clip:
    return Clip("s", "S", split, f"id{number}", "u", start=float(number), recording=recording or f"r{number}")


def clips_of(n: int, n_recordings: int, seed: int = 0) -> list[Clip]:
    chance = random.Random(seed)
    return [clip(number, f"r{chance.randrange(n_recordings)}") for number in range(n)]


def assign(clips: list[Clip], places: dict[str, int] | None = None, size: int = SIZE) -> dict[int, list[Clip]]:
    """Lay out one split as the transform does, without an engine."""
    stood = places or {}
    layout = lay_out(
        (one.shard_sort_key for one in clips if one.key not in stood), (stood[one.key] for one in clips if one.key in stood), size
    )
    shards: dict[int, list[Clip]] = {}
    for one in sorted(clips, key=lambda clip: clip.shard_sort_key):
        shards.setdefault(layout.index_of(stood.get(one.key, one.shard_sort_key)), []).append(one)
    return shards


def places_of(shards: dict[int, list[Clip]]) -> dict[str, int]:
    return {one.key: index for index, members in shards.items() for one in members}


@pytest.mark.parametrize(("n", "n_recordings"), [(1, 1), (16, 16), (17, 17), (500, 500), (500, 90), (500, 7), (33, 1)])
def test_shards_have_no_gaps_are_not_too_large_and_hold_every_clip_once(n, n_recordings):
    clips = clips_of(n, n_recordings)
    shards = assign(clips)
    assert sorted(shards) == list(range(len(shards)))
    assert max(map(len, shards.values())) <= SIZE
    assert sorted(one.key for members in shards.values() for one in members) == sorted(one.key for one in clips)


@pytest.mark.parametrize("n", [1, 15, 16, 17, 31, 100, 513])
def test_clips_of_different_recordings_fill_the_fewest_shards_of_nearly_equal_size(n):
    sizes = [len(members) for members in assign([clip(number) for number in range(n)]).values()]
    assert len(sizes) == -(-n // SIZE)
    assert max(sizes) - min(sizes) <= 1


def test_clips_of_one_recording_stay_together_unless_they_fill_a_shard():
    shards = assign(clips_of(500, 90))
    homes: dict[str, set[int]] = {}
    for index, members in shards.items():
        for one in members:
            homes.setdefault(one.recording, set()).add(index)
    assert all(len(indices) == 1 for indices in homes.values())
    assert [len(members) for members in assign(clips_of(33, 1)).values()] == [16, 16, 1]


def test_the_order_of_arrival_does_not_matter():
    clips = clips_of(300, 60)
    shuffled = random.Random(1).sample(clips, len(clips))
    assert assign(clips) == assign(shuffled)


def test_members_stand_by_recording_and_then_by_start():
    [members] = assign([clip(number, f"r{number % 2}") for number in (11, 2, 9, 3, 10)]).values()
    assert [one.start for one in members if one.recording == "r1"] == [3.0, 9.0, 11.0]
    assert len([1 for one, after in itertools.pairwise(members) if one.recording != after.recording]) == 1


def test_an_extension_only_adds_shards():
    old = assign(clips_of(100, 40))
    more = [clip(1000 + number, f"new{number}") for number in range(50)] + [clip(2000, "r3")]
    new = assign(clips_of(100, 40) + more, places_of(old))
    assert {index: new[index] for index in old} == old
    assert sorted(new) == list(range(len(new)))
    assert {one.key for index, members in new.items() if index not in old for one in members} == {one.key for one in more}


def test_a_removal_leaves_the_other_shards_still():
    old = assign(clips_of(100, 100))
    gone = {old[2][0].key, old[4][1].key}
    new = assign([one for one in clips_of(100, 100) if one.key not in gone], places_of(old))
    assert {index for index in old if new[index] != old[index]} == {2, 4}


def test_the_last_shard_takes_the_place_of_one_that_emptied():
    old = assign(clips_of(100, 100))
    gone = {one.key for one in old[1]}
    new = assign([one for one in clips_of(100, 100) if one.key not in gone], places_of(old))
    last = max(old)
    assert new == {index: members for index, members in old.items() if index not in {1, last}} | {1: old[last]}


def test_newcomers_take_the_place_of_a_shard_that_emptied():
    old = assign(clips_of(48, 48))
    stay = [one for index, members in old.items() if index != 1 for one in members]
    new = assign([*stay, clip(999)], places_of(old))
    assert [one.id for one in new[1]] == ["id999"]
    assert (new[0], new[2]) == (old[0], old[2])


def test_nothing_is_laid_out_as_nothing():
    assert lay_out([], [], SIZE) == Layout((), (), {})
    assert list(fill([], SIZE)) == []


def test_a_plan_of_several_splits_is_the_same_from_the_engine():
    train, test = clips_of(100, 30), [clip(number, split="test") for number in range(20)]
    places = places_of(assign(train[:60]))

    def wire(root: beam.Pipeline) -> None:
        shards = root | beam.Create([*test, *train]) | AssignShards(SIZE, lambda _, split: places if split == "train" else {})
        wanted = [(ShardId("S", "train", index), members) for index, members in assign(train, places).items()]
        wanted += [(ShardId("S", "test", index), members) for index, members in assign(test).items()]
        assert_that(shards, equal_to(wanted))

    Engine(n_workers=2).run(wire)
