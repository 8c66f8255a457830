"""The sources of clips: one module for each, listed in `SOURCES` under the name that recipes use."""

from __future__ import annotations

from typing import Any

from sources import (
    audioset,
    audiostock,
    bbc,
    epidemic,
    esc50,
    folder,
    free_to_use_sounds,
    freesound,
    fsd50k,
    paramount_motion,
    quickstart,
    sonniss,
    table,
    urbansound8k,
    wesoundeffects,
)
from sources.metadata.source import Source, source

SOURCES: dict[str, Source[Any]] = {
    "audioset": source(audioset),
    "audiostock": source(audiostock),
    "bbc": source(bbc),
    "epidemic": source(epidemic),
    "esc50": source(esc50),
    "folder": source(folder),
    "free_to_use_sounds": source(free_to_use_sounds),
    "freesound": source(freesound),
    "fsd50k": source(fsd50k),
    "paramount_motion": source(paramount_motion),
    "quickstart": source(quickstart),
    "sonniss": source(sonniss),
    "table": source(table),
    "urbansound8k": source(urbansound8k),
    "wesoundeffects": source(wesoundeffects),
}
"""Every source by name. `sources.metadata.source.Source` lists what a source module must define."""
