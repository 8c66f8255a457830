"""Results of shards are written as they are checked, and used again only while all that they depend on is the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.failures import EngineError
from pipeline.output.plan_index import PlannedShard
from pipeline.output.storage import Folder
from pipeline.records import Reason, ShardId
from pipeline.verbs import verify_results
from pipeline.verbs.verify_results import check_on_engine
from pipeline.verbs.verify_shard import ShardCheck, check_shard
from tests.eager import EagerEngine
from tests.outcomes import SHARD, rejection, sample, write_plan, write_shard

SECOND = ShardId("Set", "train", 1)
STOPPED = "stopped on purpose"


class Stopping(EagerEngine):
    """Checks the shards and then fails, so that the results stay."""

    def run(self, *args: Any, **options: Any) -> None:
        super().run(*args, **options)
        raise EngineError(STOPPED)


class Refusing(EagerEngine):
    """Fails when there is anything to run."""

    def run(self, *_: Any, **__: Any) -> None:
        raise EngineError("asked to run")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(str(tmp_path))
    shards = {SHARD: [sample("a"), rejection("b", Reason.NOT_FOUND)], SECOND: [sample("c", "cc")]}
    write_plan({shard: [outcome.clip for outcome in outcomes] for shard, outcomes in shards.items()}, folder)
    for shard, outcomes in shards.items():
        write_shard(outcomes, folder, shard)
    return folder


CHECKS = [ShardCheck(PlannedShard(shard, 1, ""), None, None, False) for shard in (SECOND, SHARD)]


def stop(folder: Folder) -> None:
    with pytest.raises(EngineError, match=STOPPED):
        check_on_engine(folder, folder.listing(), CHECKS, Stopping())


def test_results_come_in_the_order_of_the_checks_and_leave_no_file(folder: Folder, tmp_path: Path) -> None:
    expected = [check_shard(folder, check) for check in CHECKS]
    assert [each.shard for each in expected] == [SECOND, SHARD] and all(each.faults and each.sounds for each in expected)
    assert check_on_engine(folder, folder.listing(), CHECKS, EagerEngine()) == expected
    assert not (tmp_path / ".verify").exists()


def test_a_result_holds_all_that_was_checked(folder: Folder, tmp_path: Path) -> None:
    stop(folder)
    checked, value = check_shard(folder, CHECKS[1]), json.loads((tmp_path / ".verify/Set/train/0.json").read_text())
    assert len(value.pop("inputs_hash")) == 64
    assert value == {
        "faults": [fault.to_json() for fault in checked.faults],
        "sounds": [["aa", "table-a", checked.sounds[0].sort_key]],
        "n_samples": 1,
        "sounds_sha256": checked.sounds_sha256,
        "versions": {"laion-audio": "1"},
    }


def test_finished_results_are_read_and_not_made_again(folder: Folder) -> None:
    stop(folder)
    expected = [check_shard(folder, check) for check in CHECKS]
    assert check_on_engine(folder, folder.listing(), CHECKS, Refusing()) == expected


@pytest.mark.parametrize("name", ["plan/Set/train/00000.parquet", "Set/train/0.tar", "Set/train/0.parquet", "Set/train/0_stats.json"])
def test_a_file_that_changed_is_checked_again(name: str, folder: Folder) -> None:
    stop(folder)
    files = folder.listing()
    for state in ({name: replace(files[name], version="other")}, {name: replace(files[name], size=1)}):
        with pytest.raises(EngineError, match="asked to run"):
            check_on_engine(folder, files | state, CHECKS, Refusing())


def test_other_rules_and_other_checks_are_made_again(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    stop(folder)
    files = folder.listing()
    with pytest.raises(EngineError, match="asked to run"):
        check_on_engine(folder, files, [replace(check, deep=True) for check in CHECKS], Refusing())
    monkeypatch.setattr(verify_results, "RULES", 2)
    with pytest.raises(EngineError, match="asked to run"):
        check_on_engine(folder, files, CHECKS, Refusing())


@pytest.mark.parametrize("data", [b"{", b"{}", b"[]", b'{"inputs_hash": 1}'])
def test_a_damaged_result_is_made_again(data: bytes, folder: Folder, tmp_path: Path) -> None:
    stop(folder)
    (tmp_path / ".verify/Set/train/0.json").write_bytes(data)
    assert check_on_engine(folder, folder.listing(), CHECKS, EagerEngine()) == [check_shard(folder, check) for check in CHECKS]


def test_a_result_of_the_same_inputs_that_lacks_a_value_is_made_again(folder: Folder, tmp_path: Path) -> None:
    for lost in ("faults", "sounds", "n_samples", "sounds_sha256"):
        stop(folder)
        path = tmp_path / ".verify/Set/train/0.json"
        value = json.loads(path.read_text())
        del value[lost]
        path.write_text(json.dumps(value))
        assert check_on_engine(folder, folder.listing(), CHECKS, EagerEngine()) == [check_shard(folder, check) for check in CHECKS]


def test_where_nothing_can_be_written_results_are_in_a_temporary_folder(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / ".verify").write_text("a file")
    expected = [check_shard(folder, check) for check in CHECKS]
    assert check_on_engine(folder, folder.listing(), CHECKS, EagerEngine()) == expected
    assert (tmp_path / ".verify").read_text() == "a file"
    with pytest.raises(OSError):
        check_on_engine(folder, folder.listing(), CHECKS, EagerEngine("spark"))
