"""Paths relative to the recipe are files of the user's own; everything else at a path has its reason."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.records import Clip, Provenance, Reason, Rejected
from transforms.fetching import local
from transforms.fetching.folders import LocalFolders
from transforms.fetching.local import LocalHandler, local_recording


def clip(url: str) -> Clip:
    return Clip(source="table", dataset="Mine", split="train", id="a", url=url)


@pytest.mark.parametrize("name", ["in/rain.wav", "in/what? 100%.wav", "雨.wav", ".hidden", "C:rain.wav"])
def test_a_path_is_relative_to_the_recipe(tmp_path, name):
    (tmp_path / "in").mkdir()
    (tmp_path / name).write_bytes(name.encode())
    handler = LocalHandler(LocalFolders(tmp_path))
    assert handler.matches(clip(name))
    recording = handler.fetch(clip(name), tmp_path / "not needed")
    assert recording.path == tmp_path / name
    assert recording.provenance == Provenance(n_bytes=len(name.encode()), sha256=hashlib.sha256(name.encode()).hexdigest())


def test_a_path_may_be_absolute_or_lead_upwards_into_folders_that_are_allowed(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "a.wav").write_bytes(b"abc")
    folders = (LocalFolders(tmp_path / "in", (("Mine", tmp_path),)), LocalFolders(tmp_path / "in", (), (tmp_path,)))
    for name in (str(tmp_path / "a.wav"), "../a.wav", "../in/../a.wav"):
        for allowed in folders:
            assert LocalHandler(allowed).fetch(clip(name), tmp_path).provenance.n_bytes == 3
        handler = LocalHandler(LocalFolders(tmp_path / "in"))
        with pytest.raises(Rejected) as caught:
            handler.fetch(clip(name), tmp_path)
        assert (caught.value.reason, handler.local_file(clip(name))) == (Reason.UNSAFE_ADDRESS, None)


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "/etc/no such file", "../../../../../etc/passwd", "/proc/kmsg", "/dev/zero", "link", "deep/a", "sparse", "//h/a"],
)
def test_a_file_elsewhere_is_refused_whether_it_is_there_or_not(tmp_path, name):
    (tmp_path / "in").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a").write_bytes(b"secret")
    (tmp_path / "in" / "link").symlink_to("../outside/a")
    (tmp_path / "in" / "deep").symlink_to("../outside")
    (tmp_path / "in" / "sparse").symlink_to("/dev/zero")
    with pytest.raises(Rejected) as caught:
        LocalHandler(LocalFolders(tmp_path / "in")).fetch(clip(name), tmp_path)
    shown = Path(name).name
    assert caught.value.reason == Reason.UNSAFE_ADDRESS
    assert caught.value.detail == (
        f"'{shown}' lies outside of the folders of recipe, table and audio_root; local_files of the recipe allows other folders"
    )


def test_a_huge_file_is_too_large_at_once_and_one_without_an_end_is_not_read(tmp_path):
    with (tmp_path / "huge.wav").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(Rejected) as caught:
        LocalHandler(LocalFolders(tmp_path)).fetch(clip("huge.wav"), tmp_path)
    assert (caught.value.reason, caught.value.detail) == (Reason.TOO_LARGE, f"'huge.wav' has {1 << 40} bytes, at most {16 << 30}")
    if Path("/proc/self/maps").exists():
        with pytest.raises(Rejected, match="more bytes than its size says"):
            local_recording(Path("/proc/self/maps"))


def test_a_file_that_is_swapped_for_a_link_after_the_check_is_not_read(tmp_path, monkeypatch):
    """The same moment as in a race: what is opened is another file than what was checked."""
    (tmp_path / "in").mkdir()
    (tmp_path / "a.wav").write_bytes(b"secret")
    path = tmp_path / "in" / "a.wav"
    path.write_bytes(b"mine")
    opened = os.open

    def swapped(name, flags, *more, **named):
        path.unlink()
        path.symlink_to("../a.wav")
        return opened(name, flags, *more, **named)

    with monkeypatch.context() as patched, pytest.raises(Rejected) as caught:
        patched.setattr(os, "open", swapped)
        LocalHandler(LocalFolders(tmp_path / "in")).fetch(clip("a.wav"), tmp_path)
    assert caught.value.reason in {Reason.NOT_FOUND, Reason.UNSAFE_ADDRESS}


NFC, NFD = "caf\u00e9.wav", "cafe\u0301.wav"


@pytest.mark.parametrize(
    ("name", "files", "meant"),
    [
        (NFC, [NFD], NFD),
        (NFD, [NFC], NFC),
        (NFC, [NFD, NFC], NFC),
        (" a.wav", [" a.wav", "a.wav"], " a.wav"),
        ("a.wav", [" a.wav "], " a.wav "),
        ("a  b.wav", ["a b.wav"], "a b.wav"),
        ("rain%20wind.wav", ["rain wind.wav"], "rain wind.wav"),
        ("rain%20wind.wav", ["rain wind.wav", "rain%20wind.wav"], "rain%20wind.wav"),
        ("x\\y\\a.wav", ["x/y/a.wav"], "x/y/a.wav"),
        ("x/../y\\a.wav", ["y/a.wav", "x/y/a.wav"], "y/a.wav"),
        ("DR1/SA1.WAV", ["dr1/sa1.wav"], "dr1/sa1.wav"),
        ("Scene: night.wav", ["Scene: night.wav"], "Scene: night.wav"),
        ("mailto:a#1?.wav", ["mailto:a#1?.wav"], "mailto:a#1?.wav"),
        ("na\udcefve.wav", ["na\u00efve.wav"], "na\u00efve.wav"),
        ("a.wav", ["b.wav", "x/a.wav"], None),
        ("x\\..\\..\\a.wav", ["a.wav"], None),
        ("A.wav", ["a.wav", " A.wav"], " A.wav"),
        ("A.wav", ["a.wav", " a.wav"], Reason.AMBIGUOUS),
    ],
)
def test_a_name_in_another_form_is_found_and_the_exact_name_first(tmp_path, name, files, meant):
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(file.encode("utf-8", "surrogateescape"))
    handler = LocalHandler(LocalFolders(tmp_path))
    if meant is not None and not isinstance(meant, Reason):
        assert handler.matches(clip(name))
        assert handler.fetch(clip(name), tmp_path).path == handler.local_file(clip(name)) == tmp_path / meant
    else:
        with pytest.raises(Rejected) as caught:
            handler.fetch(clip(name), tmp_path)
        assert caught.value.reason == (meant or Reason.NOT_FOUND)


def test_a_file_that_comes_later_is_found(tmp_path):
    handler = LocalHandler(LocalFolders(tmp_path))
    assert handler.local_file(clip(NFC)) == tmp_path / NFC
    (tmp_path / NFD).write_bytes(b"")
    os.utime(tmp_path, (1, 1))
    assert handler.local_file(clip(NFC)) == tmp_path / NFD


@pytest.mark.parametrize("url", ["", "http://h/a.wav", "bundled:a.wav", "file:a.wav"])
def test_an_address_is_not_a_path(tmp_path, url):
    assert not LocalHandler(LocalFolders(tmp_path)).matches(clip(url))


LONG = "a" * 300


@pytest.mark.parametrize(
    ("name", "reason", "detail"),
    [
        ("missing.wav", Reason.NOT_FOUND, "no file 'missing.wav'"),
        ("folder/missing.wav", Reason.NOT_FOUND, "no file 'missing.wav'"),
        ("file.wav/below.wav", Reason.NOT_FOUND, "no file 'below.wav'"),
        ("folder", Reason.NOT_AUDIO, "'folder' is a folder, not a file"),
        (".", Reason.NOT_AUDIO, None),
        (LONG, Reason.NOT_FOUND, f"'{'a' * 80}' cannot be opened: File name too long"),
        ("a/" * 40000, Reason.NOT_FOUND, "'a' cannot be opened: File name too long"),
        ("nul\0.wav", Reason.NOT_FOUND, r"'nul\x00.wav' is not a file name"),
        ("half \ud800.wav", Reason.NOT_FOUND, r"'half \ud800.wav' is not a file name"),
        ("loop", Reason.NOT_FOUND, "'loop' cannot be opened: Too many levels of symbolic links"),
        ("dangling", Reason.NOT_FOUND, "no file 'dangling'"),
        ("pipe", Reason.NOT_AUDIO, "'pipe' is a pipe or a device, not a file"),
        ("link to pipe", Reason.NOT_AUDIO, "'link to pipe' is a pipe or a device, not a file"),
    ],
)
def test_a_path_without_a_regular_file_is_rejected(tmp_path, name, reason, detail):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.wav").write_bytes(b"")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link to pipe").symlink_to("pipe")
    with pytest.raises(Rejected) as caught:
        LocalHandler(LocalFolders(tmp_path)).fetch(clip(name), tmp_path)
    assert caught.value.reason == reason
    assert detail is None or caught.value.detail == detail
    assert str(tmp_path) not in caught.value.detail  # folders of this machine are not for the books


@contextlib.contextmanager
def without_privileges() -> Iterator[None]:
    """Give up the rights of root for a while, where the tests are run by root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read_is_forbidden(tmp_path: Path):
    secret = tmp_path / "secret.wav"
    secret.write_bytes(b"secret")
    secret.chmod(0)
    with without_privileges(), pytest.raises(Rejected) as caught:
        local_recording(secret)
    assert caught.value.reason == Reason.FORBIDDEN
    assert caught.value.detail == "'secret.wav' may not be read by this user"


