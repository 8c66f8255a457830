"""Count the captions that were left out because their uploader wrote them on many sounds."""

from __future__ import annotations

from pathlib import Path

from pipeline.failures import RecipeError
from pipeline.output.layout import RECIPE
from pipeline.output.storage import Folder
from pipeline.recipe.model import parse_recipe
from sources import freesound

MAX_BYTES = 50_000_000
"""A larger table is not read again for this: it would take minutes."""


def dropped_repeats(folder: Folder) -> dict[str, int]:
    """Return the number of such captions by dataset, where the tables of the recipe are still there and not large."""
    if not folder.exists(RECIPE):
        return {}
    try:
        recipe = parse_recipe(folder.read(RECIPE), Path(folder.path(RECIPE)), files_are_needed=False)
    except RecipeError:
        return {}
    counts = {}
    for options in recipe.sources:
        if isinstance(options, freesound.Options):
            try:
                if freesound.table_of(options).stat().st_size <= MAX_BYTES:
                    counts[options.dataset] = freesound.n_repeats_left_out(options)
            except (OSError, ValueError):  # the table is not there any more, or another one is
                continue
    return counts
