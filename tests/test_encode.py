"""FLAC that decodes to the same frames, and statistics that are those of the frames."""

import hashlib
import io

import numpy as np
import pytest
import soundfile

from pipeline.records import SAMPLE_RATE
from transforms.encode import encode_flac, measure

NOISE = np.random.default_rng(1).integers(-32768, 32768, 30_000).astype(np.int16)


@pytest.mark.parametrize("frames", [NOISE, NOISE[:1], np.zeros(4096, np.int16), np.full(100, -32768, np.int16)], ids=len)
def test_flac_gives_back_every_frame(frames):
    with soundfile.SoundFile(io.BytesIO(encode_flac(frames))) as sound:
        assert (sound.format, sound.subtype, sound.channels, sound.samplerate) == ("FLAC", "PCM_16", 1, SAMPLE_RATE)
        assert np.array_equal(sound.read(dtype="int16"), frames)


def test_equal_frames_give_equal_bytes():
    assert encode_flac(NOISE) == encode_flac(NOISE.copy())


def test_statistics_are_those_of_the_frames():
    frames = np.array([0, 1, -1, 16384, -32768], np.int16)
    found = measure(frames, 2)
    assert found.n_frames == 5
    assert found.duration == 5 / SAMPLE_RATE
    assert found.peak == 1.0
    assert found.rms == pytest.approx(np.sqrt((frames.astype(float) ** 2).mean()) / 32768, abs=1e-8)
    assert found.dc == pytest.approx(frames.mean() / 32768, abs=1e-8)
    assert found.clipped_fraction == 0.4
    assert found.silent_fraction == 0.6
    assert found.pcm_sha256 == hashlib.sha256(frames.astype("<i2").tobytes()).hexdigest()


def test_silence_is_silent_through_and_through():
    found = measure(np.zeros(100, np.int16), 0)
    assert (found.peak, found.rms, found.dc, found.silent_fraction) == (0.0, 0.0, 0.0, 1.0)
