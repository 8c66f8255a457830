"""The frames of an MP3 are counted, so that a header that is wrong is not believed, and a missing end is noticed."""

import struct
from pathlib import Path

import pytest

from pipeline.records import Reason
from tests.sounds import encoded, id3
from tests.test_audio_bad_input import make_outcome
from transforms.audio.mp3_frames import BITRATES, FRAME_BYTES, Mp3Frames, walk_mp3_frames

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


@pytest.mark.parametrize(
    ("header", "n_bytes"),
    [
        ("fffb9000", 417),  # MPEG 1, layer III, 128 kbit/s, 44.1 kHz
        ("fffb9200", 418),
        ("fffbe400", 960),
        ("fffb1800", 144),
        ("fffd9400", 480),  # layer II, 160 kbit/s, 48 kHz
        ("fffdac00", 0),  # no rate
        ("ffff1000", 32),  # layer I, 32 kbit/s
        ("ffffe200", 488),
        ("fff38000", 208),  # MPEG 2, layer III, 64 kbit/s, 22.05 kHz
        ("fff58400", 384),  # layer II, 48 kHz / 2
        ("fff71800", 96),  # layer I, 32 kbit/s, 16 kHz
        ("ffe31000", 52),  # MPEG 2.5, layer III, 8 kbit/s, 11.025 kHz
        ("ffe3e800", 1440),
        ("ffebe000", 0),  # no version
        ("fff99000", 0),  # no layer
        ("fffb0000", 0),
        ("fffbf000", 0),
    ],
)
def test_the_length_of_a_frame_is_that_of_the_standard(header, n_bytes):
    assert FRAME_BYTES[int(header, 16) >> 9 & 0xFFF] == n_bytes


def test_the_bit_rates_are_those_of_the_standard():
    assert {kind: sum(rates) for kind, rates in BITRATES.items()} == {
        **{(3, 3): 3360, (3, 2): 2152, (3, 1): 1808},
        **{(2, 3): 1768, (2, 2): 1008, (2, 1): 1008},
    }
    assert all(list(rates) == sorted(rates) and len(rates) == 14 for rates in BITRATES.values())


FRAME = bytes.fromhex("fffb9000") + bytes(413)
VBRI = {"n_frames": 4, "n_headers": 1, "n_declared": 4, "declared_bytes": 2000}


def headed(name: bytes, *fields: int, at: int = 36) -> bytes:
    data = FRAME[:at] + name + b"".join(field.to_bytes(4) for field in fields)
    return data + bytes(417 - len(data))


def frames_of(**values: object) -> Mp3Frames:
    counts = {"n_frames": 5, "n_bytes": 417 * 5, "n_stray": 0, "n_headers": 0, "n_trailing": 0, "is_contiguous": True, "is_layer_3": True}
    return Mp3Frames(**counts | {"has_partial_frame": False, "max_frame_bytes": 417, "n_declared": None, "declared_bytes": None} | values)


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (FRAME * 5, {}),
        (FRAME * 5 + b"TAG" + bytes(125), {}),
        (FRAME * 5 + b"x" * 9 + b"000009LYRICS200", {}),
        (FRAME * 5 + b"x" * 9 + b"000009LYRICS200" + b"TAG" + bytes(125), {}),
        (FRAME * 5 + b"x" * 10 + b"APETAGEX" + struct.pack("<IIII8x", 2000, 42, 1, 0), {}),
        (FRAME * 5 + bytes(42) + b"APETAGEX" + struct.pack("<IIII8x", 2000, 42, 1, 1 << 31), {}),
        (FRAME * 5 + bytes(7), {"n_trailing": 7}),
        (FRAME * 5 + FRAME[:-1], {"n_trailing": 416, "has_partial_frame": True}),
        (FRAME * 2 + id3(10) + FRAME * 3, {"n_bytes": 417 * 5 + 20, "is_contiguous": False}),
        (FRAME * 2 + b"y" * 9 + FRAME * 3, {"n_bytes": 417 * 5 + 9, "n_stray": 9, "is_contiguous": False}),
        (FRAME * 4 + b"y" * 9 + FRAME, {"n_bytes": 417 * 5 + 9, "n_stray": 9, "is_contiguous": False}),
        (FRAME * 2 + b"\xff\xfb\x90\0y" + FRAME * 3, {"n_bytes": 417 * 5 + 5, "n_stray": 5, "is_contiguous": False, "n_frames": 5}),
        (headed(b"Xing", 3, 4, 2000) + FRAME * 4, {"n_frames": 4, "n_headers": 1, "n_declared": 4, "declared_bytes": 2000}),
        (headed(b"Info", 1, 4) + FRAME * 4, {"n_frames": 4, "n_headers": 1, "n_declared": 4}),
        (headed(b"Info", 2, 2000) + FRAME * 4, {"n_frames": 4, "n_headers": 1, "declared_bytes": 2000}),
        (headed(b"VBRI", 0, 0, 0, 0)[:46] + struct.pack(">II", 2000, 4) + FRAME[54:] + FRAME * 4, VBRI),
        (bytes.fromhex("fffb90c0") + headed(b"Xing", 1, 4, at=21)[4:] + FRAME * 4, {"n_frames": 4, "n_headers": 1, "n_declared": 4}),
        (FRAME * 4 + bytes.fromhex("fffb90c0") + headed(b"Xing", 1, 4, at=21)[4:], {"n_frames": 4, "n_headers": 1}),
        (FRAME * 4 + bytes.fromhex("fffb9200") + bytes(414), {"n_bytes": 417 * 5 + 1, "max_frame_bytes": 418}),
    ],
)
@pytest.mark.parametrize("at", [0, 50])
def test_every_byte_of_a_file_belongs_to_a_frame_a_tag_or_nothing(data, values, at, tmp_path):
    assert walked(bytes(at) + data, tmp_path, at) == frames_of(**values)


