"""Find the container of a recording by its first bytes. Decoders are chosen by content, never by file name."""

from __future__ import annotations

import re

from transforms.audio.demuxers import probed_demuxers

HEAD_BYTES = 4096  # of a recording that are looked at

LIBSNDFILE = "libsndfile"  # for containers that it alone reads: MATLAB, FastTracker instruments, Psion sounds
MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (4, b"ftyp", "mov"),
    (4, b"moov", "mov"),
    (4, b"mdat", "mov"),
    *((4, name, "mov") for name in (b"styp", b"sidx", b"moof")),  # segments of a stream, which need the header of another file
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (0, b".snd", "au"),
    (0, b"caff", "caf"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (0, b"wvpk", "wv"),
    (0, b"TTA1", "tta"),
    (0, b"TTA2", "tta"),
    (0, b"#!AMR", "amr"),
    (0, b"\x0b\x77", "ac3"),
    (0, b"\x7f\xfe\x80\x01", "dts"),
    (0, b"riff\x2e\x91\xcf\x11", "w64"),
    (0, b"MAC ", "ape"),
    (0, b"FLV\x01", "flv"),
    (0, b"dns.", "au"),
    (0, b"NIST_1A\n", "nistsphere"),
    (0, b"DSD \x1c", "dsf"),
    (0, b"FRM8", "iff"),
    (0, b"MP+", "mpc"),
    (0, b"MPCK", "mpc8"),
    (0, b"Creative Voice File\x1a", "voc"),
    (0, b".RMF", "rm"),
    (0, b".ra\xfd", "rm"),
    (4, b"\xf8\x72\x6f\xba", "truehd"),
    (0, b"nut/multimedia container", "nut"),
    (0, b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01", "mxf"),
    (0, b"tBaK", "tak"),
    (0, b"ajkg", "shn"),
    (0, b"2BIT", "avr"),
    (0, b"PVF1\n", "pvf"),
    (0, b"qoaf", "qoa"),
    (0, b"Extended Instrument: ", LIBSNDFILE),
    (0, b"MATLAB 5.0 MAT-file", LIBSNDFILE),
    (0, b"ALawSoundFile**\0", LIBSNDFILE),
    *((0, bytes((0x64, 0xA3, number, 0)), "ircam") for number in (1, 2, 3, 4)),
    *((0, bytes((0, number, 0xA3, 0x64)), "ircam") for number in (1, 2, 3, 4)),
)
"""Offset, bytes that stand there, container. Kinds that are not listed are probed by FFmpeg."""

WITHOUT_READER: tuple[tuple[int, bytes, str], ...] = (
    (0, b"OFR ", "OptimFROG"),
    (0, b"LA02", "Lossless Audio"),
    (0, b"LA03", "Lossless Audio"),
    (0, b"LA04", "Lossless Audio"),
    (0, b"#!SILK_V3", "SILK"),
    (0, b"\x02#!SILK_V3", "SILK"),
    (0, b"ADIF", "AAC in ADIF"),
    (0, b"MS_VOICE", "Memory Stick Voice"),
    (0, b"#!EVRC", "EVRC"),
    (0, b"MThd", "MIDI"),
    (0, b"Extended Module: ", "FastTracker modules"),
    (0, b"IMPM", "Impulse Tracker modules"),
    (44, b"SCRM", "Scream Tracker modules"),
    (44, b"PTMF", "PolyTracker modules"),
    *((1080, name, "ProTracker modules") for name in (b"M.K.", b"M!K!", b"FLT4", b"4CHN", b"6CHN", b"8CHN")),
    (0, b"NESM\x1a", "music of the NES"),
    (0, b"NSFE", "music of the NES"),
    (0, b"SNES-SPC700 Sound File Data", "music of the SNES"),
    (0, b"Vgm ", "music of video games"),
    (0, b"PSID", "music of the C64"),
    (0, b"RSID", "music of the C64"),
)
"""Offset, bytes that stand there, and the name of a kind that neither libsndfile nor FFmpeg decodes here.

From MIDI on they hold notes, for which a program would have to play the instruments; the packaged ffmpeg plays some of them.
"""

NOT_AUDIO = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<(?:!doctype|html|\?xml|svg|head|body|!--)|[{\[]\s*[\"{\[\]}]|#EXTM3U|\[playlist\]|ffconcat)|\A(?:PK\x03\x04|\x89PNG|\xff\xd8\xff|GIF8|%PDF|\x1f\x8b|BM|Rar!|7z\xbc\xaf)",
    re.IGNORECASE,
)


def sniff(head: bytes) -> str | None:
    """Return the name of the container, `""` when the bytes are unknown and must be probed, None when they are no audio.

    Args:
        head: first bytes of the recording, up to HEAD_BYTES.

    >>> sniff(b"RIFF\\x24\\x00\\x00\\x00WAVEfmt "), sniff(b"<html>404"), sniff(b"\\x00\\x01")
    ('wav', None, '')
    """
    if head[:4] in {b"RIFF", b"RF64", b"RIFX", b"BW64"} and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[:4] == b"FORM" and head[8:12] in {b"AIFF", b"AIFC"}:
        return "aiff"
    if head[:4] == b"FORM" and head[8:12] in {b"8SVX", b"16SV"}:
        return "iff"
    if head[:2] == b"\xf0\x7e" and head[3:4] == b"\x01":
        return "sds"
    for at, magic, container in MAGIC:
        if head.startswith(magic, at):
            return container
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "aac" if head[1] & 0xF6 == 0xF0 else "mp3"
    return None if NOT_AUDIO.match(head) or _is_text(head) else ""


OTHER_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a bitmap image"),
    (b"%PDF", "a PDF"),
    (b"#EXTM3U", "a playlist"),
    (b"[playlist]", "a playlist"),
    (b"ffconcat", "a playlist"),
    (b"<", "a page of HTML or XML"),
    (b"{", "JSON"),
    (b"[", "JSON"),
)
"""First bytes of files that are no recordings, without blanks before them, and what they are."""


def other_kind(head: bytes) -> str:
    """Return what a file is that is no recording. None of its bytes is named: it may be a file that was not meant to be published.

    >>> other_kind(b"\\xef\\xbb\\xbf <!DOCTYPE html>"), other_kind(b"root:x:0:0:")
    ('a page of HTML or XML', 'a text')
    """
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((kind for magic, kind in OTHER_KINDS if begin.lower().startswith(magic.lower())), "a text")


def kind_without_reader(head: bytes) -> str:
    """Return the name of a kind of recording that no decoder here reads; empty for all others.

    >>> kind_without_reader(b"OFR \\x0f\\x00"), kind_without_reader(b"fLaC")
    ('OptimFROG', '')
    """
    return next((name for at, magic, name in WITHOUT_READER if head.startswith(magic, at)), "")


def id3_length(head: bytes) -> int:
    """Return the length in bytes of the ID3v2 tag that `head` begins with, its header and footer included; 0 without a tag.

    >>> id3_length(b"ID3\\x04\\x00\\x00\\x00\\x00\\x01\\x00"), id3_length(b"fLaC")
    (138, 0)
    """
    if not head.startswith(b"ID3") or len(head) < 10:
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size + (10 if head[5] & 0x10 else 0)


def allowed_demuxers(container: str) -> str:
    """Return the names of the only FFmpeg demuxers that may read a container, separated by commas."""
    return container or probed_demuxers()


def _is_text(head: bytes) -> bool:
    """Return whether every byte is printable ASCII or white space; no raw audio stream is."""
    return not head.translate(None, bytes(range(32, 127)) + b"\t\r\n\f")
