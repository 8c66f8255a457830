"""Find the file of a recipe: bundled with the package, or at a path."""

from __future__ import annotations

from pathlib import Path

from pipeline.failures import RecipeError
from pipeline.recipe.faults import nearest

FOLDER = Path(__file__).parent / "bundled"


def bundled() -> list[str]:
    """Return the names of the recipes that come with the package, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def locate(name_or_path: str) -> Path:
    """Return the path of a recipe, given as the name of a bundled recipe or as the path of a file.

    Raises:
        RecipeError: there is no such recipe.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml" and name_or_path in bundled():
        return FOLDER / f"{name_or_path}.toml"
    if path.is_file():
        return path
    raise RecipeError(
        f"{name_or_path}: neither a bundled recipe ({', '.join(bundled())}) nor a TOML file{nearest(name_or_path, bundled())}"
    )
