"""Read from the recipe of a built folder which of its splits are for training, and where the paths of its recordings start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.output.layout import RECIPE
from pipeline.output.leaks_file import is_for_training
from pipeline.output.storage import Folder
from pipeline.recipe.toml import parse_toml
from pipeline.records import Clip
from transforms.planning.hold_out import names

ALWAYS = frozenset({"train", "balanced_train", "unbalanced_train"})
"""Names of splits that trainers read, whatever a recipe says of them."""


@dataclass(frozen=True, slots=True)
class FolderRecipe:
    """What the recipe of a folder says: `held` are the names in its `holdout`, `sources` those of each dataset."""

    base: str = ""
    held: tuple[str, ...] = ()
    sources: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Folder) -> FolderRecipe:
        """Read the recipe that a folder was built from; nothing is known where it has none."""
        try:
            document = parse_toml(folder.read(RECIPE))
        except (OSError, ValueError):
            return cls()
        held = (entry.get("name") if isinstance(entry, dict) else entry for entry in _list(document.get("holdout")))
        sources: dict[str, frozenset[str]] = {}
        for entry in _list(document.get("sources")):
            if isinstance(entry, dict):
                dataset = str(entry.get("dataset"))
                sources[dataset] = sources.get(dataset, frozenset()) | {str(entry.get("source"))}
        base = document.get("folder")
        return cls(real_path(base if isinstance(base, str) else ""), tuple(name for name in held if isinstance(name, str)), sources)

    def trains_on(self, dataset: str, split: str) -> bool:
        """Return whether a split is for training: by its name, unless it has a name of its own, as `fold1`, and `holdout` names it."""
        if not is_for_training(split) or split in ALWAYS:
            return is_for_training(split)
        clips = [Clip(source, dataset, split, "", "") for source in sorted(self.sources.get(dataset, frozenset({""})))]
        return not any(names(name, clip) for name in self.held for clip in clips)


def real_path(path: str) -> str:
    """Return a path without links, and an address or an empty text as it is."""
    return path if "://" in path or not path else os.path.realpath(path)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
