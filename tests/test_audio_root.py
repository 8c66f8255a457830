"""An audio_root is opened once, gives the file that a row means, and says what is wrong when it is none."""

import os
from pathlib import Path

import pytest

from pipeline.records import Clip, Reason, Rejected
from tests.caches import UNUSED
from tests.test_archives import make_folder, make_tar, make_zip
from transforms.fetching.folders import LocalFolders
from transforms.fetching.roots.audio_root import AudioRootHandler, path_of
from transforms.fetching.roots.folder_root import FolderRoot
from transforms.fetching.roots.open_root import open_local_root


def clip(url: str = "", audio_root: str | None = "root", clip_id: str = "no id") -> Clip:
    return Clip("table", "D", "train", clip_id, url, audio_root=audio_root)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://h/x/a%20b.ogg?t=1#f", "x/a%20b.ogg"),
        ("https://h", ""),
        ("https://h//a.wav", "a.wav"),
        ("http://[::1/x/a.wav?t=/b", "a.wav"),
    ],
)
def test_the_path_of_an_address_is_without_host_and_query(url, path):
    assert path_of(url) == path


def test_what_is_no_archive_is_named(tmp_path):
    (tmp_path / "text").write_bytes(b"text")
    os.mkfifo(tmp_path / "pipe")
    details = {}
    for name in ("text", "pipe", "missing"):
        with pytest.raises(Rejected) as caught:
            open_local_root(tmp_path / name, UNUSED)
        details[name] = (caught.value.reason, caught.value.detail)
    neither = "is neither a folder nor a zip, tar or 7z: "
    assert details == {
        "text": (Reason.UNAVAILABLE, f"audio_root 'text' {neither}File is not a zip file"),
        "pipe": (Reason.UNAVAILABLE, f"audio_root 'pipe' {neither}no such file or folder"),
        "missing": (Reason.UNAVAILABLE, f"audio_root 'missing' {neither}no such file or folder"),
    }


def test_a_folder_has_its_names_and_what_was_left_out(tmp_path):
    make_folder(tmp_path / "root", {"a.wav": b"a", "x/a.wav": b"x", "rain.json": b"", "._b.wav": b""})
    make_folder(tmp_path / "other", {"c.wav": b"c"})
    (tmp_path / "root" / "link").symlink_to(tmp_path / "other")
    (tmp_path / "root" / "same.wav").symlink_to("a.wav")
    root = open_local_root(tmp_path / "root", UNUSED)
    assert (root.path, [name for name, _ in root.left_out]) == (tmp_path / "root", ["link"])
    assert root.names.names == {"a.wav", "x/a.wav", "rain.json", "same.wav"}
    assert root.names.find_id("rain") is None  # a text is no recording
    assert root.names.identity_of("same.wav") == root.names.identity_of("a.wav") != root.names.identity_of("x/a.wav")
    wide = open_local_root(tmp_path / "root", UNUSED, (tmp_path / "other",))
    assert (wide.left_out, "link/c.wav" in wide.names.names) == ((), True)


@pytest.mark.parametrize(
    ("path", "is_address", "result"),
    [
        ("a.wav", False, "a.wav"),
        ("y/a.wav", False, "y/a.wav"),  # through a linked folder that is read under its own name
        ("y/n.wav", False, "y/n.wav"),
        ("y/n.wav", True, None),  # of an address no folder is followed
        ("y/b.wav", False, None),
        ("x", False, None),
        ("../root/x/a.wav", False, "x/a.wav"),
        ("", False, None),
        ("y/._c.wav", False, None),
        ("a" * 5000, False, None),
    ],
)
def test_a_path_may_lead_through_a_linked_folder(tmp_path, path, is_address, result):
    make_folder(tmp_path / "root", {"a.wav": b"", "x/a.wav": b"", "x/n.wav": b"", "x/._c.wav": b"", "y/z": b""})
    (tmp_path / "root" / "y" / "z").unlink()
    (tmp_path / "root" / "y").rmdir()
    (tmp_path / "root" / "y").symlink_to("x")
    assert open_local_root(tmp_path / "root", UNUSED).find(path, is_address) == result


