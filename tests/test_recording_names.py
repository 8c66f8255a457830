"""What may be a recording is known by its name, and where the name is unknown by its first bytes."""

import pytest

from sources.metadata.recording_names import AUDIO, HEAD_BYTES, NOT_AUDIO, is_binary, is_recording, may_be_recording, suffix_of


@pytest.mark.parametrize(
    ("name", "suffix"), [("a.WAV", ".wav"), ("a.b/c", ""), ("x/.wav", ""), ("a.", ""), ("a.b.c", ".c"), ("x/ab.d", ".d"), ("", "")]
)
def test_the_suffix_is_in_lower_case_and_of_the_last_part(name, suffix):
    assert suffix_of(name) == suffix


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, True) for name in ("a.wav", "a", "a.xyz", ".a.wav", "lock.wav", "x.lock/a")),
        *((name, False) for name in ("a.txt", "x/a.JSON", "._a.wav", "__MACOSX/a.wav", ".DS_Store", "x/Thumbs.db", "desktop.ini", ".lock")),
        *((name, False) for name in (".recordings", "a.7z", "a.bat", "a.bib", "a.textgrid", "a.bmp")),
    ],
)
def test_a_name_may_be_that_of_a_recording(name, expected):
    assert may_be_recording(name) is expected


def test_suffixes_are_of_recordings_or_not():
    assert AUDIO.isdisjoint(NOT_AUDIO) and {".3g2", ".m2ts", ".rm", ".xa"} <= AUDIO
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in AUDIO | NOT_AUDIO)


SOUND = b"RIFF\x00WAVE"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.wav", b"text", True),
        ("a.wav", b"", True),
        ("a.txt", SOUND, False),
        ("a", SOUND, True),
        ("x/a.xyz", SOUND, True),
        ("x/a.xyz", b"text", False),
        (".git/a", SOUND, False),
        ("x/.git/y/a", SOUND, False),
        (".git/a.wav", SOUND, True),
        (".a", SOUND, True),
        ("a", b"x" * (HEAD_BYTES - 1) + b"\0", True),
        ("a", b"x" * HEAD_BYTES + b"\0", False),
    ],
)
def test_a_file_with_an_unknown_name_is_a_recording_when_it_looks_like_one(tmp_path, name, content, expected):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    assert is_recording(path, name) is expected


def test_what_is_no_file_is_a_recording_only_by_its_suffix(tmp_path):
    assert is_recording(tmp_path / "a.wav", "a.wav") and not is_recording(tmp_path / "a", "a")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        *((b"text\t\r\n\f\v\x1b[0m", False), (b"\xef\xbb\xbftext", False), (b"caf\xc3\xa9", False), (b"x\x1f", True), (b"x y", False)),
        *(
            (b"text\xc3", False),
            (b"text\xf0\x9f\x8e", False),
            (b"tex\xff1234", True),
            (b"te\xff123", True),
            (b"te\xff12", False),
            (b"\x1c", True),
        ),
    ],
)
def test_a_binary_head_is_neither_text_nor_a_known_kind_without_sound(head, expected):
    assert is_binary(head) is expected


HEADS = {
    "PNG": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    "GIF": b"GIF89a\1\0\1\0",
    "BMP": b"BM\x36\0\0\0\0\0",
    "TIFF, little-endian": b"II*\0\x08\0\0\0",
    "TIFF, big-endian": b"MM\0*\0\0\0\x08",
    "PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "zip": b"PK\3\4\x14\0\0\0",
    "empty zip": b"PK\5\6\0\0\0\0",
    "rar": b"Rar!\x1a\7\1\0",
    "7z": b"7z\xbc\xaf\x27\x1c\0\4",
    "gzip": b"\x1f\x8b\x08\0\0\0\0\0",
    "bzip2": b"BZh91AY&SY\0\1",
    "xz": b"\xfd7zXZ\0\0\4",
    "zstd": b"\x28\xb5\x2f\xfd\x24\0",
    "parquet": b"PAR1\x15\4\x15\0",
    "Arrow": b"ARROW1\0\0\xff\xff",
    "SQLite": b"SQLite format 3\0\x10\0",
    "npy": b"\x93NUMPY\1\0\x76\0",
    "HDF5": b"\x89HDF\r\n\x1a\n\0",
    "MIDI": b"MThd\0\0\0\6\0\1",
    "ELF": b"\x7fELF\2\1\1\0",
    "program of Windows": b"MZ\x90\0\3\0",
    "program of macOS": b"\xcf\xfa\xed\xfe\7\0\0\1",
    "AppleDouble": b"\0\5\x16\7\0\2\0\0",
    "index of git": b"DIRC\0\0\0\2",
    "pack index of git": b"\xfftOc\0\0\0\2",
    "Office before 2007": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0",
}


@pytest.mark.parametrize("kind", HEADS)
def test_files_of_known_kinds_without_sound_are_no_recordings(kind):
    head = HEADS[kind] + bytes(8)
    assert not is_binary(head) and is_binary(b"x" + head)
