"""Write a recipe with every default filled in, as TOML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.recipe.model import BuildRecipe
from sources.metadata.options import SourceOptions


def resolved_recipe(recipe: BuildRecipe) -> str:
    """Return the recipe with every default filled in, as TOML."""
    lines: list[str] = []
    tables: list[str] = []
    document = recipe.model_dump(mode="json", exclude_none=True, exclude=recipe.idle)
    for key, value in document.items():
        if key == "sources":
            for options, entry in zip(recipe.sources, value, strict=True):
                tables += _source_tables(options, entry)
        elif isinstance(value, dict):
            tables.append(_toml_table(f"[{key}]", value))
        elif key != "base":
            lines.append(f"{key} = {_toml(value)}")
    return "\n".join([f"# resolved from {recipe.base}", *lines, *tables]) + "\n"


def _source_tables(options: SourceOptions, entry: dict[str, Any]) -> Iterator[str]:
    yield _toml_table("[[sources]]", {name: item for name, item in entry.items() if name not in {"base", "audio"}})
    if options.audio:
        yield _toml_table("[sources.audio]", options.audio)


def _toml_table(head: str, values: dict[str, Any]) -> str:
    return "\n".join(["", head, *(f"{key} = {_toml(value)}" for key, value in values.items())])


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        escaped = "".join(char if char >= " " and char not in '"\\' else f"\\u{ord(char):04x}" for char in value)
        return f'"{escaped}"'
    return repr(value)
