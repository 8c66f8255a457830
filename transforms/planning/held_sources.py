"""Read which recordings a known source has that the recipe holds out and does not build, such as an evaluation set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from pipeline.records import Clip
from sources import SOURCES
from sources.metadata.card import Need, NeedKind
from sources.metadata.held_lists import HeldOut, Listed
from sources.metadata.options import SourceOptions, split_name


def options_of(entry: HeldOut, base: Path) -> SourceOptions:
    """Return an entry of the source that an entry of `holdout` names, with every default: its files are looked for below `base`.

    Raises:
        ValueError: no source has that name, or it cannot be read without keys of its own.

    >>> options_of(HeldOut(name="esc50"), Path("data")).source
    'esc50'
    """
    name, _, split = (entry.name or "").partition(":")
    if name not in SOURCES:
        raise ValueError(f"no source is called {name!r}")
    model: type[SourceOptions] = SOURCES[name].Options
    part = {"splits": (split_name(split),)} if split and "splits" in model.model_fields else {}
    try:
        return model.model_validate({"source": name, "base": base, **part})
    except ValidationError as error:
        raise ValueError(f"source {name!r} needs keys of its own: add it to the recipe as [[sources]]") from error


def lacking(options: SourceOptions) -> list[Need]:
    """Return what a source needs to be planned, and lacks: its audio is needed only when shards are made."""
    needs = (need for need in SOURCES[options.source].needs(options) if need.kind != NeedKind.AUDIO)
    return [need for need in needs if need.is_required and need.where is None]


def table_fault(entry: HeldOut, base: Path) -> str:
    """Return why the table of the source that an entry names cannot be read; nothing where it can. Its audio may be missing.

    Raises:
        ValueError: as `options_of`.
    """
    options = options_of(entry, base)
    try:
        SOURCES[options.source].check(options)
    except ValueError as error:
        return str(error)
    return ""


def read_source_of(entry: HeldOut, base: Path) -> Iterator[Listed]:
    """Yield the recordings of a source that an entry of `holdout` names: of its split, or of all.

    Raises:
        ValueError: the files of the source are missing, or are others.
    """
    options, split = options_of(entry, base), (entry.name or "").partition(":")[2]
    SOURCES[options.source].check(options)
    for outcome in SOURCES[options.source].read(options):
        if isinstance(outcome, Clip) and (not split or outcome.split == split_name(split)):
            yield Listed(outcome.recording, outcome.start, outcome.end)
