"""Auto-ACD: train and test, with and without a start in the id."""

from __future__ import annotations

from pathlib import Path

from sources import auto_acd
from tests.official_tables import options_of, outcomes_of, written


def test_train_and_test_are_splits(tmp_path: Path) -> None:
    rows = "youtube_id,caption\noPRC3zComfA_000117,Rain.\n"
    clips, _ = outcomes_of("auto_acd", written(tmp_path, train__csv=rows, auto_acd_test__csv=rows))
    assert [clip.split for clip in clips] == ["train", "test"]


def test_a_train_table_in_the_recipe_folder_may_be_that_of_another_set(tmp_path: Path) -> None:
    written(tmp_path, train__csv="youtube_id,caption\n")
    train, test = auto_acd.needs(options_of("auto_acd", tmp_path, path="auto_acd"))
    assert train.where is test.where is None
