"""Make the sounds that the benchmarks convert: each is different; 44.1 kHz stereo, unless the kind has another rate or is mono."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from tests.sounds import by_av, by_soundfile

Maker = Callable[[np.ndarray, int], bytes]

KINDS: dict[str, tuple[int, int, Maker]] = {
    "wav": (44_100, 2, lambda frames, rate: by_soundfile(frames, rate, "WAV", "PCM_16")),
    "flac24": (44_100, 2, lambda frames, rate: by_soundfile(frames, rate, "FLAC", "PCM_24")),
    "mp3": (44_100, 2, lambda frames, rate: by_av(frames, rate, "mp3", "libmp3lame", bit_rate=192_000)),
    "vorbis": (44_100, 2, lambda frames, rate: by_soundfile(frames, rate, "OGG", "VORBIS")),
    "opus": (48_000, 2, lambda frames, rate: by_av(frames, rate, "ogg", "libopus", bit_rate=128_000)),
    "m4a": (44_100, 2, lambda frames, rate: by_av(frames, rate, "ipod", "aac", bit_rate=160_000)),
    "wav48mono": (48_000, 1, lambda frames, rate: by_soundfile(frames, rate, "WAV", "PCM_16")),
    "flac48mono": (48_000, 1, lambda frames, rate: by_soundfile(frames, rate, "FLAC", "PCM_16")),
}
"""Name -> rate in Hz, channels, and how the file is made."""


def music(seconds: float, rate: int, n_channels: int, seed: int) -> np.ndarray:
    """Return a chord in noise, `(n_frames, n_channels)`: lossless codecs compress it about as well as recordings."""
    chance = np.random.default_rng(seed)
    n_frames = round(seconds * rate)
    period = min(n_frames, 8 * rate)  # a spectrum that falls with frequency, repeated with a slow change of level
    spectrum = chance.normal(size=(n_channels, period // 2 + 1)) + 1j * chance.normal(size=(n_channels, period // 2 + 1))
    spectrum /= np.maximum(np.arange(period // 2 + 1), 30.0) ** 0.8
    noise = np.fft.irfft(spectrum, period).T
    noise = np.tile(noise / np.abs(noise).max(), (-(-n_frames // period), 1))[:n_frames]
    times = np.arange(n_frames)[:, None] / rate
    chord = sum(np.sin(2 * np.pi * hz * times + chance.uniform(0, 6)) for hz in chance.uniform(80, 4000, 4))
    return 0.5 * noise * (0.6 + 0.4 * np.sin(2 * np.pi * 0.37 * times)) + 0.08 * chord


def make_sound(kind: str, seconds: float, seed: int, folder: Path) -> Path:
    """Return the path of a sound, made when it is missing; one longer than 300 s repeats a sound of 60 s."""
    path = folder / f"{kind}-{seconds:g}s-{seed}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        if seconds > 300:
            _repeat(make_sound(kind, 60.0, seed, folder), round(seconds / 60), kind, path)
        else:
            rate, n_channels, make = KINDS[kind]
            path.write_bytes(make(music(seconds, rate, n_channels, seed), rate))
    return path


def _repeat(minute: Path, n_times: int, kind: str, path: Path) -> None:
    """Write a sound `n_times` in a row, without encoding it again."""
    muxer = {"opus": "ogg"}.get(kind, kind)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", "-stream_loop", str(n_times - 1), "-i", str(minute)]
    subprocess.run([*command, "-c", "copy", "-f", muxer, str(path)], check=True)
