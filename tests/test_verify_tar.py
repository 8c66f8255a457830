"""Everything in a tar that readers could trip over is a fault, and nothing else."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.output.storage import Folder
from pipeline.verbs import verify_audio as module
from pipeline.verbs.verify_tar import check_tar
from tests.fates import tone
from tests.sounds import flac_with_frame_count

SOUND = tone(300, 0.05, 48_000)
JSON = json.dumps({"text": ["A tone."], "tag": [], "original_data": {}}).encode()


def flac(frames: np.ndarray = SOUND, rate: int = 48_000, subtype: str = "PCM_16", kind: str = "FLAC") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, frames, rate, format=kind, subtype=subtype)
    return buffer.getvalue()


def faults(root: Path, *members: tuple[str, bytes], deep: bool = False) -> list[str]:
    """Return the faults of a tar without the name of the tar."""
    return checked(root, *members, deep=deep)[0]


def checked(root: Path, *members: tuple[str, bytes], deep: bool = False) -> tuple[list[str], list[str]]:
    with tarfile.open(root / "0.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return read(root, deep)


def read(root: Path, deep: bool = False) -> tuple[list[str], list[str]]:
    findings, keys = check_tar(Folder(str(root)), "0.tar", None, deep)
    return [finding.what for finding in findings], keys


@pytest.mark.parametrize("deep", [False, True])
def test_pairs_of_flac_and_json_have_no_faults(deep: bool, tmp_path: Path) -> None:
    members = [(f"{key}.{kind}", data) for key in ("a", "b-0_9") for kind, data in (("flac", flac()), ("json", JSON))]
    assert checked(tmp_path, *members, deep=deep) == ([], ["a", "b-0_9"])


def test_an_empty_tar_has_no_samples(tmp_path: Path) -> None:
    assert checked(tmp_path) == ([], [])


def test_what_is_no_tar_is_a_fault_and_the_samples_before_the_damage_count(tmp_path: Path) -> None:
    checked(tmp_path, ("a.flac", flac()), ("a.json", JSON), ("b.flac", flac()), ("b.json", JSON))
    data = (tmp_path / "0.tar").read_bytes()
    second = data.index(b"b.flac")
    (tmp_path / "0.tar").write_bytes(data[: second + 100] + b"\xff" * 400 + data[second + 500 :])
    lines, keys = read(tmp_path)
    assert keys == ["a"]
    (tmp_path / "0.tar").write_bytes(b"no tar at all")
    lines, keys = read(tmp_path)
    assert [line.partition(" (")[0] for line in lines] == ["the file ends after 13 bytes, and the end of the archive is missing"]
    assert keys == []


def test_a_flac_without_its_json_is_a_fault_at_the_end_and_before_another(tmp_path: Path) -> None:
    assert checked(tmp_path, ("a.flac", flac())) == (["a.flac has no JSON after it"], [])
    assert checked(tmp_path, ("a.flac", flac()), ("b.flac", flac()), ("b.json", JSON)) == (["b.flac: comes where a.json should be"], ["b"])


def test_a_json_without_its_flac_is_a_fault_and_no_sample(tmp_path: Path) -> None:
    assert checked(tmp_path, ("a.json", JSON)) == (["a.json: has no FLAC before it"], [])
    assert checked(tmp_path, ("a.flac", flac()), ("b.json", JSON)) == (["b.json: has no FLAC before it"], [])
    twice = [("a.flac", flac()), ("a.json", JSON), ("a.json", JSON)]
    assert checked(tmp_path, *twice) == (["a.json: has no FLAC before it"], ["a"])


def test_other_members_are_faults(tmp_path: Path) -> None:
    assert faults(tmp_path, ("a.txt", b"")) == ["a.txt: neither .flac nor .json"]
    assert checked(tmp_path, ("a.flac", flac()), ("a.cls", b"1"), ("a.json", JSON)) == (
        ["a.cls: neither .flac nor .json", "a.json: has no FLAC before it"],
        [],
    )


@pytest.mark.parametrize("key", ["A", "a.b", "d/a", "ä", "a b", ""])
def test_keys_of_other_characters_are_faults(key: str, tmp_path: Path) -> None:
    assert faults(tmp_path, (f"{key}.flac", flac()), (f"{key}.json", JSON)) == [
        f"{key}.{kind}: a key may hold only a-z, 0-9, _ and -" for kind in ("flac", "json")
    ]


def test_a_key_that_occurs_again_is_a_fault_with_its_count(tmp_path: Path) -> None:
    pair = [("a.flac", flac()), ("a.json", JSON)]
    assert checked(tmp_path, *pair, *pair, *pair) == (["key a occurs 3 times"], ["a", "a", "a"])


def test_what_is_not_flac_is_a_fault_without_decoding(tmp_path: Path) -> None:
    assert faults(tmp_path, ("a.flac", b"RIFF"), ("a.json", JSON)) == ["a.flac: is not FLAC"]
    assert faults(tmp_path, ("a.flac", b"fLaC"), ("a.json", JSON)) == ["a.flac: has no STREAMINFO"]
    assert faults(tmp_path, ("a.flac", flac()[:42]), ("a.json", JSON)) == []


def test_what_does_not_decode_is_a_fault_of_deep(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, ("a.flac", flac()[:42]), ("a.json", JSON), deep=True)
    assert fault.startswith("a.flac: does not decode (")


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (flac(rate=44_100), "44100 Hz, 1 channels, 16 bits"),
        (flac(subtype="PCM_24"), "48000 Hz, 1 channels, 24 bits"),
        (flac(np.stack([SOUND, SOUND], 1)), "48000 Hz, 2 channels, 16 bits"),
    ],
)
def test_other_encodings_are_faults(data: bytes, encoding: str, deep: bool, tmp_path: Path) -> None:
    expected = f"a.flac: is FLAC of {encoding}, not of 48000 Hz, 1 channel, 16 bits"
    assert faults(tmp_path, ("a.flac", data), ("a.json", JSON), deep=deep) == [expected]


def test_flac_that_ends_between_two_of_its_frames_is_a_fault_of_deep(tmp_path: Path) -> None:
    data = flac(tone(300, 2.0, 48_000))
    assert len(faults(tmp_path, ("a.flac", data[: data.rindex(b"\xff\xf8")]), ("a.json", JSON), deep=True)) == 1


@pytest.mark.parametrize("n_frames", [0, 1 << 19, 1 << 35])
@pytest.mark.parametrize("seconds", [0.05, 2.0])
def test_a_header_that_counts_more_frames_or_none_is_a_fault_of_deep(n_frames: int, seconds: float, tmp_path: Path) -> None:
    data = flac_with_frame_count(flac(tone(300, seconds, 48_000)), n_frames)
    assert len(faults(tmp_path, ("a.flac", data), ("a.json", JSON), deep=True)) == 1


def test_flac_longer_than_a_block_has_no_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 1000)
    assert faults(tmp_path, ("a.flac", flac()), ("a.json", JSON), deep=True) == []


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (b"{", "is not JSON ("),
        (b"\xff", "is not JSON ("),
        (b"[]", "is not a JSON object"),
        ({"tag": [], "original_data": {}}, "'text' is missing or no list"),
        ({"text": "a", "tag": [], "original_data": {}}, "'text' is missing or no list"),
        ({"text": ["a"], "original_data": {}}, "'tag' is missing or no list"),
        ({"text": ["a"], "tag": []}, "'original_data' is missing or no dict"),
        ({"text": [], "tag": [], "original_data": {}}, "'text' must be a list of at least one non-empty string"),
        ({"text": ["a", ""], "tag": [], "original_data": {}}, "'text' must be a list of at least one non-empty string"),
        ({"text": ["a", 1], "tag": [], "original_data": {}}, "'text' must be a list of at least one non-empty string"),
        ({"text": ["a"], "tag": [], "original_data": {}, "text_augment_all": []}, "'text_augment_all' and 'text_augment_t5' go together"),
        ({"text": ["a"], "tag": [], "original_data": {}, "text_augment_t5": "a"}, "'text_augment_all' and 'text_augment_t5' go together"),
    ],
)
def test_json_that_readers_cannot_use_is_a_fault(value: bytes | dict, fault: str, tmp_path: Path) -> None:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    (line,) = faults(tmp_path, ("a.flac", flac()), ("a.json", data))
    assert line.startswith(f"a.json: {fault}")


def test_json_with_both_augmented_texts_has_no_faults(tmp_path: Path) -> None:
    data = json.dumps(json.loads(JSON) | {"text_augment_all": ["A tone."], "text_augment_t5": "A tone."}).encode()
    assert faults(tmp_path, ("a.flac", flac()), ("a.json", data)) == []
