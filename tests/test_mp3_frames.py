"""The frames of an MP3 are counted, so that a header that is wrong is not believed, and a missing end is noticed."""

import struct
from pathlib import Path

import pytest

from pipeline.records import Reason
from tests.sounds import encoded, id3
from tests.test_audio_bad_input import make_outcome
from transforms.audio.mp3_frames import walk_mp3_frames

XING, RAW = encoded("mp3_by_libsndfile", 8.0), encoded("mp3_without_xing", 8.0)


def walked(data: bytes, folder: Path, at: int = 0):
    (folder / "a.mp3").write_bytes(data)
    with (folder / "a.mp3").open("rb") as file:
        return walk_mp3_frames(file, at)


def with_counts(data: bytes, n_frames: float = 1.0, n_bytes: float = 1.0) -> bytes:
    """Return an MP3 whose header gives other numbers: the true ones times these factors."""
    at = max(data.find(b"Xing"), data.find(b"Info"))
    frames, size = struct.unpack_from(">II", data, at + 8)
    return data[: at + 8] + struct.pack(">II", round(n_frames * frames), round(n_bytes * size)) + data[at + 16 :]


def bad_frame(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + b"\0" * 300 + data[middle + 300 :]


def seconds_of(data: bytes, folder: Path) -> float:
    result = make_outcome(data, folder)
    return result.statistics.duration if hasattr(result, "statistics") else 0.0


def test_the_frames_of_a_whole_file_agree_with_its_header(tmp_path):
    frames = walked(XING, tmp_path)
    assert frames.n_frames == frames.n_declared
    assert (frames.is_exact, frames.fault) == (True, "")
    assert walked(id3(3000) + XING, tmp_path, 3010).is_exact


@pytest.mark.parametrize("tag", [b"TAG" + bytes(125), b"APETAGEX" + struct.pack("<IIII8x", 2000, 32, 0, 0)])
def test_tags_at_the_end_are_no_frames(tag, tmp_path):
    assert walked(XING + tag, tmp_path).is_exact


@pytest.mark.parametrize("n_frames", [0.0, 0.5, 1.01, 2.0])
@pytest.mark.parametrize("n_bytes", [1.0, 0.5])
def test_a_header_with_wrong_numbers_is_not_believed(n_frames, n_bytes, tmp_path):
    data = with_counts(XING, n_frames, n_bytes)
    assert not walked(data, tmp_path).is_exact
    assert seconds_of(data, tmp_path) == pytest.approx(8.0, abs=0.06)


def test_joined_files_are_decoded_to_their_end(tmp_path):
    assert walked(XING + XING, tmp_path).n_headers == 2
    assert seconds_of(XING + XING, tmp_path) == pytest.approx(16.0, abs=0.12)
    late = make_outcome(XING + XING, tmp_path, 12.0, 13.0)
    assert late.statistics.duration == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_a_missing_end_is_corrupt_even_if_zeros_stand_there(share, tmp_path):
    for data in (XING[: int(share * len(XING))], XING[: int(share * len(XING))] + bytes(int((1 - share) * len(XING)))):
        assert walked(data, tmp_path).is_cut
        assert make_outcome(data, tmp_path).reason is Reason.CORRUPT
    assert make_outcome(XING[: len(XING) // 2], tmp_path, 0.5, 2.0).statistics.duration == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize(
    "damage", [bad_frame, lambda data: data[:20_000] + id3(500) + data[20_000:], lambda data: data[:20_000] + bytes(900) + data[20_000:]]
)
def test_a_little_damage_is_accepted_with_and_without_a_header_alike(damage, tmp_path):
    for data in (XING, RAW):
        assert seconds_of(damage(data), tmp_path) == pytest.approx(8.0, abs=0.15)


def test_much_damage_is_corrupt_with_and_without_a_header_alike(tmp_path):
    for data in (XING, RAW):
        first, size = len(data) // 3, len(data) // 4
        assert make_outcome(data[:first] + b"\x55" * size + data[first + size :], tmp_path).reason is Reason.CORRUPT


@pytest.mark.parametrize("data", [b"\xff\xfe\0text", bytes(100), b"\xff\xfb", b"\xff\xfb\x00\x00" * 10])
def test_bytes_that_are_no_frame_are_no_mp3(data, tmp_path):
    assert walked(data, tmp_path) is None
