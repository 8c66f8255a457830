"""Crawl the records that entries of Freesound ask for, before a recipe is planned. A crawl goes on where an earlier one stopped."""

from __future__ import annotations

from pipeline.failures import PausedError, RecipeError
from pipeline.recipe.model import BuildRecipe
from pipeline.records import Rejected
from sources import freesound
from sources.metadata.freesound_request import CrawlRequest
from transforms.fetching.freesound.freesound_client import FreesoundClient
from transforms.fetching.freesound.freesound_crawl import Crawl, crawl
from transforms.fetching.limits.budgets import Budgets
from transforms.fetching.settings import FetchSettings


def requests_of(recipe: BuildRecipe) -> list[CrawlRequest]:
    """Return the crawls of a recipe that are not finished.

    Raises:
        RecipeError: the keys of an entry do not describe a crawl.
    """
    try:
        requests = [options.crawl for options in recipe.sources if isinstance(options, freesound.Options)]
    except ValueError as error:
        raise RecipeError(str(error)) from error
    return [request for request in requests if request is not None and not request.table.is_file()]


def crawl_records(request: CrawlRequest, settings: FetchSettings) -> None:
    """Crawl the records of an entry to their end.

    Raises:
        RecipeError: it cannot be crawled.
        PausedError: it stopped before its end; the message says how far it is.
    """
    wanted = Crawl(request.query, request.filter, request.ids)
    try:
        result = crawl(FreesoundClient(settings.freesound, settings.http, Budgets(settings.budgets)), wanted, request.folder)
    except (Rejected, ValueError) as error:
        raise RecipeError(f"the records of {request.folder} cannot be crawled: {error}") from error
    if result.paused:
        known = f" of {result.n_expected}" if result.n_expected is not None else ""
        raise PausedError(
            f"paused: the crawl into {request.folder} has {result.n_records}{known} records ({result.paused}); "
            "run the same command again later, it goes on there"
        )
