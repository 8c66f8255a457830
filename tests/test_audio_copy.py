"""A FLAC that already is what we want is handed on as it is, if it holds nothing but sound and that is sound."""

import struct
from pathlib import Path

import numpy as np
import pytest

from pipeline.records import AudioLimits, Reason, Rejected
from tests.sounds import by_soundfile, picture, tone
from transforms.audio import convert as module
from transforms.audio.convert import Converted, convert
from transforms.audio.excerpt import Excerpt
from transforms.audio.plain_flac import plain_flac_md5

NOISE = np.random.default_rng(4).integers(-16_000, 16_000, (48_000, 1)).astype(np.int16)
FLAC = by_soundfile(NOISE, 48_000, "FLAC", "PCM_16")


def with_block(flac: bytes, kind: int, body: bytes) -> bytes:
    """Return a FLAC with one more block of metadata, behind its STREAMINFO."""
    at = 4 + 4 + 34
    head = bytes([flac[4] & 0x7F]) + flac[5:at]
    last = flac[4] & 0x80
    return flac[:4] + head + bytes([kind | last]) + len(body).to_bytes(3) + body + flac[at:]


def comments(*lines: str) -> bytes:
    packed = b"".join(struct.pack("<I", len(line)) + line.encode() for line in lines)
    return struct.pack("<I", 3) + b"abc" + struct.pack("<I", len(lines)) + packed


def made(data: bytes, place: Path, excerpt: Excerpt | None = None) -> Converted | Rejected:
    (place / "a").write_bytes(data)
    (result,) = convert(place / "a", [excerpt or Excerpt()], AudioLimits(), place)
    return result


def test_a_flac_that_is_what_we_want_is_copied_and_measured(tmp_path):
    padded = with_block(FLAC, 1, bytes(100))  # padding: bytes that our own encoder would not write
    result = made(padded, tmp_path)
    assert isinstance(result, Converted)
    assert result.flac == padded
    encoded_again = made(by_soundfile(NOISE, 48_000, "WAV", "PCM_16"), tmp_path)
    assert isinstance(encoded_again, Converted)
    assert result.statistics == encoded_again.statistics


@pytest.mark.parametrize(
    ("kind", "body"),
    [(6, picture()), (2, b"appl1234"), (4, comments("ARTIST=someone")), (5, bytes(396)), (1, b"\x00hidden"), (126, b"what is this")],
    ids=["picture", "application", "comments", "cue sheet", "padding that is none", "reserved"],
)
def test_a_flac_with_more_than_sound_in_it_is_encoded_anew(kind, body, tmp_path):
    result = made(with_block(FLAC, kind, body), tmp_path)
    if isinstance(result, Rejected):
        assert kind in {5, 126}  # libFLAC does not read these at all
        return
    assert body not in bytes(result.flac)
    assert plain_flac_md5(tmp_path / "a") is None


def test_an_encoders_name_is_no_reason_to_encode_anew(tmp_path):
    named = with_block(FLAC, 1, b"")
    result = made(named, tmp_path)
    assert isinstance(result, Converted)
    assert result.flac == named


@pytest.mark.parametrize("other", [(48_000, 2, "PCM_16"), (44_100, 1, "PCM_16"), (48_000, 1, "PCM_24")])
def test_any_other_flac_is_converted(other, tmp_path):
    rate, n_channels, subtype = other
    data = by_soundfile(tone(0.5, rate, n_channels), rate, "FLAC", subtype)
    result = made(data, tmp_path)
    assert isinstance(result, Converted)
    assert result.flac != data


def test_an_excerpt_is_converted(tmp_path):
    result = made(FLAC, tmp_path, Excerpt(0.0, 0.5))
    assert isinstance(result, Converted)
    assert result.statistics.n_frames == 24_000


def test_a_flac_whose_sound_is_not_what_its_checksum_says_is_corrupt(tmp_path):
    wrong = FLAC[:26] + bytes(byte ^ 0x55 for byte in FLAC[26:42]) + FLAC[42:]
    result = made(wrong, tmp_path)
    assert isinstance(result, Rejected)
    assert result.reason is Reason.CORRUPT


def test_a_flac_without_a_checksum_is_encoded_anew(tmp_path):
    unsigned = FLAC[:26] + bytes(16) + FLAC[42:]
    result = made(unsigned, tmp_path)
    assert isinstance(result, Converted)
    assert result.flac == FLAC


def test_a_long_flac_is_copied_to_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "IN_MEMORY", 1000)
    result = made(FLAC, tmp_path)
    assert isinstance(result, Converted)
    assert isinstance(result.flac, Path)
    assert result.flac.read_bytes() == FLAC
