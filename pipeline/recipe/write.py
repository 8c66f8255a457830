"""Write a recipe with every default filled in, as TOML that reads as the same recipe."""

from __future__ import annotations

from typing import Any

import tomli_w

from pipeline.recipe.model import BuildRecipe
from sources.metadata.store_files import address_of


def resolved_recipe(recipe: BuildRecipe) -> str:
    """Return the recipe as TOML: every default filled in, `folder` absolute, tables without effect left out.

    The file may be moved: its paths start from `folder`.
    """
    return tomli_w.dumps(_document(recipe))


def _document(recipe: BuildRecipe) -> dict[str, Any]:
    exclude: dict[str, Any] = {"sources": {"__all__": {"base"}}, **dict.fromkeys(recipe.unused_tables, True)}
    document = recipe.model_dump(mode="json", exclude_none=True, exclude=exclude)
    document["folder"] = address_of(recipe.folder) or document["folder"]
    for source in document["sources"]:
        if not source["audio"]:
            del source["audio"]
    return document
