"""Shards are grouped by the versions that made them, and those unlike the most are named."""

from pipeline.records import ShardId
from pipeline.verbs.made_with import made_with, other_versions

OLD, NEW = {"av": "1", "soxr": "1"}, {"soxr": "2", "av": "1"}


def shards(n: int, split: str = "train") -> list[ShardId]:
    return [ShardId("Set", split, number) for number in range(n)]


def test_equal_versions_are_one_group_and_no_line_is_given() -> None:
    groups = made_with([(shard, dict(reversed(OLD.items()))) for shard in shards(2)] + [(ShardId("A", "b", 0), OLD)])
    assert len(groups) == 1 and list(other_versions(groups)) == [] == list(other_versions(()))
    assert groups[0].to_json() == {"shards": 3, "versions": OLD}


def test_shards_unlike_the_most_are_named_in_any_order_alike() -> None:
    made = [(shard, OLD) for shard in shards(9)] + [(shard, NEW) for shard in shards(7, "test")] + [(ShardId("A", "b", 0), {"av": "1"})]
    groups = made_with(made)
    assert groups == made_with(reversed(made))
    assert [len(group.shards) for group in groups] == [9, 7, 1]
    assert list(other_versions(groups)) == [
        "made with soxr 2 (the most: 1): Set/test/0, Set/test/1, Set/test/2, Set/test/3, Set/test/4, and 2 more",
        "made with soxr unknown (the most: 1): A/b/0",
    ]


def test_of_two_groups_of_one_size_the_first_is_always_the_same() -> None:
    made = [(shards(1)[0], NEW), (shards(1, "test")[0], OLD)]
    assert made_with(made) == made_with(reversed(made))
