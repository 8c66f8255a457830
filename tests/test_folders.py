"""Rows may name files in the folders of a recipe, and a path is given relative to the nearest of them."""

from pathlib import Path

import pytest

from pipeline.records import Clip
from transforms.fetching.folders import LocalFolders

FOLDERS = LocalFolders(Path("/home/me"), (("D", Path("/home/me/meta")), ("E", Path("/data"))), (Path("/data/x/../y"), Path("/data")))


def test_all_folders_are_absolute_and_once(monkeypatch, tmp_path):
    assert FOLDERS.allowed == (Path("/home/me"), Path("/home/me/meta"), Path("/data"), Path("/data/y"))
    monkeypatch.chdir(tmp_path)
    assert LocalFolders(Path("in")).allowed == (tmp_path / "in",)


@pytest.mark.parametrize(
    ("dataset", "url", "path"),
    [
        ("D", "meta/a.wav", "a.wav"),
        ("D", "meta/x/../b/a.wav", "b/a.wav"),
        ("D", "rec/b/a.wav", "b/a.wav"),
        ("D", "/home/me/meta/a.wav", "a.wav"),
        ("E", "meta/a.wav", "meta/a.wav"),
        ("E", "/data/b/a.wav", "b/a.wav"),
        ("D", "/data/b/a.wav", "/data/b/a.wav"),
        ("D", "../a.wav", "../a.wav"),
        ("D", "metal/a.wav", "metal/a.wav"),
        ("D", "rec/meta/a.wav", "meta/a.wav"),
    ],
)
def test_a_path_is_relative_to_the_nearest_folder_of_its_dataset(dataset, url, path):
    assert FOLDERS.given_path(Clip("table", dataset, "train", "", url), Path("/home/me/rec")) == path


def test_the_nearest_folder_is_the_deepest():
    folders = LocalFolders(Path("/home"), (("D", Path("/home/rec/deep")),))
    clip = Clip("table", "D", "train", "", "rec/deep/a.wav")
    assert (folders.given_path(clip, Path("/home/rec")), folders.given_path(clip, Path("/home/rec/deep/"))) == ("a.wav", "a.wav")
