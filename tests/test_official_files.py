"""Official files are found where users put them, part by part; a missing file is named with the step to get it, and no other is taken."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import ValidationError

from sources.metadata.card import Download
from sources.metadata.needs import audio_folder, audio_need, metadata_path
from sources.metadata.official_files import (
    OfficialFile,
    OfficialOptions,
    PartOptions,
    official_files,
    official_fingerprint,
    official_needs,
)

TRAIN = OfficialFile(
    ("train.csv", "data/train.csv"),
    ("set_train.csv",),
    "get it there",
    Download("https://example.org/t", "set_train.csv"),
    what="captions",
    part="train",
)
VALID = OfficialFile(("val.csv",), ("set_val.csv",), "get it here", part="valid")
NOTES = OfficialFile(distinct_names=("set_notes.csv", "set_notes_*.csv"), part="valid", is_required=False)
CLASSES = OfficialFile(distinct_names=("classes.csv",), step="get the classes")
ZIPPED = OfficialFile(
    ("labels.csv",), ("set/labels.csv",), "unpack it", Download("https://example.org/z", "set.zip"), what="labels", member="set/labels.csv"
)


class Options(PartOptions):
    FILES: ClassVar[tuple[OfficialFile, ...]] = (TRAIN, VALID, NOTES)

    dataset: str = "Set"
    path: str = "set"


class SharedOptions(Options):
    FILES: ClassVar[tuple[OfficialFile, ...]] = (CLASSES, TRAIN)


class SingleOptions(OfficialOptions):
    FILES: ClassVar[tuple[OfficialFile, ...]] = (ZIPPED,)

    dataset: str = "Set"
    path: str = "set"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAION_AUDIO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "metadata"


def options(folder: Path, kind: type[OfficialOptions] = Options, **more: object) -> OfficialOptions:
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
    assert TRAIN.find(options(tmp_path)) == path


def test_a_plain_name_in_the_recipe_folder_may_belong_to_another_source(tmp_path: Path) -> None:
    write(tmp_path / "train.csv")
    assert TRAIN.find(options(tmp_path)) is None
    assert TRAIN.find(options(tmp_path, path=".")) == tmp_path / "train.csv"


def test_the_folder_of_the_source_comes_before_the_recipe_folder_and_the_cache(tmp_path: Path) -> None:
    for name in ("cache/metadata/set_train.csv", "set_train.csv", "set/train.csv"):
        path = write(tmp_path / name)
        assert TRAIN.find(options(tmp_path)) == path


def test_a_path_may_be_a_file_and_its_name_says_which_part_is_read(tmp_path: Path) -> None:
    path, notes = write(tmp_path / "set" / "val.csv"), write(tmp_path / "set" / "set_notes_1.csv")
    write(tmp_path / "set" / "train.csv")
    given = options(tmp_path, path="set/val.csv")
    assert official_files(given) == {VALID: path, NOTES: notes}
    assert [need.what for need in official_needs(given)] == ["valid: set/val.csv", "valid: set_notes.csv in set"]


def test_the_only_file_may_have_any_name_and_no_other_is_taken_in_its_place(tmp_path: Path) -> None:
    write(tmp_path / "labels.csv")
    other = write(tmp_path / "any name.csv")
    assert official_files(options(tmp_path, SingleOptions, path="any name.csv")) == {ZIPPED: other}
    given = options(tmp_path, SingleOptions, path="gone.csv")
    with pytest.raises(ValueError, match=r"gone\.csv: no such file; labels\.csv or set/labels\.csv \(labels\) is needed; unpack it"):
        official_files(given)
    (need,) = official_needs(given)
    assert (need.what, need.where, need.download) == ("labels: gone.csv", None, None)


@pytest.mark.parametrize("name", ["set/set.zip", "set.zip", "cache/metadata/set.zip"])
def test_a_file_is_read_out_of_the_zip_of_its_publisher(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("set/labels.csv", "id\n1\n")
    given = options(tmp_path, SingleOptions)
    assert official_needs(given)[0].where == tmp_path / name
    assert not list(tmp_path.glob("cache/metadata/unpacked-*"))  # asking what is needed unpacks nothing
    assert official_files(given)[ZIPPED].read_text() == "id\n1\n"
    unpacked = write(tmp_path / "set" / "labels.csv")
    assert official_files(given) == {ZIPPED: unpacked}


def test_all_parts_that_are_there_are_read_and_named_parts_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"set: no train\.csv or set_train\.csv \(captions\) there, .*; get it there"):
        official_files(options(tmp_path))
    path = write(tmp_path / "set_val.csv")
    assert official_files(options(tmp_path)) == {VALID: path}
    assert official_files(options(tmp_path, splits=["validation"])) == {VALID: path}
    with pytest.raises(ValueError, match="get it there"):
        official_files(options(tmp_path, splits=["train", "valid"]))


def test_a_file_that_all_parts_need_must_be_there(tmp_path: Path) -> None:
    write(tmp_path / "set_train.csv")
    with pytest.raises(ValueError, match=r"no classes\.csv there, .*; get the classes"):
        official_files(options(tmp_path, SharedOptions))
    assert [need.what for need in official_needs(options(tmp_path, SharedOptions))] == [
        "all parts: classes.csv in set",
        "captions, train: train.csv or set_train.csv in set",
    ]


def test_a_part_that_does_not_exist_is_a_fault_of_the_recipe(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="'trian' is no part of this source, there are train, valid"):
        options(tmp_path, splits=["train", "trian"])
    assert options(tmp_path, splits=["VAL", "Train", "val"]).parts == ("valid", "train")


def test_needs_are_given_without_any_file_and_one_part_is_enough(tmp_path: Path) -> None:
    train, valid, notes = official_needs(options(tmp_path))
    assert (train.where, train.is_required, train.download) == (None, True, TRAIN.download)
    assert valid.is_required and not notes.is_required
    write(tmp_path / "set_val.csv")
    train, valid, _ = official_needs(options(tmp_path))
    assert not train.is_required and valid.where == tmp_path / "set_val.csv"
    (train,) = official_needs(options(tmp_path, splits=["train"]))
    assert train.is_required


def test_fingerprint_changes_with_content_and_parts_and_not_with_folders(tmp_path: Path) -> None:
    write(tmp_path / "a" / "set_train.csv")
    write(tmp_path / "b" / "set" / "train.csv")
    assert official_fingerprint(options(tmp_path / "a")) == official_fingerprint(options(tmp_path / "b"))
    before = official_fingerprint(options(tmp_path / "a"))
    write(tmp_path / "a" / "set_val.csv")
    both = official_fingerprint(options(tmp_path / "a"))
    write(tmp_path / "a" / "set_val.csv", "y")
    assert len({before, both, official_fingerprint(options(tmp_path / "a"))}) == 3


def test_the_audio_root_of_an_entry_comes_before_the_folder_of_the_archive(tmp_path: Path) -> None:
    given = options(tmp_path)
    assert audio_folder(given, "set", "audio") is None
    assert audio_need(given, "set", ("wav", "audio"), "clips", "bring them").what == "clips: wav or audio in set"
    (tmp_path / "set" / "audio").mkdir(parents=True)
    assert audio_folder(given, "set", "wav", "audio") == "set/audio"
    assert audio_need(given, "set", ("wav", "audio"), "clips", "bring them").where == tmp_path / "set" / "audio"
    given = options(tmp_path, audio_root="mine.zip")
    assert audio_folder(given, "set", "audio") == "mine.zip"
    assert audio_need(given, "set", ("audio",), "clips", "bring them").where is None
    address = options(tmp_path, audio_root="https://example.org/mine.zip")
    assert audio_need(address, "set", ("audio",), "clips", "bring them").where == "https://example.org/mine.zip"


def test_the_cache_is_where_the_environment_says(tmp_path: Path, cache: Path) -> None:
    assert TRAIN.download is not None and metadata_path(TRAIN.download) == cache / "set_train.csv"
