"""The sources of clips: one module for each, listed in `SOURCES` under the name that recipes use."""

from __future__ import annotations

from typing import Any

from sources import (
    audiocaps,
    audioset,
    audioset_strong,
    audiosetcaps,
    auto_acd,
    clotho,
    folder,
    freesound,
    macs,
    musiccaps,
    quickstart,
    sound_vecaps,
    sounddescs,
    table,
    vggsound,
    wavcaps,
    wavtext5k,
)
from sources.metadata.source import Source, source

SOURCES: dict[str, Source[Any]] = {
    "audiocaps": source(audiocaps),
    "audioset": source(audioset),
    "audioset_strong": source(audioset_strong),
    "audiosetcaps": source(audiosetcaps),
    "auto_acd": source(auto_acd),
    "clotho": source(clotho),
    "folder": source(folder),
    "freesound": source(freesound),
    "macs": source(macs),
    "musiccaps": source(musiccaps),
    "quickstart": source(quickstart),
    "sound_vecaps": source(sound_vecaps),
    "sounddescs": source(sounddescs),
    "table": source(table),
    "vggsound": source(vggsound),
    "wavcaps": source(wavcaps),
    "wavtext5k": source(wavtext5k),
}
"""Every source by name. `sources.metadata.source.Source` lists what a source module must define."""
