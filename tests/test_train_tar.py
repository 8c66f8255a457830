"""List the files in a tar."""

import io
import tarfile

import pytest
import webdataset
from hypothesis import given, settings
from hypothesis import strategies as st

from train.data import tar
from train.data.tar import list_entries, list_opened

NAMES = ["a.flac", "folder/b.json", "x" * 120 + ".wav", "d" * 90 + "/" + "e" * 60 + ".txt", "ü/ö.mp3", ".hidden", "no ending"]
SIZES = [0, 1, 511, 512, 513, 70_000, 1024]


def write_tar(path, format, names=NAMES, mtime=0.0):
    with tarfile.open(path, "w", format=format) as writer:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        writer.addfile(folder)
        for name, size in zip(names, SIZES, strict=False):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = size, mtime
            writer.addfile(entry, io.BytesIO(bytes([65]) * size))


@pytest.mark.parametrize("mtime", [0, 1.5])
@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_names_and_positions_are_those_of_tarfile(tmp_path, format, mtime):
    names = NAMES if format != tarfile.USTAR_FORMAT else [name for name in NAMES if not name.startswith("x")]
    write_tar(tmp_path / "0.tar", format, names, mtime)
    entries = list_entries(tmp_path / "0.tar")
    assert [name.decode() for name, _, _ in entries] == names
    assert entries == list_opened((tmp_path / "0.tar").open("rb"))


def test_the_tars_of_webdataset_need_no_second_reader(tmp_path):
    with webdataset.TarWriter(str(tmp_path / "0.tar")) as writer:  # it writes a pax header for each file
        for i in range(3):
            writer.write({"__key__": f"some/folder/{i:06}" + "k" * 50 * i, "wav": bytes(700), "json": {"text": "a dog"}})
    data = (tmp_path / "0.tar").read_bytes()
    entries = tar._walk(data)
    assert entries == list_opened(io.BytesIO(data)) and len(entries) == 6


def test_a_tar_without_zeros_at_its_end_is_complete(tmp_path):
    write_tar(tmp_path / "0.tar", tarfile.USTAR_FORMAT, ["a.flac", "b.json"])
    entries = list_entries(tmp_path / "0.tar")
    data = (tmp_path / "0.tar").read_bytes()
    (tmp_path / "0.tar").write_bytes(data[: entries[-1][1] + 512])
    assert list_entries(tmp_path / "0.tar") == entries


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, 3071), byte=st.integers(0, 255), cut=st.integers(0, 5000))
def test_damage_gives_an_error_or_what_tarfile_reads(tmp_path_factory, at, byte, cut):
    path = tmp_path_factory.getbasetemp() / "damaged.tar"
    write_tar(path, tarfile.PAX_FORMAT, ["a.flac", "a.json"], mtime=1.5)
    data = bytearray(path.read_bytes())
    data[at] = byte
    path.write_bytes(data[: len(data) - cut * 3])
    try:
        expected = list_opened(path.open("rb"))
    except tarfile.TarError:
        expected = None
    try:
        matches = list_entries(path)
    except tarfile.TarError:
        matches = None
    assert matches == expected or expected is None or matches is not None
