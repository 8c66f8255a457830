"""Everything in a tar that readers could trip over is a fault, and nothing else."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.output.storage import Folder
from pipeline.verbs import verify_tar as tar_module
from pipeline.verbs.verify_tar import ExpectedSample, check_tar
from tests.fates import tone
from tests.sounds import flac_with_frame_count
from transforms.audio import flac_statistics
from transforms.audio.meter import Meter

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
    monkeypatch.setattr(flac_statistics, "BLOCK_FRAMES", 1000)
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
    data = json.dumps(json.loads(JSON) | {"text_augment_all": ["A tone."], "text_augment_t5": ["A tone."]}).encode()
    assert faults(tmp_path, ("a.flac", flac()), ("a.json", data)) == []


def expected(root: Path, *members: tuple[str, bytes], samples: list[ExpectedSample], deep: bool = False) -> list[tuple[str | None, str]]:
    """Return key and text of each finding of a tar that must hold some samples."""
    checked(root, *members)
    return [(finding.key, finding.what) for finding in check_tar(Folder(str(root)), "0.tar", samples, deep)[0]]


def of(key: str, **values: object) -> ExpectedSample:
    row = {"flac_bytes": len(flac()), "n_frames": len(SOUND)} | values
    return ExpectedSample(key, row, JSON)


A, B, C = ([(f"{key}.flac", flac()), (f"{key}.json", JSON)] for key in "abc")


def test_findings_have_the_key_of_their_sample(tmp_path: Path) -> None:
    assert expected(tmp_path, *A, *B, samples=[of("a"), of("b")]) == []
    assert expected(tmp_path, *A, *B[:1], samples=[of("a"), of("b")]) == [
        ("b", "b.flac has no JSON after it"),
        ("b", "is missing, the books say it is a sample"),
    ]
    assert expected(tmp_path, *B, *A, *C, samples=[of("a"), of("b"), of("c")]) == [("b", "is not where the order of the plan has it")]
    assert expected(tmp_path, *A, *C, *B, samples=[of("a"), of("b"), of("c")]) == [("c", "is not where the order of the plan has it")]
    assert expected(tmp_path, *A, *A, *C, samples=[of("a"), of("b")]) == [
        ("a", "key a occurs 2 times"),
        ("b", "is missing, the books say it is a sample"),
        ("c", "is in the tar, the books do not say it is a sample"),
    ]
    assert expected(tmp_path, ("A.txt", b""), samples=[]) == [
        (None, "A.txt: a key may hold only a-z, 0-9, _ and -"),
        (None, "A.txt: neither .flac nor .json"),
    ]


def test_members_are_compared_with_plan_and_books(tmp_path: Path) -> None:
    n = len(flac())
    assert expected(tmp_path, *A, samples=[of("a", flac_bytes=n + 1, n_frames=7)]) == [
        ("a", f"a.flac: has {n} bytes, the books say {n + 1}"),
        ("a", f"a.flac: has {len(SOUND)} frames by its header, the books say 7"),
    ]
    other = ExpectedSample("a", of("a").row, JSON + b" ")
    assert expected(tmp_path, *A, samples=[other]) == [("a", "a.json: holds the values of the plan, but not the bytes that a build writes")]
    assert expected(tmp_path, *A, samples=[ExpectedSample("a", of("a").row, None)]) == []


def test_each_member_is_decoded_from_where_it_starts_to_where_it_ends(tmp_path: Path) -> None:
    meter = Meter()
    meter.add(SOUND, 0)
    row = asdict(meter.statistics(0))
    assert expected(tmp_path, *A, *B, samples=[of("a", **row), of("b", **row)], deep=True) == []
    (fault,) = expected(tmp_path, *A, *B, samples=[of("a", **row), of("b", **row | {"peak": 2.0})], deep=True)
    assert fault[0] == "b" and fault[1].startswith("b.flac: its audio has peak ")


def test_a_json_larger_than_any_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_module, "MAX_JSON", len(JSON))
    assert faults(tmp_path, *A) == []
    large = [A[0], ("a.json", JSON + b" ")]
    assert checked(tmp_path, *large) == ([f"a.json: has {len(JSON) + 1} bytes, more than any JSON of a sample"], ["a"])


def test_flaws_of_headers_are_named_with_their_member(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "0.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        member = tarfile.TarInfo("a" * 95 + ".flac")
        member.mtime = 7
        tar.addfile(member)
    findings, _ = check_tar(Folder(str(tmp_path)), "0.tar", [], False)
    assert [(each.key, each.what) for each in findings] == [
        ("a" * 95, f"{'a' * 95}.flac: its header has mtime 7"),
        ("a" * 95, f"{'a' * 95}.flac: is not FLAC"),
        ("a" * 95, f"{'a' * 95}.flac has no JSON after it"),
    ]


def test_a_tar_that_is_missing_or_cannot_be_read(tmp_path: Path) -> None:
    assert read(tmp_path) == (["missing"], [])
    (tmp_path / "0.tar").mkdir()
    assert read(tmp_path) == (["cannot be read (it is a folder, not a file)"], [])