def test_an_empty_file_is_a_recording_for_the_decoder_to_refuse(tmp_path):
    (tmp_path / "empty.wav").write_bytes(b"")
    assert LocalHandler(LocalFolders(tmp_path)).fetch(clip("empty.wav"), tmp_path).provenance.n_bytes == 0


@pytest.mark.parametrize("descriptors", [local.DESCRIPTORS, "/not/here"])
def test_a_folder_that_becomes_a_link_before_its_file_is_opened_is_refused(tmp_path, monkeypatch, descriptors):
    for folder in ("in/sub", "outside"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.wav").write_bytes(folder.encode())
    handler, open_file = LocalHandler(LocalFolders(tmp_path / "in")), os.open
    monkeypatch.setattr(local, "DESCRIPTORS", descriptors)
    assert handler.fetch(clip("sub/a.wav"), tmp_path).provenance.n_bytes == 6

    def swap(*arguments: object) -> int:
        (tmp_path / "in" / "sub").rename(tmp_path / "in" / "old")
        (tmp_path / "in" / "sub").symlink_to("../outside")
        return open_file(*arguments)

    with monkeypatch.context() as patched, pytest.raises(Rejected) as caught:
        patched.setattr(os, "open", swap)
        handler.fetch(clip("sub/a.wav"), tmp_path)
    assert caught.value.reason == Reason.UNSAFE_ADDRESS
