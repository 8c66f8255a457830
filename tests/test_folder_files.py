"""A folder's files are listed once each, links are followed only where allowed, and what is left out has a reason."""

import os
from pathlib import Path

import pytest

from sources.metadata.folder_files import INSIDE, NOT_A_FILE, OUTSIDE, FolderFiles, is_below, list_folder


def made(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("path", "folders", "expected"),
    [
        ("/a", ["/a"], True),
        ("/a/b", ["/c", "/a"], True),
        ("/ab", ["/a"], False),
        ("/a", ["/a/b"], False),
        ("/a", ["/"], True),
        ("/a/b", ["/a/"], True),
        ("/a", [], False),
    ],
)
def test_below_counts_whole_names(path, folders, expected):
    assert is_below(path, folders) is expected


def test_files_are_sorted_by_their_paths_below_the_folder(tmp_path):
    root = made(tmp_path / "root", "b.wav", "a/z.wav", "a/b/c.wav", "a.wav", ".hidden/x")
    (root / "empty").mkdir()
    assert list_folder(root) == FolderFiles((".hidden/x", "a.wav", "a/b/c.wav", "a/z.wav", "b.wav"), ())


def test_links_to_files_are_files_and_what_is_no_file_is_left_out(tmp_path):
    root = made(tmp_path / "root", "a.wav")
    (made(tmp_path / "other", "b.wav") / "b.wav").rename(tmp_path / "b.wav")
    (root / "b.wav").symlink_to(tmp_path / "b.wav")
    (root / "gone.wav").symlink_to("nothing")
    os.mkfifo(root / "pipe")
    assert list_folder(root) == FolderFiles(("a.wav", "b.wav"), (("gone.wav", NOT_A_FILE), ("pipe", NOT_A_FILE)))


def test_links_to_folders_are_followed_where_they_are_allowed(tmp_path):
    root, other = made(tmp_path / "root", "sub/a.wav"), made(tmp_path / "other", "x/b.wav", "c.wav")
    made(tmp_path / "third", "d.wav")
    (root / "in").symlink_to(root / "sub")
    (root / "up").symlink_to(tmp_path)
    (root / "self").symlink_to(root)
    (root / "sub" / "other").symlink_to(other)
    (root / "third").symlink_to(tmp_path / "third")
    (root / "twice").symlink_to(other)
    refused = [("in", INSIDE), ("self", INSIDE), ("third", OUTSIDE), ("up", OUTSIDE)]
    outside = [("sub/other", OUTSIDE), ("twice", OUTSIDE)]
    assert list_folder(root) == FolderFiles(("sub/a.wav",), tuple(sorted(refused + outside)))
    allowed = FolderFiles(("sub/a.wav", "sub/other/c.wav", "sub/other/x/b.wav"), tuple(sorted([*refused, ("twice", INSIDE)])))
    assert list_folder(root, [other]) == allowed
    assert list_folder(root, [tmp_path / "no", other]) == allowed


def test_a_link_in_a_linked_folder_is_followed_too(tmp_path):
    root, first, second = tmp_path / "root", made(tmp_path / "first", "a.wav"), made(tmp_path / "second", "b.wav")
    root.mkdir()
    (root / "first").symlink_to(first)
    (first / "second").symlink_to(second)
    (second / "first").symlink_to(first)
    assert list_folder(root, [first, second]) == FolderFiles(("first/a.wav", "first/second/b.wav"), (("first/second/first", INSIDE),))


def test_an_upper_folder_is_not_followed_even_when_it_is_allowed(tmp_path):
    root = made(tmp_path / "root", "a.wav")
    (root / "up").symlink_to(tmp_path)
    assert list_folder(root, [tmp_path]) == FolderFiles(("a.wav",), (("up", OUTSIDE),))


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        list_folder(tmp_path / "no")
