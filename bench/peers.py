"""Convert recordings to 48 kHz mono 16-bit FLAC with other tools, to compare with."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import soundfile
import soxr

from pipeline.records import SAMPLE_RATE, AudioLimits, Rejected
from transforms.audio.convert import convert
from transforms.audio.excerpt import Excerpt

Way = Callable[[Path, Path], None]
"""(recording, folder for results) -> nothing. The FLAC is made in memory or in the folder, as the tool does it."""


def ours(path: Path, folder: Path) -> None:
    """Convert as a shard's worker does, statistics and hash included."""
    (made,) = convert(path, [Excerpt()], AudioLimits(), folder)
    if isinstance(made, Rejected):
        raise made
    if isinstance(made.flac, Path):
        made.flac.unlink()


def by_process(binary: str) -> Way:
    """Return a function that converts with one ffmpeg process a clip."""

    def run(path: Path, folder: Path) -> None:
        command = [binary, "-nostdin", "-v", "error", "-y", "-i", str(path), "-map", "0:a:0"]
        subprocess.run([*command, "-ac", "1", "-ar", str(SAMPLE_RATE), "-sample_fmt", "s16", str(folder / "out.flac")], check=True)

    return run


def system_ffmpeg() -> str | None:
    """Return the ffmpeg of this machine, `None` where there is none."""
    return shutil.which("ffmpeg")


def static_ffmpeg() -> str:
    """Return the ffmpeg that comes as a package."""
    return imageio_ffmpeg.get_ffmpeg_exe()


def by_laions_protocol(binary: str) -> Way:
    """Return a function that converts as the published scripts do: read as a check, one ffmpeg process, read again, add files to a tar."""
    convert_it = by_process(binary)

    def run(path: Path, folder: Path) -> None:
        with contextlib.suppress(soundfile.LibsndfileError):  # m4a: libsndfile does not read it, the check is left out
            soundfile.read(path)
        convert_it(path, folder)
        soundfile.read(folder / "out.flac")
        (folder / "out.json").write_text(json.dumps({"text": ["a sound"], "tag": []}))
        with tarfile.open(folder / "out.tar", "w") as tar:
            tar.add(folder / "out.flac", "out.flac")
            tar.add(folder / "out.json", "out.json")

    return run


def by_librosa(path: Path, folder: Path) -> None:
    """Convert as librosa.load does, then write FLAC."""
    import librosa

    frames, _ = librosa.load(path, sr=SAMPLE_RATE, mono=True)
    soundfile.write(io.BytesIO(), frames, SAMPLE_RATE, format="FLAC", subtype="PCM_16")


def has_librosa() -> bool:
    """Return whether librosa is installed."""
    return importlib.util.find_spec("librosa") is not None


def library_floor(path: Path, by_soundfile: bool) -> float:
    """Return the seconds of CPU that the libraries alone take to decode, resample and encode."""
    began = time.process_time()
    if by_soundfile:
        with soundfile.SoundFile(path) as sound:
            rate = sound.samplerate
            frames = sound.read(dtype="int16" if sound.subtype == "PCM_16" else "float32")
        spent = time.process_time() - began
        mono = (frames if frames.ndim == 1 else frames[:, 0]).astype(np.float32) / (32768 if frames.dtype == np.int16 else 1)
    else:
        with av.open(str(path)) as media:
            pieces = [frame for frame in media.decode(audio=0)]  # noqa: C416 - kept, as any caller has to
            rate = pieces[0].sample_rate
            spent = time.process_time() - began
            mono = np.concatenate([piece.to_ndarray()[0] for piece in pieces])
    mono = np.ascontiguousarray(mono)
    began = time.process_time()
    if rate != SAMPLE_RATE:
        mono = soxr.resample(mono, rate, SAMPLE_RATE, quality="HQ")
    spent += time.process_time() - began
    frames = (np.clip(mono, -1, 1) * 32767).astype(np.int16)
    began = time.process_time()
    soundfile.write(io.BytesIO(), frames, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return spent + time.process_time() - began
