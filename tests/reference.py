"""Write the reference of verbs and recipe keys from the code: a block each of docs/reference.md."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from augment.keyword_to_caption import T5Settings
from pipeline.parser import make_parser
from pipeline.recipe.meanings import MEANINGS
from pipeline.recipe.model import BuildRecipe
from pipeline.records import AudioLimits
from sources import SOURCES
from transforms.fetching.freesound.freesound_api import FreesoundSettings
from transforms.fetching.limits.hosts import HostLimits
from transforms.fetching.youtube.youtube import YouTubeSettings

TABLES = {"audio": AudioLimits, "t5": T5Settings, "hosts": HostLimits, "youtube": YouTubeSettings, "freesound": FreesoundSettings}
OF_ALL = ("source", "dataset", "base")
"""Keys that every source has."""
SUMMARY = "Recipes in, CLAP-ready WebDataset shards out; every row of every table is a sample or a rejection with a reason."


def options_of_verbs() -> str:
    """Return each verb with its options."""
    (verbs,) = (action for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction))
    return "\n\n".join(_verb(name, parser) for name, parser in verbs.choices.items())


def _verb(name: str, parser: argparse.ArgumentParser) -> str:
    usage = re.sub(r"\s+", " ", parser.format_usage().removeprefix("usage: ").strip())
    actions = [action for action in parser._actions if action.dest != "help"]
    lines = [f"* `{_called(action)}`: {_plain(action.help or '')}" for action in actions]
    return "\n".join((f"### {name}", _plain(parser.description or ""), "", f"    {usage}", "", *lines))


def _called(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else f" {action.metavar or ''}"
    return f"{', '.join(action.option_strings)}{value}" if action.option_strings else str(action.metavar)


def _plain(text: str) -> str:
    return text.replace("%%", "%").replace("<", "&lt;").replace("|", "\\|")


def keys_of_recipes() -> str:
    """Return each key of a recipe with its default and its meaning."""
    lines = ["| key | default | meaning |", "|---|---|---|"]
    lines += [f"| `{key}` | {_shown(default)} | {_plain(MEANINGS[key])} |" for key, default in defaults().items()]
    return "\n".join(lines)


def defaults() -> dict[str, Any]:
    """Return the keys of a recipe, those of tables after their name and a dot, and their defaults."""
    known = {name: field.default for name, field in BuildRecipe.model_fields.items()}
    for table, record in TABLES.items():
        known |= {f"{table}.{field.name}": field.default for field in fields(record)}
    return known


def keys_of_sources() -> str:
    """Return the keys of each source with their defaults."""
    lines = ["| source | keys, with their defaults |", "|---|---|"]
    for name, module in SOURCES.items():
        own = ", ".join(_of_source(module.Options))
        lines.append(f"| `{name}` | {own} |")
    return "\n".join(lines)


def _of_source(options: Any) -> Iterator[str]:
    for name, field in options.model_fields.items():
        if name not in OF_ALL:
            yield f"`{name}` ({_shown(field.default)})"


def _shown(default: Any) -> str:
    """Return a default as in TOML, `needed` where there is none."""
    if default in (PydanticUndefined, MISSING):
        return "needed"
    if default is None or default in ((), {}, "") or hasattr(default, "__dataclass_fields__"):
        return "–"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return _plain(f"`{list(default) if isinstance(default, tuple) else default!r}`".replace("'", '"'))


def index_of_documents(root: Path) -> str:
    """Return llms.txt: each page of the documents with its first heading, for programs that read them."""
    pages = [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").glob("*.md"))]
    lines = [f"- [{path.relative_to(root).as_posix()}]({path.relative_to(root).as_posix()}): {_heading(path)}" for path in pages]
    return "\n".join(("# laion-audio", "", f"> {SUMMARY}", "", "## Documents", "", *lines, ""))


def _heading(path: Path) -> str:
    return next(line.lstrip("# ") for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("# "))
