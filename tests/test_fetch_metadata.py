"""Metadata that sources lack is fetched once, with its checksum, before a plan is made."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pipeline.failures import RecipeError
from pipeline.verbs.fetch_metadata import fetch, recipe_with_metadata
from sources.metadata.card import Download
from sources.metadata.needs import metadata_path
from tests.loopback import BODY, Loopback
from transforms.fetching.limits.budgets import Budgets, BudgetSettings
from transforms.fetching.web.http import HttpClient, HttpSettings

OPEN = HttpClient(HttpSettings(allow_private=True, attempts=1), Budgets(BudgetSettings()))
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAION_AUDIO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_file_is_fetched_once_into_the_cache(loopback: Loopback, cache: Path) -> None:
    download = Download(loopback.url("/good/t.csv"), "t.csv", SHA256)
    assert fetch(download, OPEN) == metadata_path(download) == cache / "metadata" / "t.csv"
    assert fetch(download, OPEN).read_bytes() == BODY
    assert loopback.n_requests["/good/t.csv"] == 1


@pytest.mark.parametrize(
    ("path", "sha256", "words"), [("/good", "0" * 64, "is another file now"), ("/status/404", SHA256, "not_found: HTTP 404")]
)
def test_another_file_or_none_is_a_fault_with_a_remedy(loopback: Loopback, cache: Path, path: str, sha256: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words) as caught:
        fetch(Download(loopback.url(path), "t.csv", sha256), OPEN)
    assert "by hand to" in str(caught.value)
    assert not (cache / "metadata" / "t.csv").exists()
    assert [path.name for path in (cache / "metadata").iterdir()] == ["t.csv.lock"]


def test_a_list_of_the_holdout_that_is_missing_is_a_fault_of_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text("url,caption\na.wav,Rain\n")
    source = '[[sources]]\nsource = "table"\ndataset = "D"\npath = "clips.csv"\n'
    (tmp_path / "r.toml").write_text(f'name = "x"\nholdout = [{{ path = "gone.csv" }}]\n{source}')
    with pytest.raises(RecipeError, match=r"holdout = 'gone\.csv': .*gone\.csv: no such file"):
        recipe_with_metadata(str(tmp_path / "r.toml"), None)
