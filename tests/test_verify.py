"""Verify reports every fault of an output folder, and no fault of a valid one."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.output.markers import FileFacts, Marker, facts_of
from pipeline.output.storage import Folder
from pipeline.verbs.verify import verify
from tests.fates import build_into, command, make_fates


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
