"""What every entry of a recipe's sources may say."""

import pytest
from pydantic import ValidationError

from sources.metadata.options import MAX_SPLIT, SourceOptions, split_name


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a b", "é", "plan", "PLAN", "plan.new", "build.json", "x" * 101])
def test_a_dataset_is_a_folder_name_that_the_output_does_not_use_itself(name, tmp_path):
    with pytest.raises(ValidationError):
        SourceOptions(source="table", dataset=name, base=tmp_path)


@pytest.mark.parametrize(
    ("given", "name"),
    [("", "train"), (" Val ", "valid"), ("validation", "valid"), ("Testing", "test"), ("training", "train"), ("fold-1", "fold-1")],
)
def test_splits_have_one_name(given, name):
    assert split_name(given) == name


@pytest.mark.parametrize("given", ["a b", "../x", "a/b", ".", "tést", "x" * (MAX_SPLIT + 1)])
def test_a_split_is_a_folder_name(given):
    with pytest.raises(ValueError, match="is not a name of at most"):
        split_name(given)


def test_paths_start_from_the_recipe_unless_they_are_absolute(tmp_path):
    options = SourceOptions(source="table", dataset="T", base=tmp_path)
    assert options.resolve("a/b") == tmp_path / "a/b"
    assert str(options.resolve("/a/b")) == "/a/b"
