"""The sources of clips: one module for each, listed in `SOURCES` under the name that recipes use."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from sources.metadata.source import Source

if TYPE_CHECKING:  # mypy checks here that every module is a source; a build imports those that its recipe names
    from sources import (
        audiocaps,
        audioset,
        audioset_strong,
        audiosetcaps,
        audiostock,
        auto_acd,
        bbc,
        clotho,
        epidemic,
        esc50,
        folder,
        free_to_use_sounds,
        freesound,
        fsd50k,
        macs,
        musiccaps,
        paramount_motion,
        quickstart,
        sonniss,
        sound_vecaps,
        sounddescs,
        table,
        urbansound8k,
        vggsound,
        wavcaps,
        wavtext5k,
        wesoundeffects,
    )
    from sources.metadata.source import source

    source(audiocaps)
    source(audioset)
    source(audioset_strong)
    source(audiosetcaps)
    source(audiostock)
    source(auto_acd)
    source(bbc)
    source(clotho)
    source(epidemic)
    source(esc50)
    source(folder)
    source(free_to_use_sounds)
    source(freesound)
    source(fsd50k)
    source(macs)
    source(musiccaps)
    source(paramount_motion)
    source(quickstart)
    source(sonniss)
    source(sound_vecaps)
    source(sounddescs)
    source(table)
    source(urbansound8k)
    source(vggsound)
    source(wavcaps)
    source(wavtext5k)
    source(wesoundeffects)


class _Modules(Mapping[str, Source[Any]]):
    """Source modules by name. A module is imported when it is looked up: to import all of them takes as long as a small build."""

    def __init__(self, *names: str):
        self._names = dict.fromkeys(names)

    def __getitem__(self, name: str) -> Source[Any]:
        if name not in self._names:
            raise KeyError(name)
        return cast(Source[Any], importlib.import_module(f"sources.{name}"))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names  # without the import that Mapping would make


SOURCES: Mapping[str, Source[Any]] = _Modules(
    "audiocaps",
    "audioset",
    "audioset_strong",
    "audiosetcaps",
    "audiostock",
    "auto_acd",
    "bbc",
    "clotho",
    "epidemic",
    "esc50",
    "folder",
    "free_to_use_sounds",
    "freesound",
    "fsd50k",
    "macs",
    "musiccaps",
    "paramount_motion",
    "quickstart",
    "sonniss",
    "sound_vecaps",
    "sounddescs",
    "table",
    "urbansound8k",
    "vggsound",
    "wavcaps",
    "wavtext5k",
    "wesoundeffects",
)
"""Every source by name. `sources.metadata.source.Source` lists what a source module must define."""
