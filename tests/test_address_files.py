"""Full addresses are written for the clips that have one, and go when no build will ask for their recordings again."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from pipeline.output.address_files import address_name, read_addresses, remove_addresses, write_addresses
from pipeline.output.layout import NEW_PLAN, PLAN
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.records import Reason, ShardId
from tests.outcomes import clip, rejection, sample, write_plan, write_shard

FIRST, SECOND = ShardId("Set", "train", 0), ShardId("Set", "train", 1)
SECRET = clip("a", full_url="https://example.org/a.wav?token=x")
ADDRESSES = {SECRET.key: SECRET.full_url}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path))


def test_only_shards_with_full_addresses_have_a_file_for_their_owner_alone(folder: Folder, tmp_path: Path) -> None:
    write_addresses(FIRST, ADDRESSES, folder, PLAN)
    write_addresses(SECOND, {}, folder, PLAN)
    assert folder.names() == ["plan/addresses/Set/train/0.json"]
    assert stat.S_IMODE((tmp_path / address_name(FIRST)).stat().st_mode) == 0o600
    snapshot = take_snapshot(folder)
    assert read_addresses(snapshot, FIRST) == {"table-a": "https://example.org/a.wav?token=x"}
    assert read_addresses(snapshot, SECOND) == {}


def test_addresses_of_a_new_plan_stand_below_it(folder: Folder) -> None:
    write_addresses(FIRST, ADDRESSES, folder, NEW_PLAN)
    assert folder.names() == ["plan.new/addresses/Set/train/0.json"]


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"table-a": 1}', b'"x"'])
def test_damaged_addresses_are_none(content: bytes, folder: Folder) -> None:
    folder.write(address_name(FIRST), content)
    assert read_addresses(take_snapshot(folder), FIRST) == {}


def test_addresses_stay_for_shards_that_are_not_built_or_have_transient_rejections(folder: Folder) -> None:
    shards = {ShardId("Set", "train", n): [SECRET] for n in range(4)}
    write_plan(shards, folder)
    for shard in [*shards, ShardId("Gone", "train", 0)]:
        write_addresses(shard, ADDRESSES, folder, PLAN)
    built, busy, silent, waiting = shards
    write_shard([sample(SECRET)], folder, built)
    write_shard([rejection(SECRET, Reason.THROTTLED)], folder, busy)
    write_shard([rejection(SECRET, Reason.SILENT)], folder, silent)
    remove_addresses(take_snapshot(folder))
    assert [name for name in folder.names() if "addresses" in name] == [address_name(busy), address_name(waiting)]
