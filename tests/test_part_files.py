"""The official files of a source are found by their names, and a missing file is named with the step to get it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import ValidationError

from sources.metadata.card import Download
from sources.metadata.part_files import PartFile, PartOptions, find_part_file, part_files, part_fingerprint, part_needs

TRAIN = PartFile(
    "train", ("train.csv", "data/train.csv"), ("set_train.csv",), "get it there", Download("https://example.org/t", "set_train.csv")
)
VALID = PartFile("valid", ("val.csv",), ("set_val.csv",), "get it here")
NOTES = PartFile("valid", (), ("set_notes_*.csv",), is_required=False)


class Options(PartOptions):
    FILES: ClassVar[tuple[PartFile, ...]] = (TRAIN, VALID, NOTES)

    dataset: str = "Set"
    path: str = "set"


class SharedOptions(PartOptions):
    FILES: ClassVar[tuple[PartFile, ...]] = (PartFile("", (), ("classes.csv",), "get the classes"), TRAIN)

    dataset: str = "Set"
    path: str = "set"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAION_AUDIO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "metadata"


def options(folder: Path, kind: type[PartOptions] = Options, **more: object) -> PartOptions:
    return kind(source="set", base=folder, **more)  # type: ignore[arg-type]


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "name", ["set/train.csv", "set/data/train.csv", "set/set_train.csv", "set_train.csv", "cache/metadata/set_train.csv"]
)
def test_a_file_is_found_by_its_official_name_in_the_folder_and_by_a_distinct_name_anywhere(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name)
    assert find_part_file(options(tmp_path), TRAIN) == path


def test_a_plain_name_in_the_recipe_folder_may_belong_to_another_source(tmp_path: Path) -> None:
    write(tmp_path / "train.csv")
    assert find_part_file(options(tmp_path), TRAIN) is None
    assert find_part_file(options(tmp_path, path="."), TRAIN) == tmp_path / "train.csv"


def test_the_folder_of_the_source_comes_before_the_recipe_folder_and_the_cache(tmp_path: Path) -> None:
    for name in ("cache/metadata/set_train.csv", "set_train.csv", "set/train.csv"):
        path = write(tmp_path / name)
        assert find_part_file(options(tmp_path), TRAIN) == path


def test_a_path_may_be_a_file_and_its_name_says_which(tmp_path: Path) -> None:
    path = write(tmp_path / "set" / "val.csv")
    assert part_files(options(tmp_path, path="set/val.csv")) == {VALID: path}
    only = type("Only", (PartOptions,), {"__annotations__": {}, "FILES": (VALID,), "__module__": __name__})
    other = write(tmp_path / "any name.csv")
    assert part_files(only(source="set", dataset="Set", base=tmp_path, path="any name.csv")) == {VALID: other}


def test_all_parts_that_are_there_are_read_and_named_parts_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"set: no train\.csv or set_train\.csv there, .*; get it there"):
        part_files(options(tmp_path))
    path = write(tmp_path / "set_val.csv")
    assert part_files(options(tmp_path)) == {VALID: path}
    assert part_files(options(tmp_path, splits=["validation"])) == {VALID: path}
    with pytest.raises(ValueError, match="get it there"):
        part_files(options(tmp_path, splits=["train", "valid"]))


def test_a_file_that_all_parts_need_must_be_there(tmp_path: Path) -> None:
    write(tmp_path / "set_train.csv")
    with pytest.raises(ValueError, match=r"no classes\.csv .*; get the classes"):
        part_files(options(tmp_path, SharedOptions))


def test_a_file_that_is_not_required_is_used_when_it_is_there(tmp_path: Path) -> None:
    write(tmp_path / "set_val.csv")
    second, first = write(tmp_path / "set_notes_b.csv"), write(tmp_path / "set_notes_a.csv")
    assert part_files(options(tmp_path))[NOTES] == first != second


def test_a_part_that_does_not_exist_is_a_fault_of_the_recipe(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="'trian' is no part of this source, there are train, valid"):
        options(tmp_path, splits=["train", "trian"])
    assert options(tmp_path, splits=["VAL", "Train", "val"]).parts == ("valid", "train")


def test_needs_are_given_without_any_file_and_one_part_is_enough(tmp_path: Path) -> None:
    train, valid, notes = part_needs(options(tmp_path))
    assert (train.what, train.where, train.is_required, train.download) == (
        "train: train.csv or set_train.csv in set",
        None,
        True,
        TRAIN.download,
    )
    assert valid.is_required and not notes.is_required
    write(tmp_path / "set_val.csv")
    train, valid, _ = part_needs(options(tmp_path))
    assert not train.is_required and valid.where == tmp_path / "set_val.csv"
    (train,) = part_needs(options(tmp_path, splits=["train"]))
    assert train.is_required


def test_fingerprint_changes_with_content_and_parts_and_not_with_folders(tmp_path: Path) -> None:
    write(tmp_path / "a" / "set_train.csv")
    write(tmp_path / "b" / "set" / "train.csv")
    assert part_fingerprint(options(tmp_path / "a")) == part_fingerprint(options(tmp_path / "b"))
    before = part_fingerprint(options(tmp_path / "a"))
    write(tmp_path / "a" / "set_val.csv")
    both = part_fingerprint(options(tmp_path / "a"))
    write(tmp_path / "a" / "set_val.csv", "y")
    assert len({before, both, part_fingerprint(options(tmp_path / "a"))}) == 3
