"""Say what a plan is made from: hashes of a recipe without its sources, and of each of its sources and their tables."""

from __future__ import annotations

import json
from typing import Any

from pipeline.keys import stable_hash
from pipeline.output.digests_index import RecipeRead, SourceRead
from pipeline.recipe.model import NOT_PLANNED, BuildRecipe
from sources import SOURCES
from sources.metadata.file_hash import file_sha256
from sources.metadata.held_lists import as_table
from sources.metadata.options import SourceOptions
from sources.metadata.store_files import local_copy
from transforms.planning.join_captions import joining_sources
from transforms.shards.versions import version_of


def recipe_read(recipe: BuildRecipe) -> RecipeRead:
    """Return what a plan of a recipe is made from now; reads the tables of all sources to hash them."""
    exclude: dict[str, Any] = dict.fromkeys(("sources", *NOT_PLANNED, *recipe.unused_tables), True)
    parts = [version_of("laion-audio"), json.dumps(recipe.model_dump(mode="json", exclude=exclude), sort_keys=True)]
    held = recipe.tables_read[len(recipe.sources) :]
    parts += [json.dumps([_options(options), SOURCES[options.source].fingerprint(options)], sort_keys=True) for options in held]
    lists = (as_table(entry, recipe.folder).path for entry in recipe.holdout)
    parts += [file_sha256(local_copy(recipe.folder, path)) for path in lists if path is not None]
    tables = joining_sources(recipe.sources)  # a source is a caption table if another entry of the same name says so
    entries = (
        SourceRead(
            stable_hash(json.dumps([_options(options), (options.source, options.dataset) in tables], sort_keys=True)),
            SOURCES[options.source].fingerprint(options),
        )
        for options in recipe.sources
    )
    return RecipeRead(stable_hash(*parts), tuple(entries))


def _options(options: SourceOptions) -> dict[str, Any]:
    return options.model_dump(mode="json", exclude={"base"})
