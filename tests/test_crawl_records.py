"""A recipe that asks for a crawl of Freesound crawls it before it is planned, goes on after a pause, and crawls nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.failures import PausedError, RecipeError
from pipeline.verbs.fetch_metadata import recipe_with_metadata
from sources import SOURCES
from tests.freesound_host import TOKEN, FreesoundHost
from transforms.fetching.freesound import freesound_crawl


@pytest.fixture
def host(monkeypatch):
    monkeypatch.setenv("FREESOUND_TOKEN", TOKEN)
    monkeypatch.setattr(freesound_crawl, "PAGE_SIZE", 10)
    monkeypatch.setattr(freesound_crawl, "IDS_AT_ONCE", 10)
    with FreesoundHost(dict.fromkeys(range(1, 36), b"ID3 sound")) as server:
        yield server


def recipe(folder: Path, host: FreesoundHost, keys: str) -> str:
    path = folder / "r.toml"
    path.write_text(f'name = "r"\nallow_private = true\n[freesound]\napi = "{host.api}"\n[[sources]]\nsource = "freesound"\n{keys}\n')
    return str(path)


def test_a_search_is_crawled_once_and_the_source_reads_it(host, tmp_path):
    path = recipe(tmp_path, host, 'query = "rain"')
    loaded = recipe_with_metadata(path, None)
    (options,) = loaded.sources
    assert len(list(SOURCES["freesound"].read(options))) == 35
    n_requests = host.n_requests["/apiv2/search/text/"]
    recipe_with_metadata(path, None)
    assert host.n_requests["/apiv2/search/text/"] == n_requests


def test_a_crawl_that_is_throttled_says_how_far_it_is_and_goes_on(host, tmp_path, monkeypatch):
    (tmp_path / "ids.txt").write_text("".join(f"{number}\n" for number in range(1, 36)))
    path = recipe(tmp_path, host, 'ids = "ids.txt"')
    host.allowed = 2
    with pytest.raises(PausedError, match=r"paused: the crawl into .*crawl-\w+ has 20 of 35 records .*run the same command again later"):
        recipe_with_metadata(path, None)
    host.allowed = None
    (options,) = recipe_with_metadata(path, None).sources
    assert [clip.id for clip in SOURCES["freesound"].read(options)] == [str(number) for number in range(1, 36)]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ('ids = "gone.txt"', "gone.txt: no such file"),
        ('ids = "r.toml"', "r.toml, line 1: id .* is not the number"),
        ('query = "rain"\nids = "r.toml"', "give ids, or a query and a filter, not both"),
    ],
)
def test_keys_that_describe_no_crawl_are_faults_of_the_recipe(keys, message, host, tmp_path):
    with pytest.raises(RecipeError, match=message):
        recipe_with_metadata(recipe(tmp_path, host, keys), None)
