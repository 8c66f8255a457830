"""Every container is known by its first bytes, and bytes that are no audio are refused before any decoder reads them."""

import pytest

from tests.sounds import FORMATS, encoded, id3, picture
from transforms.audio.sniff import (
    HEAD_BYTES,
    allowed_demuxers,
    id3_length,
    kind_without_reader,
    other_kind,
    sniff,
)

CONTAINERS = {
    "wav": {"wav_u8", "wav_16", "wav_24", "wav_32", "wav_float", "wav_double", "wav_alaw", "wav_mulaw", "wav_ima_adpcm", "wav_ms_adpcm"}
    | {"wavex", "rf64"},
    "flac": {"flac_16", "flac_24"},
    "w64": {"w64"},
    "aiff": {"aiff_16", "aiff_float"},
    "au": {"au_16", "au_mulaw"},
    "caf": {"caf_16", "caf_alac"},
    "ogg": {"vorbis", "ogg_opus", "ogg_flac"},
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
    "": {"mp3", "mpegts"},
}


def test_every_format_is_known_by_its_first_bytes():
    known: dict[str | None, set[str]] = {}
    for name in FORMATS:
        known.setdefault(sniff(encoded(name, 0.3)[:HEAD_BYTES]), set()).add(name)
    assert known == CONTAINERS


