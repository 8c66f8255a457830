"""Define what a conversion gives: a record of its own, so that a process that only asks for conversions loads no decoder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pipeline.records import SourceFormat, Statistics


@dataclass(frozen=True, slots=True)
class Converted:
    """An excerpt as 16-bit mono 48 kHz FLAC: its bytes, or the path of a file when it is too long for memory."""

    flac: bytes | Path = field(repr=False)
    statistics: Statistics
    format: SourceFormat
