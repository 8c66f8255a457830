"""Fetch the metadata that sources need, that is free and has a known address: once, into the cache, with its checksum."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from pipeline.failures import RecipeError
from pipeline.recipe.model import BuildRecipe, load_recipe
from pipeline.records import Rejected
from sources import SOURCES
from sources.metadata.card import Download
from sources.metadata.needs import metadata_path
from transforms.fetching.limits.budgets import Budgets, BudgetSettings
from transforms.fetching.limits.hosts import HostTable
from transforms.fetching.settings import FetchSettings
from transforms.fetching.web.http import HttpClient


def downloads_of(recipe: BuildRecipe) -> Iterator[Download]:
    """Yield the files that sources of a recipe lack and that can be fetched."""
    for options in recipe.tables_read:
        for need in SOURCES[options.source].needs(options):
            if need.where is None and need.download is not None:
                yield need.download


def fetch(download: Download, client: HttpClient) -> Path:
    """Fetch a file into the cache, unless it is there; return its path.

    Raises:
        RecipeError: it cannot be fetched, or is not the file that the checksum is of.
    """
    path = metadata_path(download)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"), tempfile.TemporaryDirectory(dir=path.parent) as work:
        if path.is_file():
            return path
        by_hand = f"download it by hand to {path}"
        try:
            recording = client.download(download.url, Path(work))
        except Rejected as rejected:
            raise RecipeError(f"{download.name} cannot be fetched from {download.url}: {rejected}; {by_hand}") from rejected
        given = recording.provenance.sha256
        if download.sha256 not in (None, given):
            raise RecipeError(f"{download.url} is another file now: its sha256 is {given}, not {download.sha256}; {by_hand}")
        recording.path.replace(path)
    return path


def recipe_with_metadata(name_or_path: str, data: str | None) -> BuildRecipe:
    """Load a recipe after fetching the metadata that its sources lack, and crawling the records that they ask for.

    Raises:
        RecipeError: it has faults, or metadata cannot be fetched.
        PausedError: a crawl is not finished.
    """
    recipe = load_recipe(name_or_path, data, files_are_needed=False)
    wanted = list(downloads_of(recipe))
    is_lacking = any(need.where is None for options in recipe.tables_read for need in SOURCES[options.source].needs(options))
    if not is_lacking and not recipe.holdout:  # nothing was passed over: a list of `holdout` that is missing would have been
        return recipe
    from pipeline.verbs.build_record import http_settings
    from pipeline.verbs.crawl_records import crawl_records, requests_of

    settings = FetchSettings(http_settings(recipe), freesound=recipe.freesound, budgets=BudgetSettings(HostTable(recipe.hosts)))
    client = HttpClient(settings.http, Budgets(settings.budgets))  # one for all files: they share its connections and its budgets
    for download in wanted:
        fetch(download, client)
    for request in requests_of(recipe):
        crawl_records(request, settings)
    return load_recipe(name_or_path, data)