def test_the_files_of_a_folder_are_read_in_place(tmp_path):
    root = open_local_root(make_folder(tmp_path / "root", {"x/a.wav": b"a"}), UNUSED)
    assert isinstance(root, FolderRoot)
    assert root.local_file("x/a.wav") == root.extract("x/a.wav", tmp_path) == tmp_path / "root/x/a.wav"


@pytest.mark.parametrize("make", [make_folder, make_zip, make_tar])
def test_the_local_file_is_the_file_or_its_archive(tmp_path, make):
    make(tmp_path / "root", {"x/a.wav": b"a"})
    handler = AudioRootHandler(LocalFolders(tmp_path), UNUSED)
    expected = tmp_path / "root" / "x/a.wav" if make is make_folder else tmp_path / "root"
    assert handler.local_file(clip("x/a.wav")) == expected
    assert handler.root_of(clip()) is handler.root_of(clip("x/a.wav"))


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (clip("a.wav"), "a.wav"),
        (clip("https://h/y/b.wav?t=1"), "x/b.wav"),
        (clip("", clip_id="b"), "x/b.wav"),
        (clip("lost.wav", clip_id="b"), "x/b.wav"),
        (clip("", clip_id="c"), None),
        (clip("a.wav", audio_root=None), None),
        (clip("root/a.wav"), "a.wav"),
        (clip("1:a.wav", clip_id="b"), "x/b.wav"),
    ],
)
def test_the_path_counts_before_the_id(tmp_path, given, name):
    make_folder(tmp_path / "root", {"a.wav": b"", "x/b.wav": b""})
    handler = AudioRootHandler(LocalFolders(tmp_path), UNUSED)
    assert (handler.name_of(given), handler.matches(given)) == (name, name is not None)


@pytest.mark.parametrize(("url", "is_ambiguous"), [("b.wav", True), ("here/b.wav", False), ("https://h/b.wav", True), ("", True)])
def test_an_ambiguous_name_is_rejected_unless_its_own_path_is_a_file(tmp_path, url, is_ambiguous):
    make_folder(tmp_path, {"root/x/b.wav": b"", "root/y/b.wav": b"", "here/b.wav": b""})
    handler = AudioRootHandler(LocalFolders(tmp_path), UNUSED)
    if is_ambiguous:
        with pytest.raises(Rejected) as caught:
            handler.name_of(clip(url, clip_id="b"))
        assert caught.value.reason is Reason.AMBIGUOUS
    else:
        assert handler.name_of(clip(url, clip_id="b")) is None


def test_a_file_with_the_same_name_in_another_folder_is_shown(tmp_path):
    make_folder(tmp_path / "root", {"x/a.wav": b"", "y/A.wav": b""})
    handler = AudioRootHandler(LocalFolders(tmp_path), UNUSED)
    alike = [handler.alike(given) for given in (clip("z/a.wav"), clip("z/b.wav"), clip("z/a.wav", audio_root=None))]
    assert alike == ["x/a.wav", None, None]


def test_a_link_that_leads_out_of_the_folders_is_not_read(tmp_path):
    make_folder(tmp_path / "in/root", {"b.wav": b"b"})
    secret: Path = tmp_path / "secret.wav"
    secret.write_bytes(b"secret")
    (tmp_path / "in/root/a.wav").symlink_to(secret)
    handler = AudioRootHandler(LocalFolders(tmp_path / "in"), UNUSED)
    assert handler.fetch(clip("b.wav"), tmp_path).path.read_bytes() == b"b"
    with pytest.raises(Rejected):
        handler.fetch(clip("a.wav"), tmp_path)
    wide = AudioRootHandler(LocalFolders(tmp_path / "in", others=(tmp_path,)), UNUSED)
    assert wide.fetch(clip("a.wav"), tmp_path).path.read_bytes() == b"secret"
