"""Verify finds every kind of damage, with file, shard, key and remedy; also where the checksums were made to agree with it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.output.storage import Folder
from pipeline.verbs.verify import verify
from pipeline.verbs.verify_fault import Fault, Note
from tests.damage import Built, Damage, make_set
from tests.damage_content import CONTENT
from tests.damage_files import FILES
from tests.damage_tar import TAR_AND_MARKER

DAMAGES = [*CONTENT, *TAR_AND_MARKER, *FILES]
HIDDEN = [damage for damage in DAMAGES if damage.agrees]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = make_set(tmp_path_factory.mktemp("damage"))
    assert list(verify(Folder(str(output)), deep=True)) == []
    return output


@pytest.fixture
def built(original: Path, tmp_path: Path) -> Built:
    return Built(shutil.copytree(original, tmp_path / "out"))


def check(built: Built, damage: Damage, agree: bool) -> None:
    """Damage a set, and check that a fault names it."""
    key = damage.change(built)
    if agree:
        built.agree()
    faults = [fault for fault in verify(built.folder, damage.deep) if not isinstance(fault, Note)]
    named = [fault for fault in faults if fault.file == damage.file and (key is None or fault.key == key)]
    assert named, [str(fault) for fault in faults]
    assert all(is_complete(fault) for fault in faults), faults


def is_complete(fault: Fault) -> bool:
    """Return whether a fault is one printable line that says where, what, and what to do."""
    line = str(fault)
    of_shard = fault.shard is None or fault.shard.name in fault.file or str(fault.shard) in line
    return line.isprintable() and fault.what != "" and line.endswith(f"; {fault.remedy}") and of_shard


def test_there_are_many_kinds_and_no_name_twice() -> None:
    names = [damage.name for damage in DAMAGES]
    assert len(set(names)) == len(names) >= 300


@pytest.mark.parametrize("damage", HIDDEN, ids=lambda damage: damage.name)
def test_damage_is_found_though_the_checksums_agree_with_it(damage: Damage, built: Built) -> None:
    check(built, damage, agree=True)


@pytest.mark.parametrize("damage", [damage for damage in DAMAGES if not damage.agrees], ids=lambda damage: damage.name)
def test_damage_is_found(damage: Damage, built: Built) -> None:
    check(built, damage, agree=False)


@pytest.mark.slow
@pytest.mark.parametrize("damage", HIDDEN, ids=lambda damage: damage.name)
def test_damage_is_found_that_no_checksum_agrees_with(damage: Damage, built: Built) -> None:
    check(built, damage, agree=False)


def test_faults_of_a_shard_name_it_and_its_sample(built: Built) -> None:
    key = built.row()["key"]
    built.change_member(f"{key}.flac", lambda data: data + b"x")
    fault = next(fault for fault in verify(built.folder, deep=False) if fault.key is not None)
    assert (str(fault.shard), fault.key, fault.file) == ("Damage/train/0", key, "Damage/train/0.tar")
    assert str(fault).startswith(f"Damage/train/0.tar: {key}: {key}.flac: has ") and "--repair" in fault.remedy


def test_damage_of_one_file_does_not_hide_that_of_others(built: Built) -> None:
    built.path("plan/plan.json").write_bytes(b"{}")
    built.path("plan/rejections.parquet").write_bytes(b"")
    built.path("Damage/train/0.tar").write_bytes(b"")
    built.path("Damage/train/1.parquet").write_bytes(b"x")
    built.path("Damage/valid/0_stats.json").write_bytes(b"\xff")
    built.path("Damage/valid/sizes.json").write_text("[]")
    built.path("recipe.toml").write_bytes(b"\xff")
    files = {fault.file for fault in verify(built.folder, deep=True)}
    assert files >= {
        "plan/plan.json",
        "plan/rejections.parquet",
        "Damage/train/0.tar",
        "Damage/train/1.parquet",
        "Damage/valid/0_stats.json",
        "Damage/valid/sizes.json",
        "recipe.toml",
    }
