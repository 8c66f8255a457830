"""The bench counts what a build with nothing to do asks of an object store: few listings, each marker once, little else."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.counting import REQUESTS
from bench.snapshot import count_requests, make_many
from pipeline.output.storage import Folder


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    made = {n_shards: tmp_path_factory.mktemp("many") for n_shards in (2, 6)}
    for n_shards, home in made.items():
        make_many(home, n_shards)
    return made


def test_a_build_with_nothing_to_do_lists_at_most_three_times_and_reads_each_marker_once(homes: dict[int, Path]) -> None:
    for n_shards, home in homes.items():
        counts = count_requests(home / "recipe.toml", home / "out")
        assert 1 <= counts["listing"] <= 3
        assert counts["read marker"] == n_shards


def test_other_requests_are_as_many_however_many_shards_there_are(homes: dict[int, Path]) -> None:
    few, many = (count_requests(home / "recipe.toml", home / "out") for home in homes.values())
    assert _others(few) == _others(many) != {}


def test_every_way_to_use_a_folder_is_counted(tmp_path: Path) -> None:
    folder = Folder(f"counted://{tmp_path}/out")
    assert not folder.is_local
    for kind, action in (
        ("write", lambda: folder.write("a/b.json", b"{}")),
        ("read", lambda: folder.read("a/b.json")),
        ("open", lambda: folder.open("a/b.json").close()),
        ("listing", folder.listing),
        ("listing", folder.names),
        ("listing", folder.top_names),
        ("check", lambda: folder.exists("a/b.json")),
        ("check", lambda: folder.size("a/b.json")),
        ("write", lambda: folder.copy("a/b.json", "a/c_stats.json")),
        ("read marker", lambda: folder.read("a/c_stats.json")),
        ("remove", lambda: folder.remove("a/b.json")),
    ):
        REQUESTS.clear()
        action()
        assert dict(REQUESTS) == {kind: 1}
    assert folder.names() == ["a/c_stats.json"]


def _others(counts: dict[str, int]) -> dict[str, int]:
    return {kind: count for kind, count in counts.items() if kind not in {"listing", "read marker"}}
