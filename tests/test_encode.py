"""FLAC that decodes to the same frames, and statistics that are those of the frames."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.records import SAMPLE_RATE, Statistics
from transforms.audio import encode as module
from transforms.audio.encode import FlacWriter
from transforms.audio.meter import Meter


def encode_flac(frames: np.ndarray, place: Path = Path("/nowhere"), block: int = 10**9) -> bytes | Path:
    writer = FlacWriter(place)
    for at in range(0, len(frames), block):
        writer.write(frames[at : at + block])
    return writer.finish()


def measure(frames: np.ndarray, n_clipped: int, block: int = 1 << 20) -> Statistics:
    meter = Meter()
    for at in range(0, len(frames), block):
        meter.add(frames[at : at + block], n_clipped if at == 0 else 0)
    return meter.statistics()


NOISE = np.random.default_rng(1).integers(-32768, 32768, 30_000).astype(np.int16)


@pytest.mark.parametrize("frames", [NOISE, NOISE[:1], np.zeros(4096, np.int16), np.full(100, -32768, np.int16)], ids=len)
def test_flac_gives_back_every_frame(frames):
    with soundfile.SoundFile(io.BytesIO(encode_flac(frames))) as sound:
        assert (sound.format, sound.subtype, sound.channels, sound.samplerate) == ("FLAC", "PCM_16", 1, SAMPLE_RATE)
        assert np.array_equal(sound.read(dtype="int16"), frames)


def test_equal_frames_give_equal_bytes():
    assert encode_flac(NOISE) == encode_flac(NOISE.copy())


def test_blocks_make_no_difference():
    assert encode_flac(NOISE, block=1000) == encode_flac(NOISE)
    assert measure(NOISE, 7, block=1000) == measure(NOISE, 7)


def test_what_is_long_is_written_to_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "IN_MEMORY", 20_000)
    flac = encode_flac(NOISE, tmp_path, block=1000)
    assert isinstance(flac, Path)
    assert flac.parent == tmp_path
    monkeypatch.undo()
    assert flac.read_bytes() == encode_flac(NOISE)


def test_what_was_discarded_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "IN_MEMORY", 20_000)
    writer = FlacWriter(tmp_path)
    writer.write(NOISE)
    writer.discard()
    assert not list(tmp_path.iterdir())


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
