"""Paths relative to the recipe are files of the user's own; everything else at a path has its reason."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.records import Clip, Provenance, Reason, Rejected
from transforms.fetching.local import LocalHandler, local_recording


def clip(url: str) -> Clip:
    return Clip(source="table", dataset="Mine", split="train", id="a", url=url)


@pytest.mark.parametrize("name", ["in/rain.wav", "in/what? 100%.wav", "雨.wav", ".hidden", "C:rain.wav"])
def test_a_path_is_relative_to_the_recipe(tmp_path, name):
    (tmp_path / "in").mkdir()
    (tmp_path / name).write_bytes(name.encode())
    handler = LocalHandler(tmp_path)
    assert handler.matches(clip(name))
    recording = handler.fetch(clip(name), tmp_path / "not needed")
    assert recording.path == tmp_path / name
    assert recording.provenance == Provenance(n_bytes=len(name.encode()), sha256=hashlib.sha256(name.encode()).hexdigest())


def test_a_path_may_be_absolute_or_lead_upwards(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "a.wav").write_bytes(b"abc")
    for name in (str(tmp_path / "a.wav"), "../a.wav"):
        assert LocalHandler(tmp_path / "in").fetch(clip(name), tmp_path).provenance.n_bytes == 3


@pytest.mark.parametrize("url", ["", "http://h/a.wav", "bundled:a.wav", "file:a.wav"])
def test_an_address_is_not_a_path(tmp_path, url):
    assert not LocalHandler(tmp_path).matches(clip(url))


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
        ("/dev/zero", Reason.NOT_AUDIO, "'zero' is a pipe or a device, not a file"),
        ("/dev/tty", Reason.NOT_AUDIO, "'tty' is a pipe or a device, not a file"),
        ("//127.0.0.1/share/a.wav", Reason.NOT_FOUND, "no file 'a.wav'"),
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
        LocalHandler(tmp_path).fetch(clip(name), tmp_path)
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
    assert LocalHandler(tmp_path).fetch(clip("empty.wav"), tmp_path).provenance.n_bytes == 0
