"""Containers whose end is missing are known as such by their header, and complete ones never."""

import io

import pytest

from tests.sounds import RATE, by_soundfile, encoded, film, tone
from transforms.audio.container_length import declared_length

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
