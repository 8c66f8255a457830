"""Rows that are asked for again get their full address from the table; no host is asked with a masked one."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.output.address_files import full_address, write_addresses
from pipeline.output.layout import PLAN
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.records import Clip, Reason, Rejected, ShardId
from pipeline.verbs.needed_addresses import lacking_addresses
from tests.outcomes import SETTINGS_HASH, clip, rejection, sample, write_plan, write_shard
from transforms.fetching.fetch import Fetcher
from transforms.fetching.limits.hosts import HostTable
from transforms.fetching.settings import FetchSettings
from transforms.shards.rows_left import left_for_later

NUMBER = {name: ShardId("Set", "train", n) for n, name in enumerate(("sample", "not_found", "throttled", "open", "unbuilt"))}


def masked(name: str, secret: str = "masked") -> Clip:
    return clip(name, url=f"https://example.org/{name}.wav?token={secret}")


def hash_of(_: str) -> str:
    return SETTINGS_HASH


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(str(tmp_path))
    clips = {name: clip(name) if name == "open" else masked(name) for name in NUMBER}
    write_plan({NUMBER[name]: [clips[name]] for name in NUMBER}, folder)
    write_shard([sample(clips["sample"])], folder, NUMBER["sample"])
    write_shard([rejection(clips["not_found"], Reason.NOT_FOUND)], folder, NUMBER["not_found"])
    write_shard([rejection(clips["throttled"], Reason.TIMEOUT)], folder, NUMBER["throttled"])
    write_shard([rejection(clips["open"], Reason.NOT_FOUND)], folder, NUMBER["open"])
    return folder


def lacking(folder: Folder, settings_hash: str = SETTINGS_HASH, retried: frozenset[Reason] = frozenset()) -> set[str]:
    shards = set(lacking_addresses(take_snapshot(folder), lambda _: settings_hash, retried))
    return {name for name, shard in NUMBER.items() if shard in shards}


def test_addresses_are_needed_by_the_rows_that_a_build_asks_for_again(folder: Folder) -> None:
    assert lacking(folder) == {"unbuilt"}
    assert lacking(folder, retried=frozenset({Reason.NOT_FOUND})) == {"unbuilt", "not_found"}
    assert lacking(folder, settings_hash="other") == set(NUMBER) - {"open"}
    for secret in ("of-an-earlier-row", "full"):
        of_row = "unbuilt" if secret == "full" else "x"
        full = clip("unbuilt", full_url=f"https://example.org/{of_row}.wav?token={secret}")
        write_addresses(NUMBER["unbuilt"], {full.key: full.full_url}, folder, PLAN)
        assert lacking(folder) == (set() if secret == "full" else {"unbuilt"})


def test_an_address_of_an_earlier_plan_is_not_that_of_the_clip() -> None:
    wanted = masked("a")
    full, other = masked("a", "s").url, masked("b", "s").url
    assert full_address(wanted, {wanted.key: full}) == full
    assert full_address(wanted, {wanted.key: other}) == full_address(wanted, {}) == wanted.url
    assert full_address(clip("a", url="https://example.org/a.wav"), {wanted.key: full}) == "https://example.org/a.wav"


def test_no_host_is_asked_with_a_masked_address(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="the next build reads it from the table again") as caught:
        Fetcher(tmp_path, FetchSettings())(masked("a"), tmp_path)
    assert caught.value.reason == Reason.POSTPONED


def test_a_row_without_an_address_waits_for_the_host_of_its_audio_root() -> None:
    rows = [
        (clip(name, url=url, audio_root="https://zenodo.org/a.zip"), {"reason": "postponed"})
        for name, url in (("a", ""), ("b", "https://h.org/b"))
    ]
    assert left_for_later([*rows, (clip("c"), {"reason": "silent"}), (clip("d"), {})], HostTable()) == {"h.org": 1, "zenodo.org": 1}
