"""A number of frames in the header of a FLAC that is wrong loses no audio, and a missing end is not taken for a wrong number."""

import io

import numpy as np
import pytest

from pipeline.records import Reason
from tests.sounds import FORMATS, RATE, by_av, encoded, flac_with_frame_count
from tests.test_audio_bad_input import make_outcome
from transforms.audio import flac_header
from transforms.audio.flac_header import is_flac_header_right, md5_agrees

N_FRAMES = 3 * RATE + 77
NOISE = np.random.default_rng(4).uniform(-0.5, 0.5, (N_FRAMES, 2))
FLACS = {name: FORMATS[name].make(NOISE, RATE) for name in ("flac_16", "flac_24")}
FLACS["by FFmpeg"] = by_av(NOISE, RATE, "flac", "flac", bit_rate=None)


def is_right(data, folder) -> bool:
    (folder / "a.flac").write_bytes(data)
    with (folder / "a.flac").open("rb") as file:
        return is_flac_header_right(file, 0)


@pytest.mark.parametrize("name", FLACS)
def test_a_header_is_right_unless_more_frames_follow(name, tmp_path):
    data = FLACS[name]
    assert is_right(data, tmp_path)
    for n_frames in (1, N_FRAMES // 2, N_FRAMES - 1):
        assert not is_right(flac_with_frame_count(data, n_frames), tmp_path)
    assert not is_right(data + data, tmp_path)
    assert is_right(data[: len(data) // 2], tmp_path)  # the decoder will say what is missing


def test_block_numbers_of_several_bytes_are_read(tmp_path):
    data = FORMATS["flac_16"].make(np.random.default_rng(1).uniform(-0.5, 0.5, (5000 * 250, 1)), 8000)
    assert is_right(data, tmp_path)
    assert not is_right(flac_with_frame_count(data, 5000 * 250 - 1), tmp_path)


@pytest.mark.parametrize("name", FLACS)
def test_the_md5_tells_that_all_frames_are_there(name, tmp_path):
    path = tmp_path / "a.flac"
    path.write_bytes(flac_with_frame_count(FLACS[name], 2 * N_FRAMES))
    assert md5_agrees(path)
    path.write_bytes(FLACS[name][: int(0.8 * len(FLACS[name]))])
    assert not md5_agrees(path)
    path.write_bytes(encoded("wav_float"))
    assert not md5_agrees(path)


@pytest.mark.parametrize("factor", [0.5, 0.99, 1.01, 2.0])
def test_a_wrong_number_of_frames_loses_nothing(factor, tmp_path):
    result = make_outcome(flac_with_frame_count(FLACS["flac_16"], int(factor * N_FRAMES)), tmp_path)
    assert result.statistics.duration == pytest.approx(N_FRAMES / RATE, abs=0.001)


def test_joined_files_are_decoded_to_their_end_and_a_missing_end_is_corrupt(tmp_path):
    data = FLACS["flac_16"]
    assert make_outcome(data + data, tmp_path).statistics.duration == pytest.approx(2 * N_FRAMES / RATE, abs=0.001)
    assert make_outcome(data[: int(0.7 * len(data))], tmp_path).reason is Reason.CORRUPT


def crc8(data: bytes) -> bytes:
    """Return the checksum of a header: the rest of a division by x^8 + x^2 + x + 1 (RFC 9639, section 9.1.8)."""
    value = int.from_bytes(data) << 8
    for shift in range(8 * len(data) - 1, -1, -1):
        value ^= 0x107 << shift if value >> shift & 0x100 else 0
    return bytes([value])


def flac(*headers: str, block_size: int = 4096, n_frames: int = 0, rest: bytes = bytes(16)) -> bytes:
    """Return a FLAC without sound: its header, and headers of blocks with their checksums, each with 16 bytes behind it."""
    info = block_size.to_bytes(2) + bytes(11) + (n_frames | 0xF << 36).to_bytes(5) + bytes(16)
    blocks = (bytes.fromhex(header) + crc8(bytes.fromhex(header)) + rest for header in headers)
    return b"fLaC\x80\0\0\x22" + info + b"".join(blocks)


@pytest.mark.parametrize(
    ("header", "end"),
    [
        ("fff8 1918 00", 192),
        ("fff8 2918 00", 576),
        ("fff8 3918 00", 1152),
        ("fff8 5918 00", 4608),
        ("fff8 8918 00", 256),
        ("fff8 f918 00", 32_768),
        ("fff8 6918 00 63", 100),
        ("fff8 7918 00 0102", 259),
        ("fff8 1c18 00 07", 192),
        ("fff8 1d18 00 0708", 192),
        ("fff8 1e18 00 0708", 192),
        ("fff8 7d18 00 0102 0708", 259),
        ("fff8 1918 03", 3 * 4096 + 192),
        ("fff9 1918 03", 3 + 192),
        ("fff8 1918 7f", 127 * 4096 + 192),
        ("fff8 1918 c280", 128 * 4096 + 192),
        ("fff8 1918 dfbf", 0x7FF * 4096 + 192),
        ("fff8 1918 e0a080", 0x800 * 4096 + 192),
        ("fff9 1918 f0908081", 0x10001 + 192),
        ("fff9 1918 febf8080808081", 0xFC0000001 + 192),
        ("fff9 6918 febf808080808163", 0xFC0000001 + 100),
    ],
)
def test_a_block_ends_where_its_header_says(header, end):
    assert is_flac_header_right(io.BytesIO(flac(header, n_frames=end)), 0)
    assert not is_flac_header_right(io.BytesIO(flac(header, n_frames=end - 1)), 0)
    tagged = io.BytesIO(b"ID3" + flac(header, n_frames=end - 1))
    assert not is_flac_header_right(tagged, 3)


@pytest.mark.parametrize("header", ["fff8 0918 00", "fff8 1f18 00", "fffa 1918 00", "fef8 1918 00"])
def test_other_bytes_are_no_header_of_a_block(header):
    assert is_flac_header_right(io.BytesIO(flac(header)), 0)


def test_the_last_header_with_a_right_checksum_counts():
    two = flac("fff8 1918 00", "fff8 1918 01", "fff8 0918 05", n_frames=4096 + 191)
    assert not is_flac_header_right(io.BytesIO(two), 0)
    two = flac("fff8 1918 01", "fff8 1918 00", n_frames=192)
    assert is_flac_header_right(io.BytesIO(two), 0)
    wrong = two.replace(bytes.fromhex("fff8191800"), bytes.fromhex("fff8191802"))
    assert not is_flac_header_right(io.BytesIO(wrong), 0)  # the last one has a wrong checksum


def test_a_header_has_sixteen_bytes_of_the_file():
    assert not is_flac_header_right(io.BytesIO(flac("fff8 1918 00", rest=bytes(10))), 0)
    assert is_flac_header_right(io.BytesIO(flac("fff8 1918 00", rest=bytes(9))), 0)


def test_only_the_tail_of_a_file_is_searched():
    data = flac("fff8 1918 00", rest=b"")
    fits = data + bytes(flac_header.TAIL_BYTES - 6)
    assert not is_flac_header_right(io.BytesIO(fits), 0)
    assert is_flac_header_right(io.BytesIO(fits + b"\0"), 0)
    assert flac_header.TAIL_BYTES == 262_144


@pytest.mark.parametrize(
    ("kind", "is_joined"), [(b"\x80\0\0\x22", True), (b"\0\0\0\x22", True), (b"\x81\0\0\x22", False), (b"text", False)]
)
def test_a_second_file_is_found_wherever_it_begins(kind, is_joined, monkeypatch):
    monkeypatch.setattr(flac_header, "PIECE_BYTES", 20)
    for n_before in range(45):
        data = flac() + bytes(n_before) + b"fLaC" + kind + bytes(30)
        assert is_flac_header_right(io.BytesIO(data), 0) is not is_joined
