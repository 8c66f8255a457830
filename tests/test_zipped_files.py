"""Tables are unpacked out of a zip once, and a damaged, foreign or swollen zip is an error with its name."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from sources.metadata import zipped_files
from sources.metadata.zipped_files import unpacked


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAION_AUDIO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "metadata"


def archive(path: Path, **members: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in members.items():
            file.writestr(name.replace("__", "/"), text)
    return path


def test_a_member_is_unpacked_once_and_again_when_the_zip_changed(tmp_path: Path, cache: Path) -> None:
    path = archive(tmp_path / "a.zip", set__dev="one", set__eval="two")
    first = unpacked(path, "set/dev")
    assert first.read_text() == "one" and first.is_relative_to(cache)
    changed = first.stat().st_mtime_ns
    assert unpacked(path, "set/dev").stat().st_mtime_ns == changed
    archive(path, set__dev="three")
    assert unpacked(path, "set/dev").read_text() == "three"
    assert sorted(file.name for file in cache.rglob("*") if file.is_file()) == ["dev", "dev"]


def test_a_zip_without_the_member_and_a_file_that_is_no_zip_are_errors(tmp_path: Path, cache: Path) -> None:
    path = archive(tmp_path / "a.zip", other="x")
    with pytest.raises(ValueError, match=r"a\.zip: there is no set/dev in this zip"):
        unpacked(path, "set/dev")
    (tmp_path / "b.zip").write_bytes(b"<html>busy</html>")
    with pytest.raises(ValueError, match=r"b\.zip: set/dev cannot be read out of this zip .*; download it again"):
        unpacked(tmp_path / "b.zip", "set/dev")
    assert not [file for file in cache.rglob("*") if file.is_file()]


def test_a_damaged_or_swollen_member_leaves_nothing(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = archive(tmp_path / "a.zip", set__dev="x" * 10_000)
    data = bytearray(path.read_bytes())
    data[45] ^= 0xFF
    (tmp_path / "damaged.zip").write_bytes(data)
    with pytest.raises(ValueError, match="cannot be read out of this zip"):
        unpacked(tmp_path / "damaged.zip", "set/dev")
    monkeypatch.setattr(zipped_files, "MAX_BYTES", 100)
    with pytest.raises(ValueError, match="set/dev has 10000 bytes, at most 100 are read"):
        unpacked(path, "set/dev")
    assert not [file for file in cache.rglob("*") if file.is_file()]
