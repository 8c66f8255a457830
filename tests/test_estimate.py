"""What a build would take, before it is begun."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.engines.run import Engine
from pipeline.recipe.model import load_recipe
from pipeline.verbs.estimate import Estimate, HostLoad, estimate
from transforms.fetching.limits.hosts import HostLimits

TABLE = """url,start,end,caption
https://www.youtube.com/watch?v=aaaaaaaaaaa,0,10,One
https://youtu.be/aaaaaaaaaaa,20,30,Another excerpt of it
https://www.youtube.com/watch?v=bbbbbbbbbbb,5,15,Two
https://cdn.freesound.org/s/1,,,Three
HTTPS://Example.org/a.wav,,6,Four
local.wav,,,Five
bundled:quickstart/a.wav,0,2,Six
local.wav,,,
bad.wav,2,1,Bad
"""


@pytest.fixture
def estimated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Estimate:
    (tmp_path / "clips.csv").write_text(TABLE)
    (tmp_path / "r.toml").write_text('name = "x"\nshard_size = 4\n[[sources]]\nsource = "table"\ndataset = "D"\npath = "clips.csv"\n')
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    result = estimate(load_recipe(str(tmp_path / "r.toml")), None, Engine(n_workers=2))
    assert list((tmp_path / "scratch").iterdir()) == []  # the plan is not kept
    return result


def test_clips_and_shards_of_the_plan_are_counted(estimated):
    assert (estimated.n_clips, estimated.n_shards, estimated.n_left_out) == (7, 2, 2)
    assert list(estimated.left_out.items()) == [("bad_row", 1), ("duplicate", 1)]


def test_hours_and_bytes_are_of_the_clips_with_a_known_length(estimated):
    assert (estimated.hours, estimated.n_without_length) == (38 / 3600, 2)
    assert estimated.flac_bytes == pytest.approx(38 * 52_800)


def test_recordings_are_counted_once_for_the_host_that_limits_them(estimated):
    loads = [(load.name, load.n_recordings, load.limits.per_day) for load in estimated.hosts]
    assert loads == [("example.org", 1, None), ("freesound.org", 1, 2000), ("youtube.com", 2, None)]


def test_bytes_to_fetch_are_those_of_the_hosts_that_are_asked(estimated):
    (source,) = estimated.sources
    assert (source.source, source.dataset, source.is_published) == ("table", "D", False)
    assert source.loads == {"example.org": 1, "freesound.org": 1, "youtube.com": 2}
    rate = (3 * 16_000 + 176_400) / 4
    assert source.fetched_bytes == pytest.approx(38 * rate * 4 / 7)


@pytest.mark.parametrize(
    ("limits", "days"),
    [
        (HostLimits(), None),
        (HostLimits(concurrency=2), None),
        (HostLimits(per_day=100), 12.0),
        (HostLimits(per_minute=1), 1200 / 1440),
        (HostLimits(per_hour=1, per_day=1000), 50.0),
    ],
)
def test_the_days_of_a_host_are_those_of_its_strictest_limit(limits: HostLimits, days: float | None) -> None:
    assert HostLoad("h.example", 1200, limits).days == days


def test_what_a_host_allows_is_reported():
    load = HostLoad("freesound.org", 1200, HostLimits(per_day=2000, source="its page"))
    assert load.in_words() == "; at most 2000 a day (its page): 0.6 days"
    assert HostLoad("example.org", 1, HostLimits()).in_words() == ""


def test_an_estimate_needs_no_t5(tmp_path):
    (tmp_path / "clips.csv").write_text("url,labels\na.wav,rain\n")
    lines = ('name = "x"', 'captions = "t5"', "[t5]", f'model = "{tmp_path}/missing"')
    source = ("[[sources]]", 'source = "table"', 'dataset = "D"', 'path = "clips.csv"')
    (tmp_path / "r.toml").write_text("\n".join((*lines[:2], *source, *lines[2:])))
    assert estimate(load_recipe(str(tmp_path / "r.toml")), None, Engine(n_workers=1)).n_clips == 1


def test_an_estimate_of_a_part_counts_that_part(tmp_path):
    (tmp_path / "clips.csv").write_text("url,caption\n" + "".join(f"{n}.wav,Rain\n" for n in range(5)))
    source = ("[[sources]]", 'source = "table"', 'dataset = "D"', 'path = "clips.csv"')
    (tmp_path / "r.toml").write_text("\n".join(('name = "x"', *source)))
    assert estimate(load_recipe(str(tmp_path / "r.toml")), 3, Engine(n_workers=1)).n_clips == 3
