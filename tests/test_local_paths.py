"""A cell of a table is a path or an address, and its blanks belong to a name only where a file has them."""

import os
from pathlib import Path

import pytest

from pipeline.records import Rejected
from sources.metadata.local_paths import FolderListings, url_of


@pytest.mark.parametrize(
    ("cell", "files", "url"),
    [
        ("a.wav", [], "meta/a.wav"),
        (" a.wav", [], "meta/a.wav"),
        (" a.wav", [" a.wav"], "meta/ a.wav"),
        (" a.wav", [" a.wav", "a.wav"], "meta/ a.wav"),
        ("a.wav ", ["a.wav"], "meta/a.wav"),
        ("Scene: night.wav", ["Scene: night.wav"], "meta/Scene: night.wav"),
        (" Scene: night.wav", ["Scene: night.wav"], "meta/Scene: night.wav"),
        ("Scene: night.wav", [], "Scene: night.wav"),
        ("file:a.wav", ["a.wav"], "file:a.wav"),
        ("file:a.wav", ["file:a.wav"], "meta/file:a.wav"),
        ("a#1.wav", [], "meta/a#1.wav"),
        ("what?.wav", [], "meta/what?.wav"),
        ("s3://bucket/a.wav", [], "s3://bucket/a.wav"),
        (" https://example.org/a.wav ", ["a.wav"], "https://example.org/a.wav"),
        ("HTTP://example.org/a.wav", [], "HTTP://example.org/a.wav"),
        ("bundled:quickstart/a.wav", [], "bundled:quickstart/a.wav"),
        ("C:a.wav", [], "meta/C:a.wav"),
        ("/abs/a.wav", [], "/abs/a.wav"),
        ("", [], ""),
        ("  ", [], ""),
    ],
)
def test_an_existing_file_is_a_path(tmp_path, cell, files, url):
    (tmp_path / "meta").mkdir()
    for name in files:
        (tmp_path / "meta" / name).touch()
    assert url_of(cell, "meta", tmp_path) == url


def test_with_audio_root_blanks_are_kept_for_its_names_to_decide(tmp_path):
    assert url_of(" a.wav", ".", tmp_path, exact=True) == " a.wav"
    assert url_of(" https://example.org/a.wav", ".", tmp_path, exact=True) == "https://example.org/a.wav"


def made(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("path", "files", "result"),
    [
        ("a.wav", ["a.wav", "A.wav"], "a.wav"),
        ("x/../a.wav", ["a.wav"], "a.wav"),
        ("A.wav", ["a.wav"], "a.wav"),
        ("X/A.wav", ["x/a.wav"], "x/a.wav"),
        ("a%20b.wav", ["a b.wav", "A B.wav"], "a b.wav"),
        ("x\\a.wav", ["x/a.wav"], "x/a.wav"),
        ("A.wav", ["a.wav/b"], None),  # a folder
        ("A.wav", ["b.wav"], None),
        ("..\\up.wav", [], None),
        ("a\0.wav", ["a.wav"], None),
        ("../up.WAV", [], None),
    ],
)
def test_a_path_means_the_file_with_the_nearest_form(tmp_path, path, files, result):
    made(tmp_path, "up.wav")
    root = made(tmp_path / "root", *files)
    assert FolderListings().find(root / path, [root]) == (result and root / result)


def test_two_files_in_one_form_are_ambiguous(tmp_path):
    made(tmp_path, "x/a.wav", "X/A.wav", "X/b.wav")
    with pytest.raises(Rejected) as caught:
        FolderListings().find(tmp_path / "x/a.WAV", [tmp_path])
    assert caught.value.detail == "'x/a.WAV' may be 'X/A.wav' or 'x/a.wav': write more of the path"
    assert FolderListings().find(tmp_path / "x/B.wav", [tmp_path]) == tmp_path / "X/b.wav"


def test_the_deepest_folder_is_searched_and_no_other(tmp_path):
    made(tmp_path, "rec/a.wav", "REC/b.wav")
    deep = tmp_path / "rec"
    assert FolderListings().find(deep / "B.wav", [tmp_path]) == tmp_path / "REC/b.wav"
    assert FolderListings().find(deep / "B.wav", [tmp_path, deep]) is None
    assert FolderListings().find(deep / "A.wav", [deep, tmp_path]) == deep / "a.wav"
    assert FolderListings().find(deep / "A.wav", [tmp_path / "other"]) is None


def test_a_folder_is_listed_again_when_it_changed(tmp_path):
    listings = FolderListings()
    made(tmp_path, "a.wav")
    os.utime(tmp_path, (1, 1))
    assert listings.find(tmp_path / "B.wav", [tmp_path]) is None
    made(tmp_path, "b.wav")
    os.utime(tmp_path, (1, 1))
    assert listings.find(tmp_path / "B.wav", [tmp_path]) is None  # the list of before
    os.utime(tmp_path, (2, 2))
    assert listings.find(tmp_path / "B.wav", [tmp_path]) == tmp_path / "b.wav"
