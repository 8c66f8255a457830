"""Check what the sources of a recipe need: which files, keys and programs are there or missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.recipe.model import BuildRecipe
from sources import SOURCES
from sources.metadata.card import Need, NeedKind
from sources.metadata.held_lists import HeldOut
from sources.metadata.options import SourceOptions
from sources.metadata.store_files import address_of
from transforms.fetching.freesound.freesound_api import freesound_needs
from transforms.fetching.youtube.youtube_needs import youtube_needs
from transforms.planning.held_sources import options_of, table_fault


@dataclass(frozen=True, slots=True)
class CheckedNeed:
    """What one source of a recipe needs; `fetched` says whether a build fetches it by itself when it is missing."""

    source: str
    dataset: str
    need: Need

    @property
    def state(self) -> str:
        """What is to be done, in a word: nothing where it is there or fetched, or where the source works without it."""
        return "there" if self.is_there else "to fetch" if self.is_fetched else "missing" if self.is_missing else "optional"

    @property
    def is_there(self) -> bool:
        """Whether nothing is to be done."""
        return self.need.where is not None

    @property
    def is_fetched(self) -> bool:
        """Whether `plan` and `build` fetch it by themselves."""
        return self.need.where is None and self.need.download is not None

    @property
    def is_missing(self) -> bool:
        """Whether the source cannot be read without it, and the user has to bring it."""
        return self.need.is_required and not self.is_there and not self.is_fetched

    def to_json(self) -> dict[str, object]:
        """Return the need as `sources --recipe R --json` prints it."""
        values = {"source": self.source, "dataset": self.dataset, "kind": str(self.need.kind), "what": self.need.what}
        where = None if self.need.where is None else str(self.need.where)
        address = self.need.download.url if self.need.download is not None else None
        return values | {"state": self.state, "where": where, "step": self.need.step, "address": address}


def checklist(recipe: BuildRecipe) -> Iterator[CheckedNeed]:
    """Yield everything that the sources of a recipe need, in the order of the recipe."""
    for options in recipe.sources:
        own = SOURCES[options.source].needs(options)
        audio = [need for need in own if need.kind == NeedKind.AUDIO] or [*_audio(options)]
        others = [need for need in own if need.kind != NeedKind.AUDIO]
        is_brought = any(need.where is not None for need in audio)
        needs = (*others, *audio, *_access(options, recipe, has_audio=is_brought))
        distinct: dict[tuple[NeedKind, str], Need] = {}
        for need in needs:
            distinct.setdefault((need.kind, need.what), need)
        yield from (CheckedNeed(options.source, options.dataset, need) for need in distinct.values())
    for entry in recipe.held_elsewhere:
        options = options_of(entry, recipe.folder)
        yield CheckedNeed(f"held out: {entry}", f"held out: {entry}", _table_of(entry, recipe.folder, options))


def _table_of(entry: HeldOut, base: Path, options: SourceOptions) -> Need:
    """Return the need of the table of a source that is held out and not built."""
    fault = table_fault(entry, base)
    downloads = [need.download for need in SOURCES[options.source].needs(options) if need.download is not None and need.where is None]
    return Need(NeedKind.FILE, f"table of {options.source}", None if fault else "there", fault, downloads[0] if downloads else None)


def _audio(options: SourceOptions) -> Iterator[Need]:
    """Yield where the audio of a source that says nothing of it comes from: its `audio_root`, and the hosts asked for the rest."""
    hosts = SOURCES[options.source].CARD.hosts
    if options.audio_root is not None:
        path = options.base / options.audio_root
        is_address = "://" in options.audio_root or address_of(path) is not None
        where = options.audio_root if is_address or path.exists() else None
        yield Need(NeedKind.AUDIO, f"audio_root: {options.audio_root}", where, "put the recordings there", is_required=not hosts)
    elif hosts:
        yield Need(NeedKind.AUDIO, "audio_root", None, f"without it audio is fetched from {', '.join(hosts)}", is_required=False)


def _access(options: SourceOptions, recipe: BuildRecipe, has_audio: bool = False) -> Iterator[Need]:
    """Yield the programs and secrets that the hosts of a source's audio ask for; a source whose audio is there works without."""
    hosts = SOURCES[options.source].CARD.hosts
    needs = youtube_needs() if set(hosts) & set(recipe.youtube.hosts) else ()
    needs += freesound_needs(recipe.freesound) if "freesound.org" in hosts else ()
    for need in needs:
        yield replace(need, is_required=options.audio_root is None and not has_audio)
