"""Sounds of Freesound are fetched through its API, and a fault of the token is never marked on a sound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.records import LEFT_FOR_LATER, Clip, Reason, Recording, Rejected
from tests.downloads import QUICK
from tests.freesound_host import OAUTH, TOKEN, FreesoundHost
from tests.loopback import Loopback
from transforms.fetching.freesound.freesound_api import FreesoundSettings, freesound_needs
from transforms.fetching.freesound.freesound_handler import FreesoundHandler
from transforms.fetching.limits.budgets import Budgets, BudgetSettings

MP3 = b"ID3\x03" + bytes(2000)


class CountingBudgets(Budgets):
    def __init__(self) -> None:
        super().__init__(BudgetSettings())
        self.n_refused = 0

    def refused(self, host: str, after: float | None = None) -> None:
        self.n_refused += 1


@pytest.fixture
def host(monkeypatch):
    monkeypatch.setenv("FREESOUND_TOKEN", TOKEN)
    monkeypatch.setenv("FREESOUND_OAUTH_TOKEN", OAUTH)
    with FreesoundHost({7: MP3}) as server:
        yield server


def clip(url: str) -> Clip:
    return Clip("freesound", "Set", "train", "7", url, recording="freesound:7")


def handler_of(host: FreesoundHost, audio: str = "preview", budgets: Budgets | None = None) -> FreesoundHandler:
    settings = FreesoundSettings(host.api, audio)  # type: ignore[arg-type]
    return FreesoundHandler(settings, replace(QUICK, attempts=1), budgets or CountingBudgets())


def rejection_of(handler: FreesoundHandler, url: str, work: Path) -> Rejected:
    with pytest.raises(Rejected) as caught:
        handler.fetch(clip(url), work)
    assert not list(work.iterdir())
    assert TOKEN not in caught.value.detail and OAUTH not in caught.value.detail
    return caught.value


def test_a_preview_is_fetched_with_the_token_for_the_api_alone(host, tmp_path):
    got = handler_of(host).fetch(clip("https://freesound.org/s/7/"), tmp_path)
    assert got.path.read_bytes() == MP3
    assert (got.provenance.variant, got.provenance.final_url) == ("preview", f"{host.root}/data/previews/0/7_7-hq.mp3")
    assert host.authorizations[0] == ("/apiv2/sounds/7/", f"Token {TOKEN}")
    assert host.authorizations[-1] == ("/data/previews/0/7_7-hq.mp3", None)


def test_an_original_is_fetched_with_the_token_of_the_user(host, tmp_path):
    got: Recording = handler_of(host, "original").fetch(clip("https://freesound.org/s/7/"), tmp_path)
    assert (got.path.read_bytes(), got.provenance.variant) == (2 * MP3, "original")
    assert host.authorizations == [("/apiv2/sounds/7/download/", f"Bearer {OAUTH}")]


def test_the_address_of_a_preview_takes_one_request_and_no_token(host, tmp_path, monkeypatch):
    monkeypatch.delenv("FREESOUND_TOKEN")
    got = handler_of(host).fetch(clip(f"{host.root}/data/previews/0/7_7-hq.mp3"), tmp_path)
    assert (got.path.read_bytes(), got.provenance.variant, host.n_requests.total()) == (MP3, "preview", 1)


@pytest.mark.parametrize("audio", ["preview", "original"])
def test_a_deleted_sound_is_not_found(host, tmp_path, audio):
    rejected = rejection_of(handler_of(host, audio), "https://freesound.org/people/ann/sounds/8/", tmp_path)
    assert (rejected.reason, rejected.detail) == (Reason.NOT_FOUND, "HTTP 404")


@pytest.mark.parametrize(("audio", "name"), [("preview", "FREESOUND_TOKEN"), ("original", "FREESOUND_OAUTH_TOKEN")])
def test_a_token_that_has_expired_stops_the_host_and_is_marked_on_no_sound(host, tmp_path, audio, name):
    host.tokens.clear()
    budgets = CountingBudgets()
    handler = handler_of(host, audio, budgets)
    for _ in range(3):
        rejected = rejection_of(handler, "https://freesound.org/s/7/", tmp_path)
        assert rejected.reason in LEFT_FOR_LATER
        assert name in rejected.detail and "401" in rejected.detail
    assert (host.n_requests.total(), budgets.n_refused) == (1, 1)


@pytest.mark.parametrize(("audio", "name"), [("preview", "FREESOUND_TOKEN"), ("original", "FREESOUND_OAUTH_TOKEN")])
def test_without_a_token_the_sounds_wait_for_one(host, tmp_path, monkeypatch, audio, name):
    monkeypatch.delenv(name)
    rejected = rejection_of(handler_of(host, audio), "https://freesound.org/s/7/", tmp_path)
    assert (rejected.reason, rejected.detail.split(":")[0]) == (Reason.POSTPONED, f"{name} is not in the environment")
    assert host.n_requests.total() == 0


def test_what_no_token_can_be_is_not_sent_and_not_shown(host, tmp_path, monkeypatch):
    monkeypatch.setenv("FREESOUND_TOKEN", f"{TOKEN}\r\nX-Other: 1")
    rejected = rejection_of(handler_of(host), "https://freesound.org/s/7/", tmp_path)
    assert (rejected.reason, host.authorizations) == (Reason.POSTPONED, [])


def test_the_address_of_the_api_may_be_written_in_any_case(host, tmp_path):
    settings = FreesoundSettings(host.api.replace("http://127.0.0.1", "HTTP://LocalHost"))
    assert FreesoundHandler(settings, QUICK, CountingBudgets()).fetch(clip("https://freesound.org/s/7/"), tmp_path).provenance.variant


def test_a_throttled_request_leaves_the_sound_for_later(host, tmp_path):
    host.allowed = 0
    rejected = rejection_of(handler_of(host), "https://freesound.org/s/7/", tmp_path)
    assert (rejected.reason, rejected.detail) == (Reason.THROTTLED, "HTTP 429")


def test_a_token_is_not_sent_where_the_api_redirects_to(host, tmp_path):
    with Loopback(body=MP3) as other:
        settings = FreesoundSettings(other.url("/to").removesuffix("/to") + "/to?" + host.root, "original")
        handler = FreesoundHandler(settings, replace(QUICK, attempts=1), CountingBudgets())
        rejected = rejection_of(handler, "https://freesound.org/s/7/", tmp_path)
        assert rejected.reason != Reason.THROTTLED
        assert [headers.get("Authorization") for headers in other.headers] == [f"Bearer {OAUTH}"]
        assert {value for _, value in host.authorizations} == {None}
        assert host.n_requests.total() == 1


@pytest.mark.parametrize(
    ("url", "is_matched"),
    [
        ("https://freesound.org/s/7/", True),
        ("http://www.freesound.org/people/Ann_B/sounds/7/", True),
        ("https://freesound.org/s/7?x=1", True),
        ("https://freesound.org/apiv2/sounds/7/download/", True),
        ("https://cdn.freesound.org/previews/0/7_1-hq.mp3", True),
        ("https://freesound.org/data/previews/0/7_1-lq.ogg", True),
        ("https://freesound.org/s/x7/", False),
        ("https://freesound.org/people/Ann/", False),
        ("https://notfreesound.org/s/7/", False),
        ("https://example.org/?https://freesound.org/s/7/", False),
        ("ftp://freesound.org/s/7/", False),
        ("freesound.org/s/7/", False),
        ("", False),
    ],
)
def test_only_pages_of_sounds_and_previews_of_freesound_are_matched(host, url, is_matched):
    assert handler_of(host).matches(clip(url)) == is_matched


def test_the_missing_token_is_named_with_the_step_to_get_it(monkeypatch):
    monkeypatch.delenv("FREESOUND_TOKEN", raising=False)
    monkeypatch.setenv("FREESOUND_OAUTH_TOKEN", OAUTH)
    needs = freesound_needs(FreesoundSettings(audio="original"))
    assert [(need.what, need.where) for need in needs] == [("FREESOUND_TOKEN", None), ("FREESOUND_OAUTH_TOKEN", "the environment")]
    assert "apiv2/apply" in needs[0].step
    assert len(freesound_needs(FreesoundSettings())) == 1