REST = bytes(range(128, 160))
HEADS = [
    (b"fLaC", "flac"),
    (b"OggS", "ogg"),
    (b"\x00\x00\x00\x00ftyp", "mov"),
    (b"\x00\x00\x00\x00moov", "mov"),
    (b"\x00\x00\x00\x00mdat", "mov"),
    (b"\x1a\x45\xdf\xa3", "matroska"),
    (b".snd", "au"),
    (b"caff", "caf"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (b"wvpk", "wv"),
    (b"TTA1", "tta"),
    (b"TTA2", "tta"),
    (b"#!AMR", "amr"),
    (b"\x0b\x77", "ac3"),
    (b"\x7f\xfe\x80\x01", "dts"),
    (b"riff\x2e\x91\xcf\x11", "w64"),
    (b"MAC ", "ape"),
    (b"FLV\x01", "flv"),
    (b"RIFF\x00\x00\x00\x00WAVE", "wav"),
    (b"RF64\xff\xff\xff\xffWAVE", "wav"),
    (b"RIFX\x00\x00\x00\x00WAVE", "wav"),
    (b"BW64\xff\xff\xff\xffWAVE", "wav"),
    (b"RIFF\x00\x00\x00\x00AVI ", "avi"),
    (b"FORM\x00\x00\x00\x00AIFF", "aiff"),
    (b"FORM\x00\x00\x00\x00AIFC", "aiff"),
    (b"FORM\x00\x00\x00\x008SVX", "iff"),
    (b"dns.", "au"),
    (b"NIST_1A\n", "nistsphere"),
    (b"DSD \x1c", "dsf"),
    (b"FRM8", "iff"),
    (b"MP+", "mpc"),
    (b"MPCK", "mpc8"),
    (b"Creative Voice File\x1a", "voc"),
    (b".RMF", "rm"),
    (b".ra\xfd", "rm"),
    (b"\x00\x00\x00\x00\xf8\x72\x6f\xba", "truehd"),
    (b"nut/multimedia container", "nut"),
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01", "mxf"),
    (b"tBaK", "tak"),
    (b"ajkg", "shn"),
    (b"2BIT", "avr"),
    (b"PVF1\n", "pvf"),
    (b"qoaf", "qoa"),
    *((bytes((0x64, 0xA3, number, 0)), "ircam") for number in (1, 2, 3, 4)),
    *((bytes((0, number, 0xA3, 0x64)), "ircam") for number in (1, 2, 3, 4)),
    (b"Extended Instrument: ", "libsndfile"),
    (b"MATLAB 5.0 MAT-file", "libsndfile"),
    (b"ALawSoundFile**\0", "libsndfile"),
    (b"\x00\x00\x00\x00styp", "mov"),
    (b"\x00\x00\x00\x00sidx", "mov"),
    (b"\x00\x00\x00\x00moof", "mov"),
    (b"\xff\xf1", "aac"),  # MPEG-4 ADTS
    (b"\xff\xf8", "aac"),  # MPEG-2 ADTS with checksum
    (b"\xff\xfb", "mp3"),
    (b"\xff\xf3", "mp3"),
    (b"\xff\xe3", "mp3"),  # MPEG 2.5
    (b"\xff\xfd", "mp3"),  # MP2
]


@pytest.mark.parametrize(("head", "container"), HEADS)
def test_a_magic_number_is_recognised_and_one_wrong_bit_is_not(head, container):
    assert sniff(head + REST) == container
    for at, byte in enumerate(head):
        if byte not in {0, 255}:  # these stand for sizes, which may have any value
            assert sniff(head[:at] + bytes([byte ^ 0x81]) + head[at + 1 :] + REST) != container


@pytest.mark.parametrize("head", [b"RIFF\x00\x00\x00\x00WEBP", b"FORM\x00\x00\x00\x00ILBM", b"\xff\x00", b"\xff\xdf", b"\xff", b"\xfe\xfb"])
def test_heads_that_look_alike_are_not_taken_for_audio_containers(head):
    assert sniff(head + REST) == ""
    assert sniff(b"\xff") == ""


@pytest.mark.parametrize(
    "head",
    [
        b"<html><body>404",
        b"<HTML>",
        b"<!DOCTYPE html>",
        b"\xef\xbb\xbf<!DOCTYPE html>",
        b" \r\n<?xml version='1.0'?>",
        b"<svg ",
        b"<head>",
        b"<body>",
        b"<!-- ",
        b'\n{"error": "gone"}',
        b"{ }",
        b"[]",
        b"[ [",
        b'["a',
        b"[{",
        b"#EXTM3U\nhttp://127.0.0.1/a",
        b"ffconcat version 1.0\nfile /etc/passwd",
        b"[playlist]\nFile1=/etc/passwd",
        b"PK\x03\x04",
        b"\xff\xd8\xff\xe0\x00\x10JFIF",
        b"GIF89a",
        b"%PDF-1.7",
        b"\x1f\x8b",
        b"BM",
        b"Rar!",
        b"7z\xbc\xaf",
        picture(),
    ],
)
def test_web_pages_playlists_pictures_and_archives_are_not_audio(head):
    assert sniff(head + REST) is None  # REST: not just because it is text


@pytest.mark.parametrize("head", [b"file '/etc/passwd'\n", b"Not found.\r\n", b"\tA page\f", b"~", b" ", b""])
def test_plain_text_is_not_audio(head):
    assert sniff(head) is None


@pytest.mark.parametrize("head", [REST, b"Not found\x00", b"\x7f" * 20, b"\x1f" * 20, b"text <html>" + REST, b"text PK\x03\x04"])
def test_other_bytes_are_probed(head):
    assert sniff(head) == ""


def test_bytes_are_never_probed_as_a_playlist():
    for container in ("", *CONTAINERS):
        assert not {"hls", "concat", "dash", "image2", "sdp", "rtsp", "applehttp"} & set(allowed_demuxers(container).split(","))


@pytest.mark.parametrize("container", ["wav", "ogg", "mov", "w64", "aiff"])
def test_a_known_container_is_opened_by_its_own_demuxer_only(container):
    assert allowed_demuxers(container) == container


def test_unknown_bytes_are_probed_by_every_allowed_demuxer():
    assert {"mp3", "aac", "mpegts", "ircam", "adx"} <= set(allowed_demuxers("").split(","))


NO_READER = [
    (b"OFR \x0f\0\0\0", "OptimFROG"),
    (b"LA02\1\0", "Lossless Audio"),
    (b"LA03\1\0", "Lossless Audio"),
    (b"LA04\1\0", "Lossless Audio"),
    (b"#!SILK_V3\x0c\0", "SILK"),
    (b"\2#!SILK_V3\x0c\0", "SILK"),
    (b"ADIF\0\x40", "AAC in ADIF"),
    (b"MS_VOICE\1\0", "Memory Stick Voice"),
    (b"#!EVRC\n\3", "EVRC"),
    (b"MThd\0\0\0\6", "MIDI"),
    (b"Extended Module: \0", "FastTracker modules"),
    (b"IMPM\0", "Impulse Tracker modules"),
    (bytes(44) + b"SCRM\0", "Scream Tracker modules"),
    (bytes(44) + b"PTMF\0", "PolyTracker modules"),
    *((bytes(1080) + name + b"\0", "ProTracker modules") for name in (b"M.K.", b"M!K!", b"FLT4", b"4CHN", b"6CHN", b"8CHN")),
    (b"NESM\x1a\1", "music of the NES"),
    (b"NSFE\x0a\0", "music of the NES"),
    (b"SNES-SPC700 Sound File Data v0.30\x1a", "music of the SNES"),
    (b"Vgm \x30\0", "music of video games"),
    (b"PSID\0\2", "music of the C64"),
    (b"RSID\0\2", "music of the C64"),
]


@pytest.mark.parametrize(("head", "name"), NO_READER)
def test_recordings_that_no_decoder_reads_have_a_name(head, name):
    assert kind_without_reader(head + REST) == name
    assert not kind_without_reader(b"x" + head)


def test_the_recording_after_an_id3_tag_is_found():
    data = id3(100) + encoded("mp3_by_libsndfile")
    assert id3_length(data) == 110
    assert sniff(data[id3_length(data) :]) == "mp3"


@pytest.mark.parametrize(
    ("head", "n_bytes"),
    [
        (b"ID3\x04\x00\x00\x00\x00\x00\x00", 10),
        (b"ID3\x04\x00\x10\x00\x00\x00\x05", 25),
        (b"ID3\x04\x00\xef\x00\x00\x00\x05", 15),
        (b"ID3\x03\x00\x00\x01\x02\x03\x04", 10 + (1 << 21) + (2 << 14) + (3 << 7) + 4),
        (b"ID3\x03\x00\x00\x80\x80\x80\x81", 11),
        (b"ID3\x04\x00\x00\x00\x00\x00", 0),
        (b"ID2\x04\x00\x00\x00\x00\x00\x05", 0),
    ],
)
def test_the_length_of_an_id3_tag_counts_its_header_and_footer(head, n_bytes):
    assert id3_length(head) == n_bytes


OTHERS = [
    (b"PK\3\4\x14", "a zip archive"),
    (b"\x1f\x8b\x08", "a gzip file"),
    (b"Rar!\x1a", "a RAR archive"),
    (b"7z\xbc\xaf\x27", "a 7z archive"),
    (b"\x89PNG\r", "a PNG image"),
    (b"\xff\xd8\xff\xe0", "a JPEG image"),
    (b"GIF89a", "a GIF image"),
    (b"BM6", "a bitmap image"),
    (b"%PDF-1.7", "a PDF"),
    (b"#EXTM3U\n", "a playlist"),
    (b"[playlist]\n", "a playlist"),
    (b"ffconcat version", "a playlist"),
    (b"<html>", "a page of HTML or XML"),
    (b'{"a"', "JSON"),
    (b'["a"', "JSON"),
]


@pytest.mark.parametrize(("magic", "kind"), OTHERS)
def test_what_is_no_audio_has_a_name_and_none_of_its_bytes(magic, kind):
    for head in (magic + b"secret", b"\xef\xbb\xbf " + magic, b"\r\n" + magic.upper()):
        assert other_kind(head) == kind
    assert other_kind(b"secret") == other_kind(b"") == "a text"
