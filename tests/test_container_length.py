"""Containers whose end is missing are known as such by their header, and complete ones never."""

import io

import pytest

from tests.sounds import RATE, by_soundfile, encoded, film, tone
from transforms.audio.container_length import ASF_PROPERTIES, declared_length
from transforms.audio.declared_length import MAX_CHUNKS, DeclaredAudio

NIST = by_soundfile(tone(1.0, n_channels=1), RATE, "NIST", "PCM_16")
VOC = by_soundfile(tone(1.0, n_channels=1), RATE, "VOC", "PCM_16")
FILES = {
    "avi": encoded("avi"),
    "matroska": encoded("webm"),
    "matroska film": film(with_sound=True, muxer="matroska"),
    "asf": encoded("wma"),
    "voc": VOC,
    "nistsphere": NIST,
    "avr": by_soundfile(tone(1.0, n_channels=1), RATE, "AVR", "PCM_16"),
    "sds": by_soundfile(tone(1.0, n_channels=1), RATE, "SDS", "PCM_16"),
}


def is_cut(data: bytes, container: str, n_bytes: int) -> bool:
    declared = declared_length(io.BytesIO(data[:n_bytes]), container.split()[0])
    return declared is not None and declared.is_cut(n_bytes)


@pytest.mark.parametrize("container", FILES)
def test_a_missing_end_is_noticed(container):
    data = FILES[container]
    assert not is_cut(data, container, len(data))
    for share in (0.5, 0.9):
        assert is_cut(data, container, int(share * len(data)))


def test_an_mp4_is_cut_where_a_box_ends_after_the_file():
    data = encoded("mp4_fragmented", 3.0)
    assert declared_length(io.BytesIO(data), "mov") is None  # its duration says the rest
    assert is_cut(data, "mov", int(0.97 * len(data)))


