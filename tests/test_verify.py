"""Verify reports every fault of an output folder, and no fault of a valid one."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.output.books import read_books, write_books
from pipeline.output.markers import FileFacts, Marker, facts_of
from pipeline.output.plan_files import write_left_out
from pipeline.output.storage import Folder
from pipeline.records import Reason
from pipeline.verbs.verify import verify
from tests import outcomes as outcomes_of
from tests.fates import build_into, command, make_fates, tone


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("valid")
    build_into(folder / "out", make_fates(folder / "in"))
    return folder / "out"


@pytest.fixture
def output(valid: Path, tmp_path: Path) -> Path:
    return shutil.copytree(valid, tmp_path / "out")


def faults(output: Path, deep: bool = False) -> list[str]:
    return list(verify(Folder(str(output)), deep))


def members(tar: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(tar) as file:
        for member in file:
            yield member.name, file.extractfile(member).read()  # type: ignore[union-attr]


def rewrite(output: Path, change: Callable[[list[tuple[str, bytes]]], list[tuple[str, bytes]]]) -> None:
    """Change the members of train/0.tar and the marker with them, so that only the content is wrong."""
    tar = output / "Fates" / "train" / "0.tar"
    changed = change(list(members(tar)))
    with tarfile.open(tar, "w", format=tarfile.USTAR_FORMAT) as file:
        for name, data in changed:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    stats = tar.with_name("0_stats.json")
    marker = Marker.from_json(json.loads(stats.read_text())).to_json()
    facts: FileFacts = facts_of(Folder(str(output)), "Fates/train/0.tar")
    stats.write_text(json.dumps(marker | {"tar": {"bytes": facts.bytes, "sha256": facts.sha256}}))


def test_a_valid_folder_has_no_faults(valid: Path) -> None:
    assert faults(valid, deep=True) == []
    done = command("verify", valid, "--deep")
    assert done.returncode == 0 and "no faults" in done.stdout


def test_a_flipped_byte_is_named(output: Path) -> None:
    tar = output / "Fates" / "train" / "0.tar"
    data = bytearray(tar.read_bytes())
    data[2000] ^= 1
    tar.write_bytes(data)
    (fault,) = [fault for fault in faults(output) if "sha256" in fault]
    assert fault.startswith("Fates/train/0.tar:")
    done = command("verify", output)
    assert done.returncode == 1 and fault in done.stdout


def test_a_flipped_byte_in_the_books_is_named(output: Path) -> None:
    books = output / "Fates" / "train" / "1.parquet"
    data = bytearray(books.read_bytes())
    data[len(data) // 3] ^= 255
    books.write_bytes(data)
    assert any(fault.startswith("Fates/train/1.parquet:") for fault in faults(output))


def test_a_removed_member_is_named(output: Path) -> None:
    removed = next(members(output / "Fates" / "train" / "0.tar"))[0].removesuffix(".flac")
    rewrite(output, lambda pairs: pairs[2:])
    lines = faults(output)
    assert f"Fates/train/0.tar: {removed} is missing, the books say it is a sample" in lines
    assert any(fault.startswith("Fates/train/sizes.json: 0.tar is") for fault in lines)


def test_a_member_without_its_partner_is_named(output: Path) -> None:
    rewrite(output, lambda pairs: pairs[1:])
    assert any("has no FLAC before it" in fault for fault in faults(output))
    rewrite(output, lambda pairs: [*pairs[1:], pairs[1]])
    assert faults(output)


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (b"{", "is not JSON"),
        (b"[]", "is not a JSON object"),
        (b'{"text": [], "tag": [], "original_data": {}}', "'text' must be a list"),
        (b'{"text": ["a"], "original_data": {}}', "'tag' is missing"),
        (b'{"text": ["a"], "tag": [], "original_data": {}, "text_augment_all": []}', "go together"),
    ],
)
def test_json_that_readers_cannot_use_is_named(member: bytes, message: str, output: Path) -> None:
    rewrite(output, lambda pairs: [pairs[0], (pairs[1][0], member), *pairs[2:]])
    assert any(message in fault for fault in faults(output))


def test_damaged_audio_is_named_only_with_deep(output: Path) -> None:
    rewrite(output, lambda pairs: [(pairs[0][0], pairs[0][1][:3000]), *pairs[1:]])
    assert faults(output) == []
    assert any("does not decode" in fault or "frames, its header says" in fault for fault in faults(output, deep=True))


def test_a_wrong_count_in_sizes_is_named(output: Path) -> None:
    sizes = output / "Fates" / "train" / "sizes.json"
    counts = json.loads(sizes.read_text())
    sizes.write_text(json.dumps(counts | {"1.tar": counts["1.tar"] + 1, "9.tar": 4}))
    assert faults(output) == [
        f"Fates/train/sizes.json: 1.tar is {counts['1.tar'] + 1}, counted {counts['1.tar']}",
        "Fates/train/sizes.json: 9.tar is 4, counted no such shard",
    ]


@pytest.mark.parametrize("name", ["0_stats.json", "0.tar", "0.parquet", "sizes.json"])
def test_a_missing_file_is_named(name: str, output: Path) -> None:
    (output / "Fates" / "train" / name).unlink()
    assert any(fault.startswith(f"Fates/train/{name}:") for fault in faults(output))


def test_a_changed_or_missing_plan_file_is_named(output: Path) -> None:
    shutil.copy(output / "plan" / "Fates" / "train" / "00001.parquet", output / "plan" / "Fates" / "train" / "00000.parquet")
    (output / "plan" / "Fates" / "test" / "00000.parquet").unlink()
    lines = faults(output)
    assert "plan/Fates/test/00000.parquet: missing" in lines
    assert any(fault.startswith("plan/Fates/train/00000.parquet: its rows are not") for fault in lines)


def test_a_tar_that_is_not_in_the_plan_is_named(output: Path) -> None:
    shutil.copy(output / "Fates" / "train" / "0.tar", output / "Fates" / "train" / "7.tar")
    assert faults(output) == ["Fates/train/7.tar: not in the plan"]


def test_a_folder_without_a_plan_is_one_fault(tmp_path: Path) -> None:
    assert faults(tmp_path) == ["plan/plan.json: missing, this is not an output folder"]


def small(tmp_path: Path) -> Folder:
    """Return a folder without faults: one shard of two samples and a rejection, and two rows that were left out."""
    folder = Folder(str(tmp_path / "small"))
    outcomes = [outcomes_of.sample("a", "aa", FLAC), outcomes_of.sample("b", "bb", FLAC), outcomes_of.rejection("c", Reason.SILENT)]
    outcomes_of.write_shard(outcomes, folder)
    left_out = [outcomes_of.rejection(name, reason) for name, reason in (("d", Reason.NO_TEXT), ("e", Reason.DUPLICATE))]
    outcomes_of.write_plan({outcomes_of.SHARD: [outcome.clip for outcome in outcomes]}, folder, left_out)
    folder.write_json("Set/train/sizes.json", {"0.tar": 2})
    return folder


def flac(frames: np.ndarray, rate: int = 48_000, subtype: str = "PCM_16", kind: str = "FLAC") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, frames, rate, format=kind, subtype=subtype)
    return buffer.getvalue()


SOUND = tone(300, 0.05, 48_000)
FLAC = flac(SOUND)


def test_a_small_folder_has_no_faults(tmp_path: Path) -> None:
    assert list(verify(small(tmp_path), deep=True)) == []


def test_rows_that_were_left_out_and_are_lost_are_named(tmp_path: Path) -> None:
    folder = small(tmp_path)
    fault = "plan/rejections.parquet: its rows are not those that plan/plan.json counts"
    for rejections in ([("d", Reason.NO_TEXT)], [("d", Reason.NO_TEXT), ("e", Reason.HELD_OUT)], []):
        with folder.workspace() as work:
            write_left_out([outcomes_of.rejection(name, reason) for name, reason in rejections], work / "left")
            folder.publish(work / "left", "plan/rejections.parquet")
        assert list(verify(folder, deep=False)) == [fault]
    folder.write("plan/rejections.parquet", b"PAR1")
    (line,) = verify(folder, deep=False)
    assert line.startswith("plan/rejections.parquet: cannot be read (")
    folder.remove("plan/rejections.parquet")
    assert list(verify(folder, deep=False)) == ["plan/rejections.parquet: missing"]


def test_a_plan_of_another_version_is_the_only_fault(tmp_path: Path) -> None:
    folder = small(tmp_path)
    folder.write_json("plan/plan.json", folder.read_json("plan/plan.json") | {"format": 1})
    (fault,) = verify(folder, deep=False)
    assert "of format 1" in fault


def test_plan_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    folder = small(tmp_path)
    folder.write("plan/Set/train/00000.parquet", b"PAR1")
    (fault,) = verify(folder, deep=False)
    assert fault.startswith("plan/Set/train/00000.parquet: cannot be read (")


def test_a_missing_marker_is_a_fault_and_its_files_are_checked_all_the_same(tmp_path: Path) -> None:
    folder = small(tmp_path)
    folder.remove("Set/train/0_stats.json")
    assert list(verify(folder, deep=False)) == ["Set/train/0_stats.json: the marker is missing or cannot be read"]
    folder.write("Set/train/0.tar", b"no tar")
    assert [line.partition(" (")[0] for line in verify(folder, deep=False)] == [
        "Set/train/0_stats.json: the marker is missing or cannot be read",
        "Set/train/0.tar: not a readable tar",
        "Set/train/0.tar: table-a is missing, the books say it is a sample",
        "Set/train/0.tar: table-b is missing, the books say it is a sample",
        "Set/train/sizes.json: 0.tar is 2, counted 0",
    ]


@pytest.mark.parametrize("name", ["0.tar", "0.parquet"])
def test_a_missing_file_counts_as_no_samples(name: str, tmp_path: Path) -> None:
    folder = small(tmp_path)
    folder.remove(f"Set/train/{name}")
    assert list(verify(folder, deep=False)) == [f"Set/train/{name}: missing", "Set/train/sizes.json: 0.tar is 2, counted 0"]


def test_a_file_that_is_not_that_of_the_marker_is_named_with_both_sizes_and_hashes(tmp_path: Path) -> None:
    folder = small(tmp_path)
    data = folder.read("Set/train/0.tar")
    folder.write("Set/train/0.tar", data + bytes(512))
    actual, expected = (sha256(each).hexdigest()[:12] for each in (data + bytes(512), data))
    assert list(verify(folder, deep=False)) == [
        f"Set/train/0.tar: {len(data) + 512} bytes, sha256 {actual}, the marker says {len(data)}, {expected}"
    ]


def with_books(folder: Folder, change: Callable[[list[dict]], list[dict]]) -> list[str]:
    """Change the rows of the books and let the marker agree; return the faults."""
    rows = change(read_books(folder, outcomes_of.SHARD).to_pylist())
    with folder.workspace() as work:
        write_books(rows, work / "books")
        folder.publish(work / "books", "Set/train/0.parquet")
    facts = asdict(facts_of(folder, "Set/train/0.parquet"))
    folder.write_json("Set/train/0_stats.json", folder.read_json("Set/train/0_stats.json") | {"parquet": facts})
    return list(verify(folder, deep=False))


def test_books_that_disagree_with_plan_or_tar_are_named(tmp_path: Path) -> None:
    folder = small(tmp_path)
    assert with_books(folder, lambda rows: rows[:2]) == ["Set/train/0.parquet: 2 rows, 3 were planned"]
    more = with_books(folder, lambda rows: [*rows, rows[1] | {"key": "table-x", "status": "rejected", "reason": None}][:3])
    assert more == ["Set/train/0.parquet: table-x is rejected without a reason"]
    rejected = {"key": "table-c", "status": "rejected", "reason": "silent"}
    other = with_books(folder, lambda rows: [rows[0], rows[1] | {"key": "table-y"}, rows[0] | rejected])
    assert other == [
        "Set/train/0.tar: table-y is missing, the books say it is a sample",
        "Set/train/0.tar: table-b is not a sample by the books",
    ]


def test_a_marker_that_counts_other_samples_is_named(tmp_path: Path) -> None:
    folder = small(tmp_path)
    folder.write_json("Set/train/0_stats.json", folder.read_json("Set/train/0_stats.json") | {"n_samples": 3})
    assert list(verify(folder, deep=False)) == ["Set/train/0.tar: 2 samples, the marker says 3"]


@pytest.mark.parametrize("data", [None, b"{"])
def test_sizes_that_cannot_be_read_are_named(data: bytes | None, tmp_path: Path) -> None:
    folder = small(tmp_path)
    folder.remove("Set/train/sizes.json")
    if data is not None:
        folder.write("Set/train/sizes.json", data)
    assert list(verify(folder, deep=False)) == ["Set/train/sizes.json: missing or not JSON"]


def test_a_tar_that_sizes_do_not_count_is_named(tmp_path: Path) -> None:
    folder = small(tmp_path)
    folder.write_json("Set/train/sizes.json", {})
    assert list(verify(folder, deep=False)) == ["Set/train/sizes.json: 0.tar is missing, counted 2"]
