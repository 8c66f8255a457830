"""The MD5 of a FLAC is returned only when the file holds nothing but audio."""

import hashlib
import struct

import numpy as np
import pytest

from tests.sounds import by_soundfile, id3, picture
from transforms.audio.plain_flac import plain_flac_md5

NOISE = np.random.default_rng(4).integers(-16_000, 16_000, (4_800, 1)).astype(np.int16)
FLAC = by_soundfile(NOISE, 48_000, "FLAC", "PCM_16")
MD5 = hashlib.md5(NOISE.astype("<i2").tobytes(), usedforsecurity=False).digest()


def with_block(flac: bytes, kind: int, body: bytes) -> bytes:
    """Return a FLAC with one more metadata block, after its STREAMINFO."""
    at = 4 + 4 + 34
    is_last = flac[4] & 0x80
    return flac[:4] + bytes([flac[4] & 0x7F]) + flac[5:at] + bytes([kind | is_last]) + len(body).to_bytes(3) + body + flac[at:]


def comments(*lines: str) -> bytes:
    packed = b"".join(struct.pack("<I", len(line)) + line.encode() for line in lines)
    return struct.pack("<I", 3) + b"abc" + struct.pack("<I", len(lines)) + packed


def md5_of(data: bytes, folder) -> bytes | None:
    (folder / "a").write_bytes(data)
    return plain_flac_md5(folder / "a")


@pytest.mark.parametrize(
    "data",
    [
        FLAC,
        with_block(FLAC, 1, b""),
        with_block(FLAC, 1, bytes(100)),
        with_block(FLAC, 3, bytes(18)),
        with_block(FLAC, 4, comments()),
        with_block(with_block(FLAC, 1, bytes(1000)), 3, bytes(36)),
    ],
    ids=["by libsndfile", "no padding", "padding", "seek table", "encoder's name", "several blocks"],
)
def test_a_flac_with_nothing_but_audio_gives_the_md5_of_its_frames(data, tmp_path):
    assert md5_of(data, tmp_path) == MD5


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (2, b"appl1234"),
        (4, comments("ARTIST=someone")),
        (4, comments() + b"hidden"),
        (4, comments()[:-1]),
        (4, comments()[:-1] + b"\x01"),
        (5, bytes(396)),
        (6, picture()),
        (1, b"\x00hidden"),
        (126, bytes(8)),
    ],
    ids=[
        "application",
        "comment",
        "bytes after comments",
        "short comments",
        "count of comments",
        "cue sheet",
        "picture",
        "padding",
        "reserved",
    ],
)
def test_a_flac_with_anything_else_gives_none(kind, body, tmp_path):
    assert md5_of(with_block(FLAC, kind, body), tmp_path) is None


def test_a_header_without_an_md5_gives_none(tmp_path):
    assert md5_of(FLAC[:26] + bytes(16) + FLAC[42:], tmp_path) is None


def test_a_streaminfo_of_another_size_gives_none(tmp_path):
    longer = FLAC[:5] + (35).to_bytes(3) + FLAC[8:42] + b"\x00" + FLAC[42:]
    assert md5_of(longer, tmp_path) is None


@pytest.mark.parametrize("n_bytes", [0, 3, 4, 6, 8, 20, 41, 44])
def test_a_flac_that_ends_in_its_metadata_gives_none(n_bytes, tmp_path):
    assert md5_of(FLAC[:n_bytes], tmp_path) is None


@pytest.mark.parametrize("data", [b"RIFF" + FLAC[4:], id3(10) + FLAC], ids=["other magic bytes", "ID3 tag"])
def test_a_file_that_does_not_begin_as_flac_gives_none(data, tmp_path):
    assert md5_of(data, tmp_path) is None


def test_more_metadata_than_64_kb_is_not_examined(tmp_path):
    rest = len(FLAC) - len(FLAC.split(b"fLaC")[1])  # the magic bytes
    fitting = (1 << 16) - (rest + 4 + 34 + 4) - 200
    assert md5_of(with_block(FLAC, 1, bytes(fitting)), tmp_path) == MD5
    assert md5_of(with_block(FLAC, 1, bytes(1 << 16)), tmp_path) is None