def test_sizes_that_are_unknown_say_nothing():
    data = encoded("webm")
    at = data.index(b"\x18\x53\x80\x67") + 4
    assert declared_length(io.BytesIO(data[:at] + b"\x01" + b"\xff" * 7 + data[at + 8 :]), "matroska") is None
    live = bytearray(encoded("wma"))
    at = live.index(b"\xa1\xdc\xab\x8c")
    live[at + 88] |= 1
    assert not is_cut(bytes(live), "asf", len(live) // 2)


@pytest.mark.parametrize("container", FILES)
@pytest.mark.parametrize("n_bytes", [0, 4, 12, 30])
def test_a_few_bytes_raise_nothing(container, n_bytes):
    declared_length(io.BytesIO(FILES[container][:n_bytes]), container.split()[0])


def box(name: bytes, n_bytes: int, size: int | None = None) -> bytes:
    return ((n_bytes if size is None else size).to_bytes(4) + name).ljust(n_bytes, b"\0")


def long_box(size: int) -> bytes:
    return b"\0\0\0\x01mdat" + size.to_bytes(8) + bytes(4)


def asf(size: int, flags: int = 0, n_before: int = 30) -> bytes:
    return bytes(n_before) + ASF_PROPERTIES + bytes(24) + size.to_bytes(8, "little") + bytes(40) + bytes([flags, 0, 0, 0])


EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
LONG_7 = (7).to_bytes(8)[1:]
VOC_HEADER = bytes(20) + b"\x1a\x00" + bytes(4)
AVR_HEADER = bytes(14) + b"\0\x10" + bytes(10) + b"\0\0\0\x05" + bytes(98)
SDS_HEADER = bytes(6) + b"\x10" + bytes(3)


@pytest.mark.parametrize(
    ("container", "data", "end"),
    [
        ("avi", b"RIFF\x64\0\0\0AVI " + bytes(10), 108),
        ("avi", b"RIFF\0\0\0\0AVI " + bytes(10), 22),
        ("mov", box(b"ftyp", 16) + box(b"mdat", 16, 17), 33),
        ("mov", box(b"ftyp", 16) + box(b"mdat", 16), None),
        ("mov", box(b"ftyp", 8) + box(b"mdat", 8, 9), 17),
        ("mov", box(b"ftyp", 16) + box(b"mdat", 16, 7) + bytes(9), None),
        ("mov", box(b"ft_p", 16, 99), None),
        ("mov", box(b"ftyp", 16, 99)[:7], None),
        ("mov", box(b"ftyp", 16) + long_box((1 << 40) + 3), (1 << 40) + 19),
        ("mov", box(b"ftyp", 16) + long_box(20), None),
        ("mov", box(b"free", 8) * (MAX_CHUNKS - 1) + box(b"mdat", 8, 9), 8 * MAX_CHUNKS + 1),
        ("mov", box(b"free", 8) * MAX_CHUNKS + box(b"mdat", 8, 9), None),
        ("matroska", EBML + b"\x85" + bytes(5) + SEGMENT + b"\x83xyz", 18),
        ("matroska", EBML + b"\x85" + bytes(5) + SEGMENT + b"\x40\x83xyz", 147),
        ("matroska", EBML + b"\x85" + bytes(5) + SEGMENT + b"\x01" + LONG_7, 29),
        ("matroska", EBML + b"\x01" + LONG_7 + bytes(7) + SEGMENT + b"\x81x", 25),
        ("matroska", EBML + b"\x01" + LONG_7 + bytes(6), 19),
        ("matroska", EBML + b"\x85" + bytes(4), 10),
        ("matroska", EBML + b"\x85" + bytes(5), None),
        ("matroska", EBML + b"\x80" + SEGMENT + b"\xff", None),
        ("matroska", EBML + b"\x80" + SEGMENT + b"\xfe", 136),
        ("matroska", EBML + b"\x80" + SEGMENT + b"\0", None),
        ("matroska", EBML + b"\x80" + b"void" + b"\x81", None),
        ("matroska", b"text" + b"\x80" + SEGMENT + b"\x83", None),
        ("asf", asf(1000), 1000),
        ("asf", asf(1000, 2), 1000),
        ("asf", asf(1000, 1), 122),
        ("asf", asf(0), 122),
        ("asf", asf(1000)[:121], None),
        ("asf", bytes(200), None),
        ("asf", asf(1000, n_before=65_536 - 92), 1000),
        ("asf", asf(1000, n_before=65_536 - 91), None),
        ("voc", VOC_HEADER + b"\x01\x02\0\0xy\0", 32),
        ("voc", VOC_HEADER + b"\x01\x02\0\0xy\0pad", 32),
        ("voc", VOC_HEADER + b"\x01\x02\x01\0xy", 288),
        ("voc", bytes(22), 1),
        ("voc", VOC_HEADER + b"\x01\0\0\0" * MAX_CHUNKS, None),
        ("voc", VOC_HEADER + b"\x01\0\0\0" * (MAX_CHUNKS - 1), 26 + 4 * (MAX_CHUNKS - 1)),
        ("nistsphere", b"NIST_1A\n   1024\nsample_count -i 10\nchannel_count -i 2\nsample_n_bytes -i 2\n", 1064),
        ("nistsphere", b"NIST_1A\n   1024\nsample_count -i 10\nchannel_count -i 2\n", 1044),
        ("nistsphere", b"NIST_1A\n   1024\nsample_count -i 10\nsample_n_bytes -i 3\n", 1054),
        ("nistsphere", b"NIST_1A\n   1024\nsample_count -i 10\n", None),
        ("nistsphere", b"NIST_1A\n   1024\nchannel_count -i 1\nsample_n_bytes -i 3\n", None),
        ("nistsphere", b"NIST_1A\n   10x4\nsample_count -i 10\nsample_n_bytes -i 3\n", None),
        ("nistsphere", b"NIST_1A\n   1024\nsample_count -i 10\nsample_n_bytes -i 3\nsample_coding -s26 pcm,embedded-shorten\n", None),
        ("dsf", bytes(80) + b"data" + (512).to_bytes(8, "little"), 592),
        ("dsf", bytes(80) + b"date" + (512).to_bytes(8, "little"), None),
        ("avr", AVR_HEADER, 138),
        ("sds", SDS_HEADER + b"\x01\0\0" + bytes(8), 148),
        ("sds", SDS_HEADER + b"\x28\0\0" + bytes(8), 148),
        ("sds", SDS_HEADER + b"\x29\0\0" + bytes(8), 275),
        ("sds", SDS_HEADER + b"\0\x01\0" + bytes(8), 21 + 127 * 4),
        ("sds", SDS_HEADER + b"\0\0\x01" + bytes(8), 21 + 127 * 410),
        ("sds", SDS_HEADER + b"\x01\0\0" + bytes(7), None),
        ("sds", bytes(6) + b"\x0e" + bytes(3) + b"\x3c\0\0" + bytes(8), 148),
        ("sds", bytes(6) + b"\x0f" + bytes(3) + b"\x29\0\0" + bytes(8), 275),
        ("sds", bytes(10) + b"\x79\0\0" + bytes(8), 275),
        ("ircam", bytes(1023), 1024),
        ("ircam", bytes(1024), None),
        ("rm", b".RMF\0\0\0\x12" + bytes(10) + b"DATA" + (100).to_bytes(4) + bytes(20), 100),
        ("rm", b"text" + bytes(40), None),
        ("other", b"text" + bytes(40), None),
    ],
)
@pytest.mark.parametrize("at", [0, 3])
def test_the_end_is_where_the_header_says(container, data, end, at):
    """The header may stand behind other bytes, such as a tag."""
    declared = declared_length(io.BytesIO(b"\xff" * at + data), container, at)
    assert (declared and declared.end) == (None if end is None else at + end)
    assert declared is None or declared.first == at or container == "rm"


def test_the_end_of_a_wav_is_read_from_its_chunks():
    data = by_soundfile(tone(0.1, n_channels=1), RATE, "WAV", "PCM_16")
    assert declared_length(io.BytesIO(data), "wav") == DeclaredAudio(44, len(data), 1)
