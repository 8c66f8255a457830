"""Decode the audio of a sample again, and compare it with what the books record of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import soundfile

from pipeline.records import SAMPLE_RATE
from pipeline.verbs.verify_fault import shown
from transforms.audio.file_slice import FileSlice
from transforms.audio.flac_statistics import MEASURED, decode_and_measure
from transforms.audio.meter import Meter

STREAMINFO_END = 42  # bytes: "fLaC", the header of the first metadata block, STREAMINFO (RFC 9639, section 8.2)


def header_findings(header: bytes, row: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield what is wrong with the first bytes of a FLAC; `row` is that of the books, `None` where they cannot be read."""
    if not header.startswith(b"fLaC"):
        yield "is not FLAC"
        return
    if len(header) < STREAMINFO_END or header[4] & 0x7F != 0:
        yield "has no STREAMINFO"
        return
    packed = int.from_bytes(header[18:26])  # rate: 20 bits, channels - 1: 3, bits - 1: 5, frames: 36
    rate, n_channels, n_bits, n_frames = packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1, packed & (1 << 36) - 1
    if (rate, n_channels, n_bits) != (SAMPLE_RATE, 1, 16):
        yield f"is FLAC of {rate} Hz, {n_channels} channels, {n_bits} bits, not of {SAMPLE_RATE} Hz, 1 channel, 16 bits"
    if row is not None and n_frames != row["n_frames"]:
        yield f"has {n_frames} frames by its header, the books say {row['n_frames']}"


def decoded_findings(flac: FileSlice, row: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield what is wrong with the audio of a FLAC whose header is right, all of which is decoded; `row` as above."""
    try:
        with soundfile.SoundFile(flac) as sound:
            n_in_header = sound.frames
            meter, n_extreme = decode_and_measure(sound)
    except (soundfile.LibsndfileError, OSError) as error:
        yield f"does not decode ({getattr(error, 'error_string', error)})"
        return
    if meter.n_frames != n_in_header:
        yield f"holds {meter.n_frames} frames, its header says {n_in_header}"
    if row is not None and meter.n_frames:
        yield from _statistics_findings(meter, n_extreme, row)


def _statistics_findings(meter: Meter, n_extreme: int, row: Mapping[str, Any]) -> Iterator[str]:
    statistics = meter.statistics(0)
    for name in MEASURED:
        if getattr(statistics, name) != row[name]:
            yield f"its audio has {name} {shown(getattr(statistics, name))}, the books say {shown(row[name])}"
    if round(row["clipped_fraction"] * meter.n_frames) > n_extreme:
        yield f"its audio has {n_extreme} frames at full scale, fewer than were clipped by the books"
