"""Find the file of a recipe: bundled with the package, at a path, or in an object store."""

from __future__ import annotations

from pathlib import Path

from pipeline.failures import RecipeError
from pipeline.recipe.faults import nearest

FOLDER = Path(__file__).parent / "bundled"


def bundled() -> list[str]:
    """Return the names of the recipes that come with the package, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def locate(name_or_path: str) -> Path:
    """Return the path of a recipe, given as the name of a bundled recipe, as the path of a file, or as an address with gs:// or s3://.

    A recipe in a store is copied into the cache; the path of the copy says which folder of the store its relative paths start from.

    Raises:
        RecipeError: there is no such recipe.
    """
    from sources.metadata.store_files import is_in_store, local_copy  # slow to import, and help lists the bundled recipes

    try:
        path = local_copy(Path(), name_or_path)
    except ValueError as error:
        raise RecipeError(str(error)) from error
    if path.suffix != ".toml" and name_or_path in bundled():
        return FOLDER / f"{name_or_path}.toml"
    if path.is_file():
        return path
    if is_in_store(name_or_path):
        raise RecipeError(f"{name_or_path}: no such file in the store")
    raise RecipeError(
        f"{name_or_path}: neither a bundled recipe ({', '.join(bundled())}) nor a TOML file{nearest(name_or_path, bundled())}"
    )
