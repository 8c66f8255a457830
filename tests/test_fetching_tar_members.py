"""Members of a tar of recordings: files and links with their bytes, within limits, never two that overlap."""

from __future__ import annotations

import io
import tarfile
import threading
from pathlib import Path

import pytest

from tests.test_archives import add
from transforms.fetching.roots import tar_members as module
from transforms.fetching.roots.archive_members import BLOCK, BoundedFile
from transforms.fetching.roots.tar_members import Span, open_tar, tar_members

Entry = tuple[str, bytes, bytes, str]
Content = tuple[dict[str, bytes], list[tuple[str, str]]]


def written(folder: Path, *entries: Entry) -> Path:
    with tarfile.open(folder / "a.tar", "w") as archive:
        for name, data, kind, link in entries:
            add(archive, name, data, kind, link)
    return folder / "a.tar"


def regular(name: str, data: bytes) -> Entry:
    return name, data, tarfile.REGTYPE, ""


def content(path: Path) -> Content:
    """Return the bytes of every member, and the links that lead nowhere."""
    with BoundedFile(io.FileIO(path)) as file:
        archive = open_tar(file)
        assert archive is not None
        members, left_out = tar_members(archive, file)
        assert file.budget is None, "members are read without a limit"
        read = {name: list(member.blocks(file, threading.Lock())) for name, member in members.items()}
    assert all(0 < len(block) <= BLOCK for blocks in read.values() for block in blocks)
    return {name: b"".join(blocks) for name, blocks in read.items()}, left_out


def test_files_have_their_bytes_and_of_equal_names_the_later_counts(tmp_path: Path) -> None:
    data = bytes(range(256)) * 600
    path = written(tmp_path, regular("a.wav", b"old"), regular("x/b.wav", data), ("x", b"", tarfile.DIRTYPE, ""), regular("a.wav", b"new"))
    assert content(path) == ({"a.wav": b"new", "x/b.wav": data}, [])


def test_links_have_the_bytes_of_the_file_that_they_lead_to(tmp_path: Path) -> None:
    links = [
        ("hard.wav", b"", tarfile.LNKTYPE, "x/a.wav"),
        ("x/soft.wav", b"", tarfile.SYMTYPE, "a.wav"),
        ("y/up.wav", b"", tarfile.SYMTYPE, "../x/soft.wav"),
        ("lost.wav", b"", tarfile.SYMTYPE, "gone.wav"),
        ("circle.wav", b"", tarfile.SYMTYPE, "circle.wav"),
    ]
    members, left_out = content(written(tmp_path, regular("x/a.wav", b"a"), *links))
    assert members == dict.fromkeys(["x/a.wav", "hard.wav", "x/soft.wav", "y/up.wav"], b"a")
    assert left_out == [(name, "a link that leads to no member") for name in ("lost.wav", "circle.wav")]


@pytest.mark.parametrize(("n_links", "is_member"), [(module.MAX_LINKS, True), (module.MAX_LINKS + 1, False)])
def test_at_most_eight_links_are_followed(n_links: int, is_member: bool, tmp_path: Path) -> None:
    chain = [(str(n), b"", tarfile.SYMTYPE, str(n + 1)) for n in range(n_links)]
    members, left_out = content(written(tmp_path, regular(str(n_links), b"a"), *chain))
    assert module.MAX_LINKS == 8 and ("0" in members) is is_member is not bool(left_out)


def test_a_file_that_a_link_of_the_same_name_follows_stays(tmp_path: Path) -> None:
    path = written(tmp_path, regular("a", b"a"), regular("b", b"b"), ("a", b"", tarfile.SYMTYPE, "b"), ("b", b"", tarfile.SYMTYPE, "c"))
    assert content(path) == ({"a": b"a", "b": b"b"}, [])


def test_the_number_of_members_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (module.MAX_MEMBERS, module.MAX_HEADER_BYTES) == (5_000_000, 1 << 20)
    path = written(tmp_path, regular("a", b"a"), ("b", b"", tarfile.SYMTYPE, "a"), ("x", b"", tarfile.DIRTYPE, ""))
    monkeypatch.setattr(module, "MAX_MEMBERS", 3)
    assert set(content(path)[0]) == {"a", "b"}
    monkeypatch.setattr(module, "MAX_MEMBERS", 2)
    with pytest.raises(ValueError, match="it has more than 2 members"):
        content(path)


def test_headers_are_read_up_to_a_limit(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("a")
        member.pax_headers = {"comment": "x" * module.MAX_HEADER_BYTES}
        archive.addfile(member)
    with pytest.raises(ValueError, match="its list of members is longer than any that is read"):
        content(tmp_path / "a.tar")


def test_what_is_no_tar_is_none(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"no tar" * 500)
    with BoundedFile(io.FileIO(tmp_path / "a")) as file:
        assert open_tar(file) is None


def test_a_member_that_is_cut_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(100))
    with BoundedFile(io.FileIO(tmp_path / "a")) as file:
        assert list(Span(10, 90).blocks(file, threading.Lock())) == [bytes(90)]
        with pytest.raises(EOFError, match="the archive ends before this member does"):
            list(Span(10, 91).blocks(file, threading.Lock()))
