"""Measure how resampling changes sound, in dB: noise added to a sine, and aliases of tones above the new band."""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.measure import Row
from bench.peers import static_ffmpeg, system_ffmpeg
from pipeline.records import SAMPLE_RATE
from transforms.audio.resample import Resampler

Resample = Callable[[np.ndarray, int], np.ndarray]
TONES = (1_000, 15_000, 20_000)  # Hz, at 44.1 kHz
ALIAS = (96_000, 30_000)  # rate and tone in Hz: nothing of it may be left at 48 kHz


def rows(quick: bool, corpus: Path) -> list[Row]:
    """Return the figures of our resampler, before rounding to 16 bits, and of the defaults that others use."""
    ways: dict[str, Resample] = {"ours": _ours, "ffmpeg's default": _by_ffmpeg}
    if importlib.util.find_spec("torchaudio"):
        ways["torchaudio's default"] = _by_torchaudio
    return [row for name, way in ways.items() for row in _of(name, way)]


def _of(name: str, way: Resample) -> list[Row]:
    targets = (">= 130", "<= -120") if name == "ours" else ("", "")
    noise = [
        Row("quality", f"{name}: signal to noise at {hz} Hz, 44.1 -> 48 kHz", signal_to_noise(way, 44_100, hz), "dB", None, targets[0])
        for hz in TONES
    ]
    return [*noise, Row("quality", f"{name}: alias of 30 kHz, 96 -> 48 kHz", alias(way), "dB", None, targets[1])]


def signal_to_noise(way: Resample, rate: int, hz: int) -> float:
    """Return the level of a resampled sine over the noise beside it, in dB; the sine's level and phase may change."""
    out = way(_sine(hz, rate), rate)[4000:-4000].astype(np.float64)
    turns = 2 * np.pi * hz * np.arange(len(out)) / SAMPLE_RATE
    waves = np.stack([np.sin(turns), np.cos(turns)], axis=1)
    tone = waves @ np.linalg.lstsq(waves, out)[0]
    return float(10 * np.log10((tone**2).mean() / ((out - tone) ** 2).mean()))


def alias(way: Resample) -> float:
    """Return the level of the alias of a tone above the new band, relative to the tone, in dB."""
    rate, hz = ALIAS
    out = way(_sine(hz, rate), rate)[4000:-4000].astype(np.float64)
    return float(10 * np.log10(max((out**2).mean(), 1e-30) / (0.5**2 / 2)))


def _sine(hz: int, rate: int) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(2 * rate) / rate)).astype(np.float32)


def _ours(frames: np.ndarray, rate: int) -> np.ndarray:
    resampler = Resampler(rate)
    return np.concatenate([resampler.add(frames), resampler.finish()])


def _by_ffmpeg(frames: np.ndarray, rate: int) -> np.ndarray:
    binary = system_ffmpeg() or static_ffmpeg()
    raw = ["-f", "f32le", "-ac", "1"]
    command = [binary, "-nostdin", "-v", "error", *raw, "-ar", str(rate), "-i", "pipe:0", *raw, "-ar", str(SAMPLE_RATE), "pipe:1"]
    done = subprocess.run(command, input=frames.astype("<f4").tobytes(), capture_output=True, check=True)
    return np.frombuffer(done.stdout, "<f4")


def _by_torchaudio(frames: np.ndarray, rate: int) -> np.ndarray:
    import torch
    import torchaudio

    return torchaudio.functional.resample(torch.from_numpy(frames), rate, SAMPLE_RATE).numpy()
