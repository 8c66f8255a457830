"""Names of files in an output folder: each names its shard, and no other file does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.output import layout
from pipeline.records import ShardId

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True).filter(lambda name: name not in layout.RESERVED_NAMES)
SPLITS = st.from_regex(r"[a-z0-9_-]{1,20}", fullmatch=True)
SHARDS = st.builds(ShardId, NAMES, SPLITS, st.integers(0, 10**6))


@given(SHARDS)
def test_every_file_of_a_shard_names_its_shard(shard: ShardId) -> None:
    assert ShardId.parse(shard.name) == shard
    assert layout.planned_shard(layout.plan_name(shard)) == shard
    for name in (layout.tar_name(shard), layout.books_name(shard), layout.marker_name(shard)):
        assert layout.shard_of(name) == shard


@pytest.mark.parametrize(
    "name",
    [
        "recipe.toml",
        "A/0.tar",
        "A/b/c/0.tar",
        "A/b/x.tar",
        "A/b/00.tar",
        "A/b/-1.tar",
        "A/b/\u0661.tar",
        "/b/0.tar",
        "A//0.tar",
        "A/b/sizes.json",
    ],
)
def test_other_files_belong_to_no_shard(name: str) -> None:
    assert layout.shard_of(name) is None


@pytest.mark.parametrize("name", ["plan/A/0.parquet", "plan.new/b/0.parquet", ".work/b/0.tar"])
def test_files_below_plan_and_work_belong_to_no_shard(name: str) -> None:
    assert layout.shard_of(name) is None


@pytest.mark.parametrize("name", ["A/b", "A/b/c/0", "A/b/", "", "A/b/01", "A/b/x"])
def test_a_name_that_is_not_of_a_shard_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a shard"):
        ShardId.parse(name)


def test_other_files_of_the_plan_folder_are_not_plan_files() -> None:
    others = (layout.LEFT_OUT, layout.T5_CACHE, layout.T5_TEXTS, layout.EQUAL_SOUNDS, layout.INDEX, f"{layout.T5_PARTS}/batch-1.parquet")
    assert [layout.planned_shard(name) for name in others] == [None] * len(others)


def test_names_that_an_output_folder_uses_are_reserved() -> None:
    reports = {"report.html", "datacard.md", "readme.md", "leaks.json", "attribution.csv", "croissant.json", "removed.parquet"}
    assert {"plan", "plan.new", "recipe.toml", "build.json", "t5", *reports} == layout.RESERVED_NAMES


def test_names_of_files_never_change_since_published_folders_have_them() -> None:
    """Readers and earlier builds know these names."""
    assert (layout.RECIPE, layout.BUILD, layout.PLAN, layout.NEW_PLAN) == ("recipe.toml", "build.json", "plan", "plan.new")
    assert (layout.INDEX, layout.LEFT_OUT, layout.EQUAL_SOUNDS) == ("plan.json", "rejections.parquet", "equal_sounds.parquet")
    assert (layout.T5_CACHE, layout.T5_TEXTS, layout.T5_PARTS) == ("t5_captions.parquet", "t5_texts.parquet", "t5")
    assert layout.REPORTS == (
        "report.html",
        "DATACARD.md",
        "README.md",
        "leaks.json",
        "ATTRIBUTION.csv",
        "croissant.json",
        "removed.parquet",
    )
    assert (layout.RECORDINGS, layout.WORK, layout.LOCK) == (".recordings", ".work", ".lock")
    shard = ShardId("Set", "train", 7)
    assert layout.plan_name(shard) == "Set/train/00007.parquet"
    assert (layout.tar_name(shard), layout.books_name(shard)) == ("Set/train/7.tar", "Set/train/7.parquet")
    assert (layout.marker_name(shard), layout.sizes_name(shard.folder)) == ("Set/train/7_stats.json", "Set/train/sizes.json")
