"""What a build would take, said before it is begun."""

from pathlib import Path

import pytest

from pipeline.engines.run import Engine
from pipeline.recipe.model import load_recipe
from pipeline.verbs.estimate import FLAC_BYTES_PER_SECOND, budget, estimate, host_of

TABLE = """url,start,end,caption
https://www.youtube.com/watch?v=aaaaaaaaaaa,0,10,One
https://youtu.be/aaaaaaaaaaa,20,30,Another excerpt of it
https://www.youtube.com/watch?v=bbbbbbbbbbb,5,15,Two
https://freesound.org/s/1,,,Three
https://example.org/a.wav,,6,Four
local.wav,,,Five
local.wav,,,
bad.wav,2,1,Bad
"""


def test_a_plan_is_added_up_and_thrown_away(tmp_path: Path, monkeypatch):
    (tmp_path / "clips.csv").write_text(TABLE)
    (tmp_path / "r.toml").write_text('name = "x"\nshard_size = 4\n[[sources]]\nsource = "table"\ndataset = "D"\npath = "clips.csv"\n')
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    found = estimate(load_recipe(str(tmp_path / "r.toml")), None, Engine(n_workers=2))
    assert (found.n_clips, found.n_shards, found.n_left_out) == (6, 2, 2)
    assert found.left_out == {"duplicate": 1, "out_of_range": 1}
    assert (found.hours, found.n_without_length) == (36 / 3600, 2)
    assert found.flac_bytes == 36 * FLAC_BYTES_PER_SECOND
    assert list((tmp_path / "scratch").iterdir()) == []
    loads = {load.name: (load.n_recordings, load.per_day) for load in found.hosts}
    assert loads == {"example.org": (1, 0), "freesound.org": (1, 2000), "youtube.com": (2, 7200), "youtu.be": (1, 7200)}


@pytest.mark.parametrize(("host", "per_day"), [("freesound.org", 2000), ("cdn.freesound.org", 2000), ("notfreesound.org", 0), ("", 0)])
def test_a_host_grants_what_it_is_known_to_grant(host, per_day):
    assert budget(host) == per_day


def test_a_broken_address_has_no_host():
    assert host_of("http://[broken/") == ""
    assert host_of("https://WWW.Example.org:8080/a") == "example.org"
