"""Kinds of damage in the tar of a shard and in its marker."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Callable
from typing import Any

from tests.damage import MARKER, OTHER, TAR, Built, Damage, Members


def _members(change: Callable[[Members], Members]) -> Callable[[Built], None]:
    return lambda built: built.write_members(change(built.members()))


def _header(**values: Any) -> Callable[[Built], None]:
    return lambda built: built.write_members(built.members(), **values)


def _bytes(change: Callable[[bytes], bytes], name: str = TAR) -> Callable[[Built], None]:
    def run(built: Built) -> None:
        built.path(name).write_bytes(change(built.path(name).read_bytes()))

    return run


def _added(**fields: Any) -> Callable[[Built], None]:
    """Put a member that is no file before the end of the archive."""

    def run(built: Built) -> None:
        member = tarfile.TarInfo("linked.flac")
        for field, value in fields.items():
            setattr(member, field, value)
        header = member.tobuf(tarfile.GNU_FORMAT)
        data = built.path(TAR).read_bytes().rstrip(b"\0")
        built.path(TAR).write_bytes(data + bytes(-len(data) % 512) + header + bytes(1024))

    return run


def _pax(built: Built) -> None:
    built.write_members(built.members(), tarfile.PAX_FORMAT, pax_headers={"mtime": "12.5"})


def _second_tar(data: bytes) -> bytes:
    return data + data


OF_TAR = [
    Damage("tar: other order of samples", TAR, _members(lambda m: [*m[2:], *m[:2]]), True),
    Damage("tar: JSON before FLAC", TAR, _members(lambda m: [m[1], m[0], *m[2:]]), True),
    Damage("tar: all FLAC, then all JSON", TAR, _members(lambda m: [*m[::2], *m[1::2]]), True),
    Damage("tar: a sample less", TAR, _members(lambda m: m[2:]), True),
    Damage("tar: a sample twice", TAR, _members(lambda m: [*m, *m[:2]]), True),
    Damage("tar: a FLAC less", TAR, _members(lambda m: m[1:]), True),
    Damage("tar: a JSON less", TAR, _members(lambda m: m[:-1]), True),
    Damage("tar: a FLAC twice", TAR, _members(lambda m: [m[0], *m]), True),
    Damage("tar: a text file more", TAR, _members(lambda m: [*m, ("readme.txt", b"x")]), True),
    Damage("tar: an unknown sample", TAR, _members(lambda m: [*m, ("new.flac", m[0][1]), ("new.json", m[1][1])]), True),
    Damage("tar: key in capitals", TAR, _members(lambda m: [(m[0][0].upper(), m[0][1]), *m[1:]]), True),
    Damage("tar: key with a dot", TAR, _members(lambda m: [("a." + m[0][0], m[0][1]), ("a." + m[1][0], m[1][1]), *m[2:]]), True),
    Damage("tar: names from ./", TAR, _members(lambda m: [(f"./{name}", data) for name, data in m]), True),
    Damage("tar: names with control characters", TAR, _members(lambda m: [("\x1b[2J\n.flac", m[0][1]), *m[1:]]), True),
    Damage("tar: no members", TAR, _members(lambda m: []), True),
    *(
        Damage(f"tar: {name} {value!r}", TAR, _header(**{name: value}), True)
        for name, value in (("mtime", 1_700_000_000), ("uid", 1000), ("gid", 7), ("mode", 0o777), ("uname", "me"), ("gname", "us"))
    ),
    Damage("tar: times by pax", TAR, _pax, True),
    Damage("tar: GNU format", TAR, lambda built: built.write_members(built.members(), tarfile.GNU_FORMAT), True),
    Damage("tar: symbolic link", TAR, _added(type=tarfile.SYMTYPE, linkname="/etc/passwd"), True),
    Damage("tar: hard link to nothing", TAR, _added(type=tarfile.LNKTYPE, linkname="gone.flac"), True),
    Damage("tar: folder", TAR, _added(type=tarfile.DIRTYPE), True),
    Damage("tar: device", TAR, _added(type=tarfile.CHRTYPE, devmajor=1, devminor=3), True),
    Damage("tar: pipe", TAR, _added(type=tarfile.FIFOTYPE), True),
    Damage("tar: sparse member of 40 GB", TAR, _added(type=tarfile.GNUTYPE_SPARSE, size=0, pax_headers={}), True),
    Damage("tar: member of 40 GB", TAR, _added(size=40 << 30), True),
    Damage("tar: long name of 40 GB", TAR, _added(type=tarfile.GNUTYPE_LONGNAME, size=40 << 30), True),
    Damage("tar: garbage behind the end", TAR, _bytes(lambda data: data + b"garbage"), True),
    Damage("tar: zeros behind the end", TAR, _bytes(lambda data: data + bytes(10_240)), True),
    Damage("tar: garbage in the last record", TAR, _bytes(lambda data: data[:-10] + b"x" * 10), True),
    Damage("tar: second tar behind the end", TAR, _bytes(_second_tar), True),
    Damage("tar: end missing", TAR, _bytes(lambda data: data.rstrip(b"\0") + bytes(-len(data.rstrip(b"\0")) % 512)), True),
    Damage("tar: short end", TAR, _bytes(lambda data: data[:-512]), True),
    Damage("tar: cut in the middle", TAR, _bytes(lambda data: data[: len(data) // 2]), True),
    Damage("tar: cut to nothing", TAR, _bytes(lambda _: b""), True),
    Damage("tar: compressed", TAR, _bytes(gzip.compress), True),
    Damage("tar: no tar", TAR, _bytes(lambda data: bytes(range(256)) * 40), True),
    Damage("tar: one header damaged", TAR, _bytes(lambda data: b"\xff" * 100 + data[100:]), True),
    Damage("tar: bytes between members", TAR, _bytes(lambda data: data[:512] + _pad_filled(data)), True),
    Damage("tar: a byte flipped", TAR, _bytes(lambda data: data[:700] + bytes([data[700] ^ 1]) + data[701:])),
]


def _pad_filled(data: bytes) -> bytes:
    """Return what follows the first header, with a byte in the padding of its data."""
    size = tarfile.TarInfo.frombuf(data[:512], "utf-8", "strict").size
    return data[512 : 512 + size] + b"x" + data[513 + size :]


def _marker(**values: Any) -> Callable[[Built], None]:
    return lambda built: built.change_json(MARKER, lambda marker: marker.update(values))


HASH = "0" * 64
OTHER_VALUES = {
    "shard": OTHER.name,
    "rows_sha256": HASH,
    "inputs_sha256": HASH,
    "sounds_sha256": HASH,
    "n_planned": 7,
    "n_samples": 99,
    "n_rejected": 0,
    "reasons": {"silent": 2},
    "audio_seconds": 12.5,
    "versions": {"conversion": "x"},
}
WRONG_TYPES = {
    "format": "two",
    "n_planned": "8",
    "n_samples": None,
    "n_rejected": -1,
    "reasons": {"silent": "2"},
    "audio_seconds": float("nan"),
    "tar": [],
    "parquet": {"bytes": 1.5, "sha256": HASH},
    "build_seconds": {"build": "long"},
    "versions": ["x"],
    "shard": 7,
    "rows_sha256": 10**40,
    "more": 1,
}
VALUES = sorted(OTHER_VALUES.keys() | {"tar", "parquet", "build_seconds", "format"})
OF_MARKER = [
    *(Damage(f"marker: other {name}", MARKER, _marker(**{name: value})) for name, value in OTHER_VALUES.items()),
    *(Damage(f"marker: {name} of another type", MARKER, _marker(**{name: value})) for name, value in WRONG_TYPES.items()),
    *(Damage(f"marker: without {name}", MARKER, lambda b, n=name: b.change_json(MARKER, lambda m: m.pop(n) and None)) for name in VALUES),
    Damage("marker: huge seconds", MARKER, _marker(audio_seconds=10**400)),
    Damage("marker: another format", MARKER, _marker(format=99)),
    Damage("marker: other hash of the tar", TAR, _marker(tar={"bytes": 1, "sha256": HASH})),
    Damage("marker: reasons in another order", MARKER, _marker(reasons={"not_found": 1})),
    *(
        Damage(f"marker: {name}", MARKER, _bytes(lambda _, d=data: d, MARKER))
        for name, data in (("empty", b""), ("list", b"[]"), ("binary", b"\xff\xfe\0"), ("nested", b"[" * 100_000), ("number", b"9" * 5000))
    ),
]


TAR_AND_MARKER = [*OF_TAR, *OF_MARKER]
