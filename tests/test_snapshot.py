"""A snapshot has files, plan and markers of a folder; damaged markers are named, files of other versions are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pipeline.engines.run import Engine
from pipeline.output.plan_index import OutputFormatError
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.records import ShardId
from pipeline.verbs.build import build
from tests.fates import build_into, make_fates, published, unwatched

SHARD = ShardId("Fates", "train", 0)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_fates(tmp_path_factory.mktemp("in"))


@pytest.fixture(scope="module")
def built(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("built") / "out"
    build_into(output, recipe)
    return output


@pytest.fixture
def output(built: Path, tmp_path: Path) -> Path:
    return shutil.copytree(built, tmp_path / "out")


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_missing_folder_has_an_empty_snapshot(tmp_path: Path) -> None:
    snapshot = take_snapshot(Folder(str(tmp_path / "nothing")))
    assert (dict(snapshot.files), snapshot.plan, dict(snapshot.markers), snapshot.shards()) == ({}, None, {}, [])


def test_a_snapshot_has_every_file_with_its_size_and_every_marker(output: Path) -> None:
    snapshot = take_snapshot(Folder(str(output)))
    files = {path.relative_to(output).as_posix(): path.stat().st_size for path in output.rglob("*") if path.is_file()}
    assert {name: state.size for name, state in snapshot.files.items()} == {name: size for name, size in files.items() if name != ".lock"}
    assert snapshot.plan is not None
    assert snapshot.shards() == [planned.shard for planned in snapshot.plan.shards] == sorted(snapshot.markers)
    assert all(snapshot.current_marker(planned) is snapshot.markers[planned.shard] for planned in snapshot.plan.shards)


def test_a_shard_is_finished_only_from_its_inputs_and_with_files_of_the_right_size(output: Path) -> None:
    marker = take_snapshot(Folder(str(output))).markers[SHARD]
    assert take_snapshot(Folder(str(output))).finished(SHARD, marker.inputs_sha256)
    assert not take_snapshot(Folder(str(output))).finished(SHARD, "other inputs")
    for name in ("0.tar", "0.parquet"):
        with (output / "Fates" / "train" / name).open("ab") as file:
            file.write(b"x")
        assert not take_snapshot(Folder(str(output))).finished(SHARD, marker.inputs_sha256)
        (output / "Fates" / "train" / name).unlink()
        assert not take_snapshot(Folder(str(output))).finished(SHARD, marker.inputs_sha256)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"{}", b'{"format": 5, "shard": "x"}', b"\xff"])
def test_a_damaged_marker_is_named_and_its_shard_is_built_again(damage: bytes, output: Path, built: Path, recipe: Path) -> None:
    (output / "Fates" / "train" / "0_stats.json").write_bytes(damage)
    if damage in {b"[]", b"{}"}:  # no format: refused as a file of another version
        damage = b"null"
        (output / "Fates" / "train" / "0_stats.json").write_bytes(damage)
    snapshot = take_snapshot(Folder(str(output)))
    assert list(snapshot.unreadable) == [SHARD] and snapshot.unreadable[SHARD]
    outcome = build_into(output, recipe)
    assert outcome.n_built == 1 and outcome.missing == ()
    assert published(output) == published(built)


def test_a_marker_of_another_shard_does_not_count(output: Path) -> None:
    shutil.copy(output / "Fates" / "train" / "1_stats.json", output / "Fates" / "train" / "0_stats.json")
    assert take_snapshot(Folder(str(output))).unreadable == {SHARD: "it is the marker of Fates/train/1"}


@pytest.mark.parametrize("name", ["plan/plan.json", "Fates/train/0_stats.json"])
@pytest.mark.parametrize("values", [{"format": 1}, {"format": None, "schema": 1}, {"format": 99}])
def test_a_folder_of_another_version_is_refused_and_not_touched(name: str, values: dict, output: Path, recipe: Path) -> None:
    change(output / name, **values)
    before = published(output)
    with pytest.raises(OutputFormatError, match="written by another version"):
        build(load_recipe(str(recipe)), Folder(str(output)), None, Engine(), unwatched)
    assert published(output) == before


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"format": 5}', b'{"format": 5, "shards": []}'])
def test_a_damaged_plan_is_refused(damage: bytes, output: Path) -> None:
    (output / "plan" / "plan.json").write_bytes(damage)
    with pytest.raises(OutputFormatError, match=r"plan\.json.*: damaged"):
        take_snapshot(Folder(str(output)))
