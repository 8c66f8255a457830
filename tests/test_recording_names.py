"""What may be a recording is known by its name, and where the name is unknown by its first bytes."""

import pytest

from sources.metadata.recording_names import AUDIO, BEGINNINGS, HEAD_BYTES, NOT_AUDIO, is_binary, is_recording, may_be_recording, suffix_of


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
        *((beginning + b"\0\0", False) for beginning in BEGINNINGS),
    ],
)
def test_a_binary_head_is_neither_text_nor_a_known_kind_without_sound(head, expected):
    assert is_binary(head) is expected
