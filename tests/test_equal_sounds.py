"""Sounds that repeat over shards: which one stays does not depend on when a shard was made."""

from __future__ import annotations

import itertools

from pipeline.records import ShardId
from transforms.shards.equal_sounds import repeats

TRAIN, MORE, TEST = ShardId("A", "train", 0), ShardId("A", "train", 1), ShardId("A", "test", 0)


def test_the_test_clip_stays_whatever_the_order_of_shards() -> None:
    shards = [(TRAIN, [("a", "x"), ("b", "y")]), (MORE, [("c", "y"), ("d", "z")]), (TEST, [("e", "x")])]
    for order in itertools.permutations(shards):
        assert repeats(order) == {TRAIN: (("a", "e"),), MORE: (("c", "b"),)}


def test_other_datasets_may_hold_the_same_sound() -> None:
    assert repeats([(TRAIN, [("a", "x")]), (ShardId("B", "train", 0), [("b", "x")])]) == {}


def test_nothing_repeats_nothing_is_found() -> None:
    assert repeats([(TRAIN, [("a", "x")]), (MORE, [])]) == {}
