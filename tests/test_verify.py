"""Verify a folder: its lines and exit code, what follows when files are missing, and how an interrupted verify goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import apache_beam as beam
import pytest

from pipeline.command import main
from pipeline.engines.run import Engine
from pipeline.failures import EngineError
from pipeline.output.storage import Folder
from pipeline.records import ShardId
from pipeline.verbs import verify_results
from pipeline.verbs.verify import verify
from pipeline.verbs.verify_fault import Fault
from tests.damage import MARKER, OTHER, SHARD, TAR, VALID, Built, make_set
from tests.eager import EagerEngine
from tests.fates import command


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_set(tmp_path_factory.mktemp("valid"))


@pytest.fixture
def built(valid: Path, tmp_path: Path) -> Built:
    return Built(shutil.copytree(valid, tmp_path / "out"))


def lines(built: Built, deep: bool = False) -> list[str]:
    return [str(fault) for fault in verify(built.folder, deep)]


def test_the_command_prints_a_line_a_fault_and_exits_with_1(built: Built) -> None:
    done = command("verify", built.root, "--deep")
    assert (done.returncode, done.stdout) == (0, "no faults\n")
    built.path(TAR).write_bytes(b"")
    done = command("verify", built.root)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stdout.splitlines() == [*lines(built), f"{len(lines(built))} faults"]


def test_a_folder_without_a_plan_is_one_fault(tmp_path: Path) -> None:
    (line,) = verify(Folder(str(tmp_path)), False)
    assert str(line).startswith("plan/plan.json: missing, so this is no output folder")


def test_a_plan_of_another_version_is_the_only_fault(built: Built) -> None:
    built.change_json("plan/plan.json", lambda plan: plan.update(format=1))
    (line,) = lines(built)
    assert "of format 1" in line


@pytest.mark.parametrize("data", [None, b"", b"{}"])
def test_shards_are_checked_though_plan_json_is_not_there(data: bytes | None, built: Built) -> None:
    built.path("plan/plan.json").unlink()
    if data is not None:
        built.path("plan/plan.json").write_bytes(data)
    assert {fault.file for fault in verify(built.folder, True)} == {"plan/plan.json"}
    built.path(TAR).write_bytes(b"")
    assert {fault.file for fault in verify(built.folder, True)} == {"plan/plan.json", TAR, MARKER, "Damage/train/sizes.json"}


def test_a_shard_that_is_not_built_is_one_line_and_its_count(built: Built) -> None:
    for ending in (".tar", ".parquet", "_stats.json"):
        built.path(f"{VALID}{ending}").unlink()
    faults = [fault for fault in verify(built.folder, True) if fault.file.startswith(VALID.name)]
    assert [str(fault) for fault in faults] == ["Damage/valid/0_stats.json: missing: the shard is not built; run the same build again"]


def test_a_shard_of_other_rows_is_one_line_and_not_one_a_row(built: Built) -> None:
    built.change_json(MARKER, lambda marker: marker.update(rows_sha256="0" * 64))
    of_rows = [line for line in lines(built) if "made from other rows" in line]
    assert len(of_rows) == 1 and all(fault.key is None for fault in verify(built.folder, False))


def test_swapped_shards_are_named_as_such(built: Built) -> None:
    for ending in (".tar", ".parquet", "_stats.json"):
        first, second = built.path(f"{SHARD}{ending}"), built.path(f"{OTHER}{ending}")
        data = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(data)
    assert any(line.startswith(f"{MARKER}: it is the marker of {OTHER}") for line in lines(built))


def test_a_line_escapes_what_a_terminal_would_not_print() -> None:
    fault = Fault(ShardId("D", "train", 0), "k", "plan/D/train/00000.parquet", "\x1b[2J\nx \udcff", "stop")
    assert str(fault) == "plan/D/train/00000.parquet: shard D/train/0: k: \\x1b[2J\\nx \\udcff; stop"
    assert Fault.from_json(json.loads(json.dumps(fault.to_json()))) == fault


class StoppedError(Exception):
    """Ends a verify after some shards."""


class _Stopping:
    """Count the checks of shards, and end the verify after `n` of them."""

    def __init__(self, check: Callable, n: int):
        self.check = check
        self.n = n
        self.seen: list[str] = []

    def __call__(self, folder: Folder, check: verify_results.ShardCheck) -> verify_results.CheckedShard:
        if len(self.seen) == self.n:
            raise StoppedError
        self.seen.append(check.planned.shard.name)
        return self.check(folder, check)


@pytest.fixture
def stop_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], _Stopping]:
    original = verify_results.check_shard

    def start(n: int) -> _Stopping:
        stopping = _Stopping(original, n)
        monkeypatch.setattr(verify_results, "check_shard", stopping)
        return stopping

    return start


def interrupted(built: Built, stop_after: Callable[[int], _Stopping], deep: bool = True) -> None:
    """Verify until two of the three shards are checked."""
    stop_after(2)
    with pytest.raises(EngineError, match="StoppedError"):
        list(verify(built.folder, deep, EagerEngine()))


def test_an_interrupted_verify_goes_on_with_the_shards_that_are_left(built: Built, stop_after: Callable[[int], _Stopping]) -> None:
    built.change_member(f"{built.row()['key']}.flac", lambda data: data[:-1])
    expected = list(verify(built.folder, True))
    interrupted(built, stop_after)
    rest = stop_after(9)
    assert list(verify(built.folder, True, EagerEngine())) == expected != []
    assert rest.seen == [VALID.name]


def test_a_verify_that_ended_is_not_used_by_the_next(built: Built, stop_after: Callable[[int], _Stopping]) -> None:
    for _ in range(2):
        every = stop_after(9)
        assert list(verify(built.folder, True, EagerEngine())) == []
        assert every.seen == [SHARD.name, OTHER.name, VALID.name]
        assert not built.path(".verify").exists()


def test_a_shard_that_changed_since_the_interruption_is_checked_again(built: Built, stop_after: Callable[[int], _Stopping]) -> None:
    interrupted(built, stop_after)
    built.path(TAR).write_bytes(built.path(TAR).read_bytes()[:-1] + b"x")
    rest = stop_after(9)
    assert {fault.file for fault in verify(built.folder, True, EagerEngine())} == {TAR}
    assert rest.seen == [SHARD.name, VALID.name]


def test_a_verify_without_deep_does_not_stand_for_one_with_it(built: Built, stop_after: Callable[[int], _Stopping]) -> None:
    interrupted(built, stop_after, deep=False)
    rest = stop_after(9)
    assert list(verify(built.folder, True, EagerEngine())) == []
    assert len(rest.seen) == 3


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"inputs_hash": 1}', b"\xff"])
def test_a_damaged_result_is_made_again(data: bytes, built: Built, stop_after: Callable[[int], _Stopping]) -> None:
    interrupted(built, stop_after)
    for path in built.path(".verify").rglob("*.json"):
        path.write_bytes(data)
    rest = stop_after(9)
    assert list(verify(built.folder, True, EagerEngine())) == []
    assert len(rest.seen) == 3


def test_results_that_another_verify_removed_are_made_here(built: Built) -> None:
    class Removing(EagerEngine):
        def run(self, add_steps: Callable[[beam.Pipeline], object], one_worker: bool = False) -> None:
            super().run(add_steps, one_worker)
            shutil.rmtree(built.path(".verify"))

    assert list(verify(built.folder, True, Removing())) == []


def test_a_folder_that_cannot_be_written_to_is_verified_all_the_same(built: Built) -> None:
    built.path(".verify").write_bytes(b"")  # as in a folder that is read-only, nothing can be written below
    assert [fault.file for fault in verify(built.folder, True, EagerEngine())] == [".verify"]
    with pytest.raises((OSError, ValueError)):
        list(verify(built.folder, True, EagerEngine("SparkRunner")))


def test_results_are_no_files_of_the_set(built: Built, stop_after: Callable[[int], _Stopping]) -> None:
    interrupted(built, stop_after)
    assert built.path(".verify").is_dir() and lines(built) == []
    assert main(["status", str(built.root)]) == 0


def test_the_engine_of_beam_finds_the_same_in_the_same_order(built: Built) -> None:
    for shard in (SHARD, OTHER, VALID):
        built.path(f"{shard}.tar").write_bytes(b"")
    assert list(verify(built.folder, True, Engine(n_workers=2))) == list(verify(built.folder, True)) != []
