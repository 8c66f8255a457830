"""Where clips come from: one module a source, and `SOURCES`, the list of them."""

from __future__ import annotations

from types import ModuleType

from sources import audioset, folder, freesound, quickstart, table

SOURCES: dict[str, ModuleType] = {
    "audioset": audioset,
    "folder": folder,
    "freesound": freesound,
    "quickstart": quickstart,
    "table": table,
}
"""Every source by the name a recipe gives it. A source module has

* `CARD`, what `laion-audio sources` says of it;
* `Options`, the keys that its `[[sources]]` entry may hold;
* `check(options)`, which raises ValueError when something needed is missing, before anything runs;
* `read(options)`, which yields a `Clip` for every good row and a `Rejection` for every bad one;
* `metadata(options)`, the files that `read` reads: when they change, the plan is made anew.
"""
