"""Decoders are chosen by content: every container is known by its first bytes, and what is no audio is refused unseen."""

import doctest

import pytest

from tests.sounds import FORMATS, encoded, id3, picture
from transforms.audio import sniff as module
from transforms.audio.sniff import HEAD_BYTES, allowed_demuxers, has_xing_header, id3_length, sniff

CONTAINERS = {
    "wav": {"wav_u8", "wav_16", "wav_24", "wav_32", "wav_float", "wav_double", "wav_alaw", "wav_mulaw", "wav_ima_adpcm", "wav_ms_adpcm"}
    | {"wavex", "rf64"},
    "flac": {"flac_16", "flac_24"},
    "w64": {"w64"},
    "aiff": {"aiff_16", "aiff_float"},
    "au": {"au_16", "au_mulaw"},
    "caf": {"caf_16", "caf_alac"},
    "ogg": {"vorbis", "ogg_opus", "ogg_flac"},
    "id3": {"mp3"},
    "mp3": {"mp3_without_xing", "mp3_by_libsndfile", "mp2"},
    "mov": {"m4a", "m4a_alac", "mp4_fragmented", "mov_pcm"},
    "aac": {"aac_adts"},
    "matroska": {"webm", "matroska_flac"},
    "wv": {"wavpack"},
    "tta": {"tta"},
    "ac3": {"ac3", "eac3"},
    "asf": {"wma"},
    "amr": {"amr"},
    "flv": {"flv"},
    "avi": {"avi"},
    "": {"mpegts"},
}


def test_every_format_is_known_by_its_first_bytes():
    found: dict[str | None, set[str]] = {}
    for name in FORMATS:
        found.setdefault(sniff(encoded(name, 0.3)[:HEAD_BYTES]), set()).add(name)
    assert found == CONTAINERS


@pytest.mark.parametrize(
    "data",
    [
        b"<html><body>404",
        b"\xef\xbb\xbf<!DOCTYPE html>",
        b'\n{"error": "gone"}',
        b"[]",
        b"#EXTM3U\nhttp://127.0.0.1/a",
        b"ffconcat version 1.0\nfile /etc/passwd",
        b"[playlist]\nFile1=/etc/passwd",
        b"file '/etc/passwd'\n",
        b"Not found.\r\n",
        b"PK\x03\x04\x00\x00",
        b"\xff\xd8\xff\xe0\x00\x10JFIF",
        b"%PDF-1.7\x80\x81",
        picture(),
    ],
)
def test_text_playlists_pictures_and_archives_are_not_audio(data):
    assert sniff(data) is None


def test_unknown_bytes_are_probed_but_never_as_a_playlist():
    assert sniff(bytes(range(128, 256))) == ""
    assert not {"hls", "concat", "dash", "image2", "sdp", "rtsp"} & set(allowed_demuxers("").split(","))


def test_only_an_mp3_that_counts_its_frames_is_taken_for_one():
    assert has_xing_header(encoded("mp3_by_libsndfile")[:HEAD_BYTES])
    assert not has_xing_header(encoded("mp3_without_xing")[:HEAD_BYTES])


def test_a_tag_in_front_does_not_hide_what_follows():
    data = id3(100) + encoded("mp3_by_libsndfile")
    assert sniff(data) == "id3"
    assert sniff(data[id3_length(data) :]) == "mp3"
    assert "mp3" in allowed_demuxers("id3").split(",")


def test_the_examples_of_the_module_hold():
    assert doctest.testmod(module).failed == 0
