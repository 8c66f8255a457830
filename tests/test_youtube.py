"""The settings of yt-dlp: hosts, secrets of the environment, arguments, and the program that it needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.records import Clip, Reason, Rejected
from pipeline.verbs.checklist import _access
from sources import table
from sources.metadata.card import NeedKind
from tests.recipes import make_folder, recipe_of
from transforms.fetching.limits.budgets import Budgets, BudgetSettings
from transforms.fetching.web.http import HttpSettings
from transforms.fetching.youtube.youtube import YouTubeSettings, parsed_arguments
from transforms.fetching.youtube.youtube_handler import YouTubeHandler
from transforms.fetching.youtube.youtube_needs import runtimes, youtube_needs


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in ("LAION_AUDIO_YOUTUBE_COOKIES", "LAION_AUDIO_YOUTUBE_PROXY", "LAION_AUDIO_YOUTUBE_EXTRACTOR_ARGS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("url", "is_read"),
    [
        ("https://youtu.be/abc", True),
        ("https://www.youtube.com/watch?v=abc", True),
        ("HTTPS://M.YouTube.com/watch?v=abc", True),
        ("http://music.youtube.com/watch?v=abc", True),
        ("https://notyoutube.com/watch?v=abc", False),
        ("https://youtube.com.example.org/watch?v=abc", False),
        ("https://example.org/youtube.com", False),
        ("https://youtube.com@example.org/watch", False),
        ("ftp://youtube.com/a", False),
        ("youtube.com/watch?v=abc", False),
        ("https://[::1", False),
        ("", False),
    ],
)
def test_only_addresses_of_the_hosts_are_read(url, is_read):
    assert YouTubeSettings().reads(Clip("table", "Set", "train", "a", url)) == is_read


def test_the_environment_comes_before_the_recipe(monkeypatch, tmp_path):
    settings = YouTubeSettings(cookies="mine.txt", proxy="http://proxy:3128")
    assert (settings.cookies_file(tmp_path), settings.proxy_address()) == (tmp_path / "mine.txt", "http://proxy:3128")
    monkeypatch.setenv("LAION_AUDIO_YOUTUBE_COOKIES", "/secret/cookies.txt")
    monkeypatch.setenv("LAION_AUDIO_YOUTUBE_PROXY", "http://me:hush@proxy:3128")
    assert (settings.cookies_file(tmp_path), settings.proxy_address()) == (Path("/secret/cookies.txt"), "http://me:hush@proxy:3128")
    assert "hush" not in repr(settings)
    assert YouTubeSettings().proxy is None


def test_without_cookies_and_proxy_there_are_none(tmp_path):
    assert (YouTubeSettings().cookies_file(tmp_path), YouTubeSettings().proxy_address()) == (None, "")


@pytest.mark.parametrize(
    "given",
    [
        {"proxy": "http://me:hush@proxy:3128"},
        {"proxy": "me:hush@proxy:3128"},
        {"extractor_args": ("youtube:player_client=web;po_token=web+hush",)},
        {"extractor_args": ("youtube:visitor_data=hush",)},
    ],
)
def test_a_recipe_with_a_secret_is_refused_without_showing_it(given):
    with pytest.raises(ValueError, match=r"environment as LAION_AUDIO_YOUTUBE_\w+") as caught:
        YouTubeSettings(**given)
    assert "hush" not in str(caught.value)


def test_extractor_arguments_of_the_environment_come_before_those_of_the_recipe(monkeypatch):
    monkeypatch.setenv("LAION_AUDIO_YOUTUBE_EXTRACTOR_ARGS", "youtube:po_token=web+hush youtube:lang=de")
    settings = YouTubeSettings(extractor_args=("youtube:lang=en;player_client=web",))
    assert settings.arguments() == {"youtube": {"lang": ["de"], "player_client": ["web"], "po_token": ["web+hush"]}}
    monkeypatch.setenv("LAION_AUDIO_YOUTUBE_EXTRACTOR_ARGS", "hush")
    handler = YouTubeHandler(settings, HttpSettings(), Budgets(BudgetSettings()), Path())
    with pytest.raises(Rejected, match="LAION_AUDIO_YOUTUBE_EXTRACTOR_ARGS") as caught:
        handler.fetch(Clip("table", "Set", "train", "a", "https://youtu.be/abcdefghijk"), Path())
    assert (caught.value.reason, "hush" in caught.value.detail) == (Reason.POSTPONED, False)


@pytest.mark.parametrize("argument", ["youtube", "youtube:", "youtube:x", ":a=b", "youtube:=b", "youtube:a=b;c"])
def test_an_argument_that_yt_dlp_would_not_understand_is_refused(argument):
    with pytest.raises(ValueError, match="extractor_args"):
        YouTubeSettings(extractor_args=(argument,))


def test_arguments_of_several_entries_are_joined():
    assert parsed_arguments(("youtube:player-client=web", "YouTube:lang=en,de", "generic:a=1")) == {
        "youtube": {"player_client": ["web"], "lang": ["en", "de"]},
        "generic": {"a": ["1"]},
    }


def test_a_missing_javascript_runtime_is_named_with_the_programs_that_would_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert runtimes() == {}
    (need,) = youtube_needs()
    assert (need.kind, need.where) == (NeedKind.PROGRAM, None)
    assert "deno" in need.step and "node" in need.step
    for program in ("qjs", "node"):
        (tmp_path / program).write_text("#!/bin/sh\n")
        (tmp_path / program).chmod(0o755)
    assert list(runtimes()) == ["node", "quickjs"]
    assert youtube_needs()[0].where == str(tmp_path / "node")


def test_the_checklist_of_a_recipe_names_what_the_hosts_of_its_audio_ask_for(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("FREESOUND_TOKEN", raising=False)
    recipe = recipe_of(make_folder(tmp_path))
    (options,) = recipe.sources
    for hosts, expected in (((), []), (("youtube.com",), ["a JavaScript runtime for yt-dlp"]), (("freesound.org",), ["FREESOUND_TOKEN"])):
        monkeypatch.setattr(table, "CARD", replace(table.CARD, hosts=hosts))
        for checked, is_required in ((options, True), (options.model_copy(update={"audio_root": "sounds"}), False)):
            assert [(need.what, need.is_required) for need in _access(checked, recipe)] == [(what, is_required) for what in expected]
