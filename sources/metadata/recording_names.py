"""Tell files that may be recordings from files that are known to be something else, by name and, where the name is unknown, by content."""

from __future__ import annotations

from pathlib import Path

from sources.metadata.file_names import is_made_by_macos

HEAD_BYTES = 512  # of a file with an unknown name that are looked at


def _suffixes(*names: str) -> frozenset[str]:
    return frozenset(f".{name}" for line in names for name in line.split())


AUDIO = _suffixes(
    "3g2 3ga 3gp 8svx aa aac aax ac3 aif aifc aiff alac amr ape asf au avi awb caf dff dsf dts eac3 ec3 f4a flac flv gsm ircam loas m2a",
    "m2ts m4a m4b m4r m4v mka mkv mov mp1 mp2 mp3 mp4 mpa mpc mpeg mpg mpga mts mxf nist nut oga ogg ogv ogx oma opus paf pvf ra rf64",
    "rm rmvb sd2 sf snd sph spx svx swf tak thd trm tta vob voc vqf w64 wav wave weba webm wma wmv wv xa",
)
"""Suffixes of recordings, and of films, which may have sound."""

NOT_AUDIO = _suffixes(
    "bib cfg conf css csv doc docx htm html ini ipynb jams json jsonl lab lock log lrc md ods odt pdf phn ppt pptx rst rtf srt tex",
    "textgrid toml tsv txt vtt wrd xls xlsx xml yaml yml svl eaf cha trn stm ctm rttm cue m3u m3u8 pls nfo asd pkf reapeaks sfk sha256 md5",
    "bmp gif heic ico jpeg jpg png svg tif tiff webp psd ai eps mid midi xmp",
    "7z bz2 gz parquet arrow feather npy npz h5 hdf5 mat pkl pt pth onnx rar safetensors sqlite db tar tgz xz zip zst",
    "bat c cc cpp dll exe h java js o pl py pyc r sh so bak part crdownload tmp swp url desktop plist ds_store",
)
"""Suffixes of files that are known to be no recordings."""

BEGINNINGS = (
    *(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"%PDF", b"PK\x03\x04", b"PK\x05\x06", b"Rar!", b"7z\xbc\xaf"),
    *(b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"PAR1", b"ARROW1", b"SQLite format", b"\x93NUMPY", b"\x89HDF", b"MThd"),
    *(b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\x00\x05\x16\x07", b"DIRC", b"\xfftOc", b"\xd0\xcf\x11\xe0"),
)
"""First bytes of images, documents, archives, tables and programs."""
NAMES = frozenset({".ds_store", "thumbs.db", "desktop.ini", ".recordings", ".lock"})


def suffix_of(name: str) -> str:
    """Return the suffix of a path in lower case, with its dot; empty without one.

    >>> suffix_of("a.b/Rain.WAV"), suffix_of("Makefile"), suffix_of(".hidden")
    ('.wav', '', '')
    """
    last = name.rpartition("/")[2]
    dot = last.rfind(".")
    return last[dot:].lower() if 0 < dot < len(last) - 1 else ""


def may_be_recording(name: str) -> bool:
    """Return whether a file may be a recording, by its name alone: unless it is known to be something else.

    >>> may_be_recording("rain.wav"), may_be_recording("rain.xyz"), may_be_recording("rain.json"), may_be_recording("._rain.wav")
    (True, True, False, False)
    """
    return suffix_of(name) not in NOT_AUDIO and name.rpartition("/")[2].lower() not in NAMES and not is_made_by_macos(name)


def is_recording(path: Path, name: str) -> bool:
    """Return whether a file is taken for a recording: by its suffix, or, where that is unknown, by its first bytes.

    A decoder has the last word. Files with other suffixes in hidden folders, such as `.git`, are not looked at.

    Args:
        name: path of the file relative to the folder of recordings.
    """
    if not may_be_recording(name):
        return False
    if suffix_of(name) in AUDIO:
        return True
    if any(part.startswith(".") for part in name.split("/")[:-1]) or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return is_binary(file.read(HEAD_BYTES))
    except OSError:  # it may not be read: the books report it
        return True


def is_binary(head: bytes) -> bool:
    """Return whether the first bytes of a file are neither text nor a known kind of file without sound.

    >>> is_binary(b"RIFF\\x24\\x00\\x00\\x00WAVE"), is_binary(b"import os\\n"), is_binary(b"\\x89PNG\\r\\n"), is_binary(b"")
    (True, False, False, False)
    """
    if not head or head.startswith(BEGINNINGS):
        return False
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = "\0" if error.start < len(head) - 3 else ""  # a character may be cut off at the end
    return any(ord(sign) < 32 and sign not in "\t\n\r\f\v\x1b" for sign in text)