@pytest.mark.parametrize(("version", "mono", "stereo"), [("fff3", 13, 21), ("ffe3", 13, 21), ("fffb", 21, 36)])
def test_a_header_stands_after_the_side_information(version, mono, stereo, tmp_path):
    for mode, at in (("c0", mono), ("00", stereo)):
        frame = bytes.fromhex(f"{version}80{mode}") + bytes(FRAME_BYTES[int(f"{version}80{mode}", 16) >> 9 & 0xFFF] - 4)
        frames = walked(frame[:at] + b"Info" + frame[at + 4 :] + frame * 2, tmp_path)
        assert (frames.n_headers, frames.n_frames) == (1, 2)
        frames = walked(frame[: at + 1] + b"Info" + frame[at + 5 :] + frame * 2, tmp_path)
        assert (frames.n_headers, frames.n_frames) == (0, 3)


@pytest.mark.parametrize(
    ("values", "is_exact", "fault"),
    [
        ({}, False, ""),
        ({"n_headers": 1, "n_declared": 5}, True, ""),
        ({"n_headers": 1, "n_declared": 5, "declared_bytes": 2085 + 421}, True, ""),
        ({"n_headers": 1, "n_declared": 5, "declared_bytes": 2085 + 422}, False, ""),
        ({"n_headers": 1, "n_declared": 5, "declared_bytes": 2085 - 421}, True, ""),
        ({"n_headers": 1, "n_declared": 5, "declared_bytes": 2085 - 422}, False, ""),
        ({"n_headers": 2, "n_declared": 5}, False, ""),
        ({"n_headers": 1, "n_declared": 5, "is_contiguous": False}, False, ""),
        ({"n_headers": 1, "n_declared": 5, "is_layer_3": False}, False, ""),
        ({"n_headers": 1, "n_declared": 5, "has_partial_frame": True}, False, ""),
        ({"n_headers": 1, "n_declared": 5, "n_trailing": 20}, True, ""),
        ({"n_headers": 1, "n_declared": 5, "n_trailing": 21}, False, ""),
        ({"n_declared": 7}, False, ""),
        ({"n_declared": 8}, False, "the file ends"),
        ({"n_declared": 6, "declared_bytes": 2085 + 421}, False, ""),
        ({"n_declared": 6, "declared_bytes": 2085 + 422}, False, "the file ends"),
        ({"n_declared": 5, "declared_bytes": 9999}, False, ""),
        ({"declared_bytes": 2085 + 421}, False, ""),
        ({"declared_bytes": 2085 + 422}, False, "the file ends"),
        ({"n_stray": 208}, False, ""),
        ({"n_stray": 209}, False, "209 of 2085 bytes belong to no frame"),
    ],
)
def test_a_header_is_exact_or_wrong_or_the_end_is_missing(values, is_exact, fault):
    frames = frames_of(**values)
    assert (frames.is_exact, frames.fault, frames.is_cut) == (is_exact, fault, fault == "the file ends")
