"""The sources of clips: one module for each, listed in `SOURCES` under the name that recipes use."""

from __future__ import annotations

from typing import Any

from sources import audiocaps, audioset, folder, freesound, quickstart, table
from sources.metadata.source import Source, source

SOURCES: dict[str, Source[Any]] = {
    "audiocaps": source(audiocaps),
    "audioset": source(audioset),
    "folder": source(folder),
    "freesound": source(freesound),
    "quickstart": source(quickstart),
    "table": source(table),
}
"""Every source by name. `sources.metadata.source.Source` lists what a source module must define."""
