"""Members of a tar are read without believing its headers; every flaw of header, padding and end has a line of its own."""

from __future__ import annotations

import io
import tarfile

import pytest

from pipeline.output.tar_members import Flaw, Member, members_of_damaged, shown_name, tar_members

BLOCK, RECORD = 512, 10_240


def header(name: str = "a.flac", size: int = 0, kind: int = tarfile.USTAR_FORMAT, **fields: object) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    for field, value in fields.items():
        setattr(info, field, value)
    return info.tobuf(kind, "utf-8", "surrogateescape")


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def tar(*parts: bytes) -> bytes:
    """Return a tar of these headers and contents, with the end that a build writes."""
    data = b"".join(parts)
    return data + bytes(-(-(len(data) + 2 * BLOCK) // RECORD) * RECORD - len(data))


def read(data: bytes) -> list[Member | Flaw]:
    return list(tar_members(io.BytesIO(data)))


PAIR = (header("a.flac", 3), padded(b"abc"), header("a.json", 512), b"x" * 512)
MEMBERS = [Member("a.flac", 512, 3), Member("a.json", 1536, 512)]


def test_a_member_has_key_and_ending() -> None:
    assert (Member("a.b.flac", 0, 0).key, Member("a.b.flac", 0, 0).ending) == ("a.b", "flac")
    assert (Member("a", 0, 0).key, Member("a", 0, 0).ending) == ("", "a")


@pytest.mark.parametrize("n", [3, 512, 513])
def test_members_of_every_length_are_read(n: int) -> None:
    assert read(tar(header("a.flac", n), padded(b"x" * n), *PAIR[2:])) == [
        Member("a.flac", 512, n),
        Member("a.json", 1024 + len(padded(b"x" * n)), 512),
    ]


@pytest.mark.parametrize("n_blocks", [0, 17, 18])
def test_the_end_is_two_blocks_and_fills_a_record(n_blocks: int) -> None:
    members = (header("a.flac", n_blocks * BLOCK), b"x" * n_blocks * BLOCK)
    data = tar(*members)
    assert len(data) == (RECORD if n_blocks < 18 else 2 * RECORD)
    assert read(data) == [Member("a.flac", 512, n_blocks * BLOCK)]


def test_an_end_that_is_not_as_a_build_writes_it() -> None:
    data = tar(*PAIR)
    assert read(data[:-1]) == [*MEMBERS, Flaw("", "1 bytes are missing at the end of the archive")]
    assert read(data[: 2048 + BLOCK]) == [*MEMBERS, Flaw("", f"{RECORD - 2560} bytes are missing at the end of the archive")]
    assert read(data + b"x") == [*MEMBERS, Flaw("", "1 bytes follow the end of the archive")]
    assert read(data[:-1] + b"x") == [*MEMBERS, Flaw("", "bytes that are not zero follow the end of the archive")]
    assert read(data + data) == [*MEMBERS, Flaw("", f"{RECORD} bytes follow the end of the archive")]


def test_a_file_that_ends_inside_or_after_a_member() -> None:
    data = tar(*PAIR)
    for n in (2048, 2559):
        assert read(data[:n]) == [*MEMBERS, Flaw("", f"the file ends after {n} bytes, and the end of the archive is missing")]
    assert read(b"") == [Flaw("", "the file ends after 0 bytes, and the end of the archive is missing")]
    assert read(data[:2047]) == [MEMBERS[0], Flaw("a.json", "its header gives 512 bytes, the file has 511 more")]


def test_what_is_no_header_ends_the_reading() -> None:
    assert read(tar(*PAIR[:2], b"x" * BLOCK)) == [MEMBERS[0], Flaw("", "not a tar from byte 1024 on (invalid header)")]


def test_bytes_between_members() -> None:
    assert read(tar(PAIR[0], b"abc" + b"x".rjust(509, b"\0"), *PAIR[2:])) == [
        MEMBERS[0],
        Flaw("a.flac", "bytes that are not zero follow it"),
        MEMBERS[1],
    ]


def test_negative_sizes_end_the_reading() -> None:
    (*_, last) = read(tar(header("a.flac", -1, tarfile.GNU_FORMAT)))
    assert last == Flaw("a.flac", f"its header gives -1 bytes, the file has {RECORD - 512} more")


@pytest.mark.parametrize("kind", [tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_a_member_that_is_no_file_has_no_data(kind: bytes) -> None:
    flaw = Flaw("a", f"is a member of type {kind.decode()!r}, not a file")
    assert read(tar(header("a", 512, type=kind), *PAIR)) == [
        flaw,
        Member("a", 512, 0),
        Member("a.flac", 1024, 3),
        Member("a.json", 2048, 512),
    ]


def test_other_kinds_of_files_have_data() -> None:
    assert read(tar(header("a", 512, type=tarfile.CONTTYPE), b"x" * 512)) == [
        Flaw("a", "is a member of type '7', not a file"),
        Member("a", 512, 512),
    ]


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        ({"mode": 0o600}, "mode 384"),
        ({"uid": 1}, "uid 1"),
        ({"gid": 2}, "gid 2"),
        ({"mtime": 3}, "mtime 3"),
        ({"uname": "u", "gname": "g"}, "uname 'u', gname 'g'"),
        ({"linkname": "l"}, "linkname 'l'"),
    ],
)
def test_headers_are_those_of_a_build(fields: dict[str, object], values: str) -> None:
    assert read(tar(header(**fields))) == [Flaw("a.flac", f"its header has {values}"), Member("a.flac", 512, 0)]  # type: ignore[arg-type]


def test_headers_of_another_format() -> None:
    assert read(tar(header(kind=tarfile.GNU_FORMAT))) == [
        Flaw("a.flac", "its header is not ustar as a build writes it"),
        Member("a.flac", 512, 0),
    ]
    first, _ = read(tar(header(size=1 << 33, kind=tarfile.GNU_FORMAT)))
    assert first == Flaw("a.flac", "its header cannot be that of a sample (overflow in number field)")


def test_names_are_cut_to_120_characters() -> None:
    assert (shown_name("x" * 120), shown_name("x" * 121)) == ("x" * 120, "x" * 117 + "...")
    (flaw, _) = read(tar(header(linkname="l" * 100, uname="ü")))
    assert flaw == Flaw("a.flac", f"its header has uname 'ü', linkname {'l' * 100!r}")


def damaged(data: bytes) -> list[Member]:
    return list(members_of_damaged(io.BytesIO(data)))


def test_members_are_found_beyond_damage() -> None:
    assert damaged(tar(*PAIR)) == MEMBERS
    assert damaged(tar(b"x" * BLOCK, *PAIR)) == [Member("a.flac", 1024, 3), Member("a.json", 2048, 512)]
    assert damaged(tar(*PAIR[:2], b"x" * BLOCK, *PAIR[2:])) == [MEMBERS[0], Member("a.json", 2048, 512)]
    assert damaged(b"".join(PAIR)) == MEMBERS
    assert damaged(b"".join(PAIR)[:1536]) == MEMBERS[:1]
    assert damaged(header("a.json")) == [Member("a.json", 512, 0)]
    assert damaged(header("a.json")[:-1]) == damaged(b"") == []


def test_flac_behind_a_block_that_is_no_header_has_no_name() -> None:
    flac = padded(b"fLaC")
    assert damaged(tar(b"x" * BLOCK, flac, *PAIR)) == [Member("", 512, 0), Member("a.flac", 1536, 3), Member("a.json", 2560, 512)]
    assert damaged(tar(bytes(BLOCK), flac)) == []
    assert damaged(tar(header("a", type=tarfile.SYMTYPE), flac)) == [Member("", 512, 0)]
    assert damaged(b"x" * BLOCK + b"fLa") == []


@pytest.mark.parametrize("size", [-1, RECORD - 511])
def test_a_header_whose_data_the_file_does_not_have_is_damage(size: int) -> None:
    assert damaged(tar(header("a", size, tarfile.GNU_FORMAT))) == []
    assert damaged(tar(header("a", RECORD - 512))) == [Member("a", 512, RECORD - 512)]


def test_members_and_flaws_are_values_that_cannot_change() -> None:
    assert len({Member("a", 0, 1), Member("a", 0, 1), Flaw("a", "b"), Flaw("a", "b")}) == 2
