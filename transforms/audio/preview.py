"""Encode the beginning of a sample as Opus, for people who listen to it in a browser."""

from __future__ import annotations

import io
from typing import IO

import av
import numpy as np
import soundfile

from pipeline.records import SAMPLE_RATE

BIT_RATE = 48_000  # of mono speech and music that sound like the original to most listeners
BLOCK = 960  # frames of a packet: 20 ms


def read_beginning(flac: IO[bytes], seconds: float) -> np.ndarray:
    """Return the first frames of a sample, int16 `(n_frames,)`. The FLAC may be cut off after them.

    Raises:
        ValueError: it is not the FLAC of a sample.
    """
    try:
        with soundfile.SoundFile(flac) as sound:
            if (sound.samplerate, sound.channels) != (SAMPLE_RATE, 1):
                raise ValueError(f"it has {sound.channels} channels at {sound.samplerate} Hz")
            frames: np.ndarray = sound.read(min(sound.frames, round(seconds * SAMPLE_RATE)), dtype="int16")
    except soundfile.LibsndfileError as error:
        raise ValueError(f"it cannot be decoded ({error.error_string})") from error
    return frames


def as_opus(frames: np.ndarray) -> bytes:
    """Return int16 mono frames at 48 kHz, `(n_frames,)`, as Opus in Ogg. Equal frames give equal bytes with equal libraries."""
    file = io.BytesIO()
    with av.open(file, "w", format="ogg", options={"fflags": "+bitexact"}) as media:  # else its number is random
        stream = media.add_stream("libopus", rate=SAMPLE_RATE, layout="mono", options={"vbr": "constrained"})
        stream.bit_rate = BIT_RATE
        for first in range(0, len(frames), BLOCK):
            block = np.ascontiguousarray(frames[None, first : first + BLOCK])
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE, first
            media.mux(stream.encode(frame))
        media.mux(stream.encode(None))
    return file.getvalue()
