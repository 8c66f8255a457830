"""The sources of clips: one module for each, listed in `SOURCES` under the name that recipes use."""

from __future__ import annotations

from typing import Any

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
from sources.metadata.source import Source, source

SOURCES: dict[str, Source[Any]] = {
    "audiocaps": source(audiocaps),
    "audioset": source(audioset),
    "audioset_strong": source(audioset_strong),
    "audiosetcaps": source(audiosetcaps),
    "audiostock": source(audiostock),
    "auto_acd": source(auto_acd),
    "bbc": source(bbc),
    "clotho": source(clotho),
    "epidemic": source(epidemic),
    "esc50": source(esc50),
    "folder": source(folder),
    "free_to_use_sounds": source(free_to_use_sounds),
    "freesound": source(freesound),
    "fsd50k": source(fsd50k),
    "macs": source(macs),
    "musiccaps": source(musiccaps),
    "paramount_motion": source(paramount_motion),
    "quickstart": source(quickstart),
    "sonniss": source(sonniss),
    "sound_vecaps": source(sound_vecaps),
    "sounddescs": source(sounddescs),
    "table": source(table),
    "urbansound8k": source(urbansound8k),
    "vggsound": source(vggsound),
    "wavcaps": source(wavcaps),
    "wavtext5k": source(wavtext5k),
    "wesoundeffects": source(wesoundeffects),
}
"""Every source by name. `sources.metadata.source.Source` lists what a source module must define."""
