"""Entries of a recipe's sources: names of datasets and splits, and relative paths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.output.layout import RESERVED_NAMES
from pipeline.records import AudioLimits
from sources.metadata.options import MAX_SPLIT, SourceOptions, check_table, split_name


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a b", "é", "x" * 101])
def test_a_dataset_that_is_not_a_plain_folder_name_is_refused(name, tmp_path):
    with pytest.raises(ValidationError, match=r"pattern|at most 100"):
        SourceOptions(source="table", dataset=name, base=tmp_path)


@pytest.mark.parametrize("name", ["plan", "PLAN", "Report.HTML", *sorted(RESERVED_NAMES)])
def test_a_dataset_with_a_name_that_the_output_folder_uses_is_refused(name, tmp_path):
    with pytest.raises(ValidationError, match=r"choose another name"):
        SourceOptions(source="table", dataset=name, base=tmp_path)


@pytest.mark.parametrize("name", ["Clotho", "a", "0", "A_b-c.d", "plans", "x" * 100])
def test_any_other_plain_name_is_a_dataset(name, tmp_path):
    assert SourceOptions(source="table", dataset=name, base=tmp_path).dataset == name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        *(("", "train"), (" Val ", "valid"), ("val", "valid"), ("validation", "valid"), ("Testing", "test"), ("training", "train")),
        *(("fold-1", "fold-1"), ("balanced_train", "balanced_train"), ("x" * MAX_SPLIT, "x" * MAX_SPLIT)),
    ],
)
def test_every_spelling_of_a_split_has_the_same_name(written, name):
    assert split_name(written) == name


@pytest.mark.parametrize("name", ["a b", "../x", "a/b", ".", "tést", "x" * (MAX_SPLIT + 1), "\n\x00"])
def test_a_split_that_is_not_a_plain_folder_name_is_refused(name):
    with pytest.raises(ValueError, match="is not a name of at most 64 letters"):
        split_name(name)


def test_the_message_about_a_split_is_short_for_a_long_name():
    with pytest.raises(ValueError) as refused:
        split_name("y" * 1000)
    assert f"split {'y' * 64!r} is" in str(refused.value)


@given(st.from_regex(r"\s?[A-Za-z0-9_-]{1,64}\s?", fullmatch=True))
def test_the_name_of_a_split_is_its_own_name(text):
    assert split_name(split_name(text)) == split_name(text)


def test_paths_start_at_the_folder_of_the_recipe_unless_they_are_absolute(tmp_path):
    options = SourceOptions(source="table", dataset="T", base=tmp_path)
    assert options.resolve("a/b") == tmp_path / "a/b"
    assert str(options.resolve("/a/b")) == "/a/b"


@pytest.mark.parametrize("unknown", [{"paths": "x"}, {"audio": {"min_secs": 1.0}}, {"audio_root": 3}])
def test_unknown_keys_and_wrong_types_are_refused(unknown, tmp_path):
    with pytest.raises(ValidationError):
        SourceOptions(source="table", dataset="T", base=tmp_path, **unknown)


def test_tables_of_a_recipe_are_checked_without_adding_defaults():
    assert check_table(AudioLimits, {"min_seconds": 2, "min_source_rate": 16_000}) == {"min_seconds": 2.0, "min_source_rate": 16_000}
    for wrong in ({"min_seconds": "2"}, {"min_seconds": float("nan")}, {"min_seconds": -1.0}, {"other": 1}, 3):
        with pytest.raises(ValidationError):
            check_table(AudioLimits, wrong)
