"""Official files are found where users put them, another file is refused by name, and every bad row is a rejection with table and row."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.records import Clip, Reason, Rejected, Rejection
from sources.metadata.card import Download
from sources.metadata.needs import metadata_path
from sources.metadata.official_files import OfficialFile, OfficialTable, audio_folder, audio_need, read_tables
from sources.metadata.options import SourceOptions

DOWNLOAD = Download("https://example.org/set.csv", "set.csv", "0" * 64)
FILE = OfficialFile(("meta/set.csv", "set.csv", "*set*.csv"), "table of clips", "download it", DOWNLOAD, is_only=True)


def options(base: Path, **more: str) -> SourceOptions:
    return SourceOptions(source="set", dataset="Set", base=base, **more)  # type: ignore[arg-type]


def put(path: Path, text: str = "id,title\n1,Rain\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAION_AUDIO_CACHE", str(tmp_path / "cache"))


def test_a_file_is_looked_for_in_its_folder_then_beside_the_recipe_then_in_the_cache(tmp_path: Path) -> None:
    cached = put(metadata_path(DOWNLOAD))
    assert FILE.find(options(tmp_path), "folder") == cached
    beside = put(tmp_path / "my_set_2.csv")
    assert FILE.find(options(tmp_path), "folder") == beside
    official = put(tmp_path / "folder" / "meta" / "set.csv")
    assert FILE.find(options(tmp_path), "folder") == official == FILE.need(options(tmp_path), "folder").where


def test_a_name_that_says_too_little_is_taken_below_the_folder_of_the_entry_alone(tmp_path: Path) -> None:
    file = OfficialFile(("set_LICENSE",), "attributions", "download it", own_names=("LICENSE",))
    put(tmp_path / "LICENSE", "of a program")
    assert file.find(options(tmp_path), "folder") is None and file.official == "LICENSE"
    own = put(tmp_path / "folder" / "LICENSE")
    assert file.find(options(tmp_path), "folder") == own
    assert file.find(options(tmp_path), ".") == tmp_path / "LICENSE"


def test_an_entry_may_name_the_only_table_and_no_other_is_taken_in_its_place(tmp_path: Path) -> None:
    put(tmp_path / "set.csv")
    assert FILE.find(options(tmp_path), "set.csv") == tmp_path / "set.csv"
    assert FILE.find(options(tmp_path), "sett.csv") is None
    with pytest.raises(ValueError, match=r"sett\.csv: no such file; meta/set\.csv is needed \(table of clips\): download it"):
        FILE.path(options(tmp_path), "sett.csv")
    need = FILE.need(options(tmp_path), "sett.csv")
    assert (need.what, need.where, need.download) == ("table of clips: sett.csv", None, None)


def test_a_missing_file_is_named_with_both_folders_and_the_step(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=rf"meta/set\.csv \(table of clips\) is neither in {tmp_path}/folder nor in {tmp_path}: download it"
    ):
        FILE.path(options(tmp_path), "folder")
    need = FILE.need(options(tmp_path), "folder")
    assert (need.what, need.where, need.step, need.download) == ("table of clips: meta/set.csv", None, "download it", DOWNLOAD)


def test_columns_are_found_in_other_spellings_and_a_wrong_table_names_the_right_one(tmp_path: Path) -> None:
    path = put(tmp_path / "set.csv", "\ufeffID, Title ,other\n")
    assert FILE.columns(path, ("id", "title"), ("license",)) == {"id": "ID", "title": "Title"}
    with pytest.raises(ValueError, match=r"no column url and no column fold, there are ID, Title, other: is it meta/set\.csv \(table"):
        FILE.columns(path, ("id", "url", "fold"))
    for content in ("", "\0\0\0\0\0\0"):
        with pytest.raises(ValueError, match=r"set\.csv.*meta/set\.csv is needed \(table of clips\): download it"):
            FILE.columns(put(path, content), ("id",))


def test_rows_are_numbered_over_all_tables_and_a_rejection_names_table_and_row(tmp_path: Path) -> None:
    tables = [
        OfficialTable(put(tmp_path / "a.csv", "id\n1\nbad\n"), {"id": "id"}, "train"),
        OfficialTable(put(tmp_path / "b.csv", "id\nskip\n1,2,3\n4\n"), {"id": "id"}, "test"),
    ]

    def clip_of(table: OfficialTable, record: object, number: int) -> Clip | None:
        cell = record["id"]  # type: ignore[index]
        if cell == "bad":
            raise Rejected(Reason.BAD_ROW, "it is bad")
        return None if cell == "skip" else Clip("set", "Set", table.split, cell, "", row_number=number)

    outcomes = list(read_tables(tables, options(tmp_path), clip_of))
    assert [(o.id, o.row_number) for o in outcomes if isinstance(o, Clip)] == [("1", 1), ("4", 5)]
    rejections = [o for o in outcomes if isinstance(o, Rejection)]
    assert [(r.clip.id, r.clip.split, r.clip.row_number) for r in rejections] == [("a-row-2", "train", 2), ("b-row-2", "test", 4)]
    assert rejections[0].detail == "a.csv, row 2: it is bad"
    assert rejections[1].detail.startswith("b.csv, row 2: 3 cells where the header has 1")


def test_the_audio_root_of_an_entry_comes_before_the_folder_of_the_archive(tmp_path: Path) -> None:
    assert audio_folder(options(tmp_path), "set", "audio") is None
    (tmp_path / "set" / "audio").mkdir(parents=True)
    assert audio_folder(options(tmp_path), "set", "wav", "audio") == "set/audio"
    given = options(tmp_path, audio_root="mine.zip")
    assert audio_folder(given, "set", "audio") == "mine.zip"
    assert audio_need(given, "mine.zip", "clips", "bring them", is_required=True).where is None
    assert audio_need(given, "set/audio", "clips", "bring them", is_required=True).where == tmp_path / "set" / "audio"
