"""A crawl of Freesound gives every record once, in one order, however often it was interrupted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.records import Clip, Reason, Rejected
from sources import freesound
from tests.downloads import QUICK
from tests.freesound_host import TOKEN, FreesoundHost
from transforms.fetching.freesound import freesound_crawl
from transforms.fetching.freesound.freesound_api import FreesoundSettings
from transforms.fetching.freesound.freesound_client import FreesoundClient
from transforms.fetching.freesound.freesound_crawl import Crawl, crawl
from transforms.fetching.limits.budgets import Budgets, BudgetSettings

PAGE = 10


@pytest.fixture
def host(monkeypatch):
    monkeypatch.setenv("FREESOUND_TOKEN", TOKEN)
    monkeypatch.setattr(freesound_crawl, "PAGE_SIZE", PAGE)
    monkeypatch.setattr(freesound_crawl, "IDS_AT_ONCE", PAGE)
    with FreesoundHost(dict.fromkeys(range(1, 36), b"ID3 sound")) as server:
        yield server


def client_for(host: FreesoundHost, audio: str = "preview") -> FreesoundClient:
    http = replace(QUICK, attempts=1, max_bytes=1 << 20)
    return FreesoundClient(FreesoundSettings(host.api, audio), http, Budgets(BudgetSettings()))  # type: ignore[arg-type]


def numbers_of(table: Path) -> list[int]:
    return [json.loads(line)["id"] for line in table.read_text().splitlines()]


def test_a_search_is_read_to_its_end_and_the_source_reads_its_table(host, tmp_path):
    result = crawl(client_for(host), Crawl("rain"), tmp_path)
    assert (result.n_records, result.n_expected, result.n_missing, result.paused) == (35, 35, 0, "")
    assert numbers_of(result.table) == list(range(1, 36))
    assert host.n_requests["/apiv2/search/text/"] == 4
    options = freesound.Options(source="freesound", dataset="Set", base=tmp_path, path="records.jsonl")
    freesound.check(options)
    clips = list(freesound.read(options))
    first = clips[0]
    assert isinstance(first, Clip), first
    assert (first.id, first.recording, first.license, first.creator) == ("1", "freesound:1", "CC-BY-3.0", "ann")
    assert (first.title, first.labels) == ("Sound_1.wav", ("field-recording", "n1"))
    assert first.url == f"{host.root}/data/previews/0/1_7-hq.mp3"
    assert len(clips) == 35


def test_sounds_of_originals_are_fetched_by_their_page(host, tmp_path):
    result = crawl(client_for(host, "original"), Crawl(ids=(3,)), tmp_path)
    assert json.loads(result.table.read_text())["url"] == "https://freesound.org/s/3/"


def test_a_list_of_ids_keeps_its_order_and_names_what_is_missing(host, tmp_path):
    ids = (35, 7, 1000, 2, *range(10, 30), 7)
    result = crawl(client_for(host), Crawl(ids=ids), tmp_path)
    assert numbers_of(result.table) == [35, 7, 2, *range(10, 30)]
    assert (result.n_missing, (tmp_path / "missing.txt").read_text()) == (1, "1000\n")
    assert host.n_requests["/apiv2/search/text/"] == 3


@pytest.mark.parametrize("wanted", [Crawl("rain"), Crawl(ids=tuple(range(35, 0, -1)))])
def test_a_crawl_that_is_throttled_after_every_page_ends_with_the_same_table(host, tmp_path, wanted):
    undisturbed = crawl(client_for(host), wanted, tmp_path / "undisturbed").table.read_bytes()
    n_before = host.n_requests["/apiv2/search/text/"]
    for n_pages in range(1, 4):
        host.allowed = 1
        result = crawl(client_for(host), wanted, tmp_path / "crawl")
        assert (result.n_records, result.n_expected) == (n_pages * PAGE, 35)
        assert "throttled" in result.paused
        assert not result.table.exists()
    host.allowed = None
    assert crawl(client_for(host), wanted, tmp_path / "crawl").table.read_bytes() == undisturbed
    assert host.n_requests["/apiv2/search/text/"] - n_before == 4 + 3  # each page once, and three that were refused


def test_a_crawl_that_is_killed_while_it_writes_goes_on(host, tmp_path, monkeypatch):
    undisturbed = crawl(client_for(host), Crawl("rain"), tmp_path / "undisturbed").table.read_bytes()
    really_replace = Path.replace
    for stop_at in range(1, 8):
        n_calls = 0

        def killed(self: Path, target: Path) -> Path:
            nonlocal n_calls
            n_calls += 1
            if n_calls == stop_at:  # noqa: B023 - called within this turn
                raise KeyboardInterrupt
            return really_replace(self, target)

        monkeypatch.setattr(Path, "replace", killed)
        folder = tmp_path / str(stop_at)
        with pytest.raises(KeyboardInterrupt):
            crawl(client_for(host), Crawl("rain"), folder)
        monkeypatch.setattr(Path, "replace", really_replace)
        assert crawl(client_for(host), Crawl("rain"), folder).table.read_bytes() == undisturbed


def test_a_finished_crawl_requests_nothing(host, tmp_path):
    crawl(client_for(host), Crawl("rain"), tmp_path)
    n_before = host.n_requests.total()
    assert crawl(client_for(host), Crawl("rain"), tmp_path).n_records == 35
    assert host.n_requests.total() == n_before


def test_sounds_that_are_deleted_or_added_between_two_pages_do_no_harm(host, tmp_path):
    host.allowed = 3
    crawl(client_for(host), Crawl("rain"), tmp_path)
    host.allowed = None
    for number in range(1, 11):
        del host.sounds[number]
    result = crawl(client_for(host), Crawl("rain"), tmp_path)  # page 4 is gone
    assert numbers_of(result.table) == list(range(1, 31))
    assert result.paused == ""


def test_a_folder_holds_one_crawl(host, tmp_path):
    crawl(client_for(host), Crawl("rain"), tmp_path)
    for other in (Crawl("snow"), Crawl("rain", "duration:[1 TO 3]"), Crawl(ids=(1,))):
        with pytest.raises(ValueError, match="holds another crawl"):
            crawl(client_for(host), other, tmp_path)


def test_a_token_that_has_expired_pauses_the_crawl_and_is_used_no_more(host, tmp_path, monkeypatch):
    client = client_for(host)
    host.allowed = 2
    crawl(client, Crawl("rain"), tmp_path)
    host.allowed = None
    host.tokens.clear()
    for _ in range(3):
        result = crawl(client, Crawl("rain"), tmp_path)
        assert result.paused.startswith("postponed: Freesound does not accept FREESOUND_TOKEN (HTTP 401)")
        assert TOKEN not in result.paused
    assert host.n_requests["/apiv2/search/text/"] == 2 + 1 + 1
    host.tokens.add("Token renewed")
    monkeypatch.setenv("FREESOUND_TOKEN", "renewed")
    assert crawl(client, Crawl("rain"), tmp_path).n_records == 35


def test_a_query_that_the_api_does_not_take_is_an_error(host, tmp_path):
    host.fail_with = 400
    with pytest.raises(Rejected) as caught:
        crawl(client_for(host), Crawl("rain", "nonsense:["), tmp_path)
    assert (caught.value.reason, caught.value.detail) == (Reason.UNAVAILABLE, "HTTP 400")


@pytest.mark.parametrize("wanted", [{"ids": (1,), "query": "x"}, {"ids": (0,)}, {"ids": (True,)}, {"ids": ("7",)}])
def test_a_crawl_that_makes_no_sense_is_refused(wanted):
    with pytest.raises(ValueError, match=r"a crawl takes|is not the number"):
        Crawl(**wanted)


@pytest.mark.parametrize(
    "result",
    [None, 7, {}, {"id": "7"}, {"id": True}, {"id": -1}, {"id": 1 << 70}, {"name": "x"}],
)
def test_a_result_without_the_number_of_a_sound_is_left_out(result):
    assert freesound_crawl._row(result, "preview") is None


def test_fields_of_other_types_are_empty():
    row = freesound_crawl._row({"id": 5, "name": None, "tags": "a", "description": 3, "duration": float("nan"), "previews": []}, "preview")
    assert row == {
        "id": 5, "title": "", "tags": [], "description": "", "username": "", "license": "", "duration": None,
        "url": "https://freesound.org/s/5/",
    }  # fmt: skip
