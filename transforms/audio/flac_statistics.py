"""Measure the FLAC of a sample that is already in a tar, to compare it with the books."""

from __future__ import annotations

from dataclasses import fields
from typing import IO, Any

import numpy as np
import soundfile

from pipeline.records import SAMPLE_RATE, Statistics
from transforms.audio.excerpt_cutter import BLOCK_FRAMES
from transforms.audio.meter import Meter

OF_THE_SOURCE = frozenset({"clipped_fraction", "n_nonfinite"})
"""Statistics that depend on the recording and cannot be measured in the sample."""
EXTREMES = (-32768, 32767)
MEASURED = tuple(field.name for field in fields(Statistics) if field.name not in OF_THE_SOURCE)


def flac_statistics(file: IO[bytes]) -> Statistics | None:
    """Return the statistics of a sample's FLAC, `OF_THE_SOURCE` being 0; `None` for bytes that are no intact FLAC of a sample.

    Args:
        file: an open file at the first byte of the FLAC; memory does not depend on its length.
    """
    try:
        with soundfile.SoundFile(file) as sound:
            if (sound.format, sound.subtype, sound.samplerate, sound.channels) != ("FLAC", "PCM_16", SAMPLE_RATE, 1):
                return None
            n_promised = sound.frames
            meter, _ = decode_and_measure(sound)
    except soundfile.LibsndfileError:
        return None
    return meter.statistics(0) if 0 < meter.n_frames == n_promised else None


def decode_and_measure(sound: soundfile.SoundFile) -> tuple[Meter, int]:
    """Decode a FLAC of a sample to its end; return what its frames measure, and how many of them are at full scale.

    A damaged header may claim more frames than memory holds, so that frames are decoded in blocks.
    """
    meter, n_extreme = Meter(), 0
    while len(frames := sound.read(BLOCK_FRAMES, dtype="int16")):
        meter.add(np.asarray(frames), 0)
        n_extreme += sum(int(np.count_nonzero(frames == extreme)) for extreme in EXTREMES)
    return meter, n_extreme


def agrees(measured: Statistics, row: dict[str, Any]) -> bool:
    """Return whether a row of the books records what was measured."""
    return all(getattr(measured, name) == row.get(name) for name in MEASURED)
