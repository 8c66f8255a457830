"""Make recordings with the packaged ffmpeg in every container and codec that it writes, damage them, and decode them twice."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.records import Reason, Rejected
from tests.frame_recorder import FrameRecorder
from tests.sounds import id3, pcm16, wav
from transforms.audio.decode import decode
from transforms.audio.decode_ffmpeg import find_ffmpeg
from transforms.audio.excerpt import Excerpt

SECONDS = 3.0
MAX_LAG = 0.02  # seconds


def melody(seed: int, seconds: float, rate: int, n_channels: int) -> np.ndarray:
    """Return quarter-second tones of random pitch, the same in every channel: float64 `(n_frames, n_channels)`."""
    chance = np.random.default_rng(seed)
    n_frames = round(seconds * rate)
    pitches = chance.uniform(200, min(1500, rate / 5), int(seconds * 4) + 1)
    phase = np.cumsum(np.repeat(pitches, rate // 4 + 1)[:n_frames]) / rate
    return np.repeat(0.4 * np.sin(2 * np.pi * phase)[:, None], n_channels, axis=1)


@dataclass(frozen=True)
class Combination:
    """A container and a codec: arguments for ffmpeg's output, rate and channels."""

    muxer: str
    codec: str
    rate: int = 44_100
    n_channels: int = 2
    more: tuple[str, ...] = ()

    def encode(self, folder: Path, seed: int = 1, more: tuple[str, ...] = (), to_pipe: bool = False) -> bytes:
        """Return the melody of this seed as a file; empty where ffmpeg cannot write one."""
        source, target = folder / "source.wav", folder / "target"
        frames = melody(seed, SECONDS, self.rate, self.n_channels)
        source.write_bytes(wav(pcm16(frames), n_channels=self.n_channels, rate=self.rate))
        target.unlink(missing_ok=True)
        name = "pipe:1" if to_pipe else str(target)
        arguments = ["-strict", "-2", "-c:a", self.codec, "-map_metadata", "-1", *self.more, *more, "-f", self.muxer, "-y", name]
        done = _ffmpeg("-i", str(source), *arguments)
        if done.returncode:
            return b""
        return done.stdout if to_pipe else target.read_bytes()


def _ffmpeg(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    program = find_ffmpeg()
    assert program is not None
    return subprocess.run([program, "-nostdin", "-v", "error", *arguments], capture_output=True, check=False, timeout=60)


def decoded_by_ffmpeg(path: Path, n_channels: int) -> np.ndarray:
    """Return the mean of the channels as ffmpeg decodes it, at the rate of the recording: float32; empty where it decodes nothing."""
    done = _ffmpeg("-i", str(path), "-map", "a:0", "-ac", str(n_channels), "-f", "f32le", "-")
    values = np.frombuffer(done.stdout[: len(done.stdout) // 4 * 4], np.float32)
    mean: np.ndarray = values[: len(values) // n_channels * n_channels].reshape(-1, n_channels).mean(axis=1)
    return mean


def decoded_by_us(path: Path) -> tuple[np.ndarray, int] | Rejected:
    """Return our frames and their rate, or why there are none."""
    recorder = FrameRecorder(Excerpt(max_seconds=60.0))
    try:
        (rejection,) = decode(path, [recorder.cutter])
    except Rejected as rejected:
        return rejected
    return rejection or (recorder.frames, recorder.source.rate)


def correlation(ours: np.ndarray, theirs: np.ndarray, rate: int) -> float:
    """Return the highest correlation of two sounds at lags up to MAX_LAG; 0.0 where one of them has no frames or is silent."""
    best = 0.0
    steps = range(0, int(MAX_LAG * rate) + 1, max(1, rate // 8000))
    for lag in (sign * step for step in steps for sign in (1, -1)):
        a, b = ours[max(0, lag) :], theirs[max(0, -lag) :]
        size = min(len(a), len(b))
        norm = float(np.linalg.norm(a[:size].astype(float)) * np.linalg.norm(b[:size].astype(float)))
        best = max(best, float(np.vdot(a[:size].astype(float), b[:size].astype(float))) / norm if norm else 0.0)
        if best > 0.98:
            break
    return best


Damage = Callable[[Combination, Path], bytes]


def _joined(kind: Combination, folder: Path) -> bytes:
    return kind.encode(folder) + kind.encode(folder, seed=2)


def _with_metadata(kind: Combination, folder: Path) -> bytes:
    words = ("-metadata", "title=data metadata database", "-metadata", "comment=" + "fmt data LIST " * 500)
    made = kind.encode(folder, more=words)
    tag = b"TAG" + bytes(125)
    if kind.muxer in {"mp3", "adts", "flac", "ac3", "tta", "wav", "mp2"}:
        return id3(5000) + made + tag
    return made + tag if made else b""


VARIANTS: dict[str, Damage] = {
    "whole": lambda kind, folder: kind.encode(folder),
    "cut at 50 %": lambda kind, folder: (data := kind.encode(folder))[: len(data) // 2],
    "cut in the header": lambda kind, folder: kind.encode(folder)[:30],
    "joined": _joined,
    "padded": lambda kind, folder: kind.encode(folder) + bytes(20_000),
    "metadata": _with_metadata,
    "from a pipe": lambda kind, folder: kind.encode(folder, to_pipe=True),
}


OPUS = {"rate": 48_000}
EIGHT = {"rate": 8_000, "n_channels": 1}
COMBINATIONS: dict[str, Combination] = {
    f"{kind.muxer} {kind.codec}": kind
    for kind in (
        *(
            Combination("wav", codec)
            for codec in ("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_alaw", "pcm_mulaw")
        ),
        *(Combination("wav", codec) for codec in ("adpcm_ima_wav", "adpcm_ms", "libmp3lame", "ac3", "adpcm_yamaha", "mp2", "wmav2")),
        *(Combination("wav", codec, **EIGHT) for codec in ("g722", "g726", "libopencore_amrnb")),
        *(Combination("w64", codec) for codec in ("pcm_s16le", "pcm_s24le", "pcm_f32le")),
        *(Combination("aiff", codec) for codec in ("pcm_s16be", "pcm_s24be", "pcm_s16le", "pcm_f32be", "pcm_alaw", "adpcm_ima_qt")),
        *(Combination("au", codec) for codec in ("pcm_s16be", "pcm_mulaw", "pcm_f32be", "pcm_s24be")),
        *(Combination("caf", codec) for codec in ("pcm_s16le", "pcm_s16be", "alac", "pcm_f32le", "libmp3lame", "flac")),
        *(Combination("flac", codec) for codec in ("flac",)),
        *(Combination("ogg", codec) for codec in ("libvorbis", "flac")),
        Combination("ogg", "libopus", **OPUS),
        Combination("opus", "libopus", **OPUS),
        *(Combination(muxer, "libmp3lame") for muxer in ("mp3", "matroska", "avi", "mov", "mp4", "flv", "mpegts", "nut", "asf")),
        *(
            Combination(muxer, "aac")
            for muxer in ("adts", "ipod", "mp4", "mov", "3gp", "matroska", "flv", "mpegts", "latm", "nut", "avi", "ismv", "f4v")
        ),
        *(Combination(muxer, "alac") for muxer in ("ipod", "mov")),
        *(Combination(muxer, "flac") for muxer in ("matroska", "mp4", "nut")),
        *(Combination(muxer, "libopus", **OPUS) for muxer in ("webm", "matroska", "mp4", "mpegts")),
        *(Combination(muxer, "libvorbis") for muxer in ("webm", "matroska", "nut")),
        *(Combination(muxer, "pcm_s16le") for muxer in ("mov", "matroska", "nut", "avi", "voc", "ircam")),
        *(Combination(muxer, "ac3") for muxer in ("ac3", "mp4", "matroska", "mpegts", "vob", "rm")),
        *(Combination(muxer, "eac3") for muxer in ("eac3", "mp4")),
        *(Combination(muxer, "mp2") for muxer in ("mp2", "mpeg", "mpegts", "matroska", "avi")),
        *(Combination("asf", codec) for codec in ("wmav1", "wmav2")),
        Combination("wv", "wavpack"),
        Combination("matroska", "wavpack"),
        Combination("tta", "tta"),
        Combination("matroska", "tta"),
        Combination("truehd", "truehd", **OPUS),
        Combination("mlp", "mlp", **OPUS),
        Combination("dts", "dca", **OPUS),
        Combination("amr", "libopencore_amrnb", more=("-b:a", "12.2k"), **EIGHT),
        Combination("3gp", "libopencore_amrnb", more=("-b:a", "12.2k"), **EIGHT),
        Combination("mxf_opatom", "pcm_s16le", rate=48_000, n_channels=1),
        Combination("adx", "adpcm_adx"),
        Combination("rm", "real_144", **EIGHT),
        Combination("ircam", "pcm_f32le"),
        Combination("voc", "pcm_u8"),
        Combination("sox", "pcm_s32le"),
        Combination("mmf", "adpcm_yamaha", **EIGHT),
        Combination("wsaud", "adpcm_ima_ws", rate=22_050, n_channels=1),
        Combination("ast", "pcm_s16be_planar"),
        Combination("apm", "adpcm_ima_apm", rate=22_050, n_channels=1),
        Combination("alp", "adpcm_ima_alp", rate=22_050, n_channels=1),
        Combination("argo_asf", "adpcm_argo"),
        Combination("kvag", "adpcm_ima_ssi"),
        Combination("spdif", "ac3", rate=48_000),
        Combination("flv", "pcm_s16le"),
        Combination("swf", "libmp3lame"),
        Combination("wtv", "mp2"),
        Combination("au", "g722", rate=16_000, n_channels=1),
    )
}
"""Container and codec -> how ffmpeg makes it."""

WITHOUT_LENGTH = frozenset(
    {"mpegts", "mpeg", "vob", "nut", "adts", "latm", "ac3", "eac3", "mp2", "dts", "truehd", "mlp", "amr", "ogg", "opus", "spdif", "ircam"}
    | {"sox", "adx", "alp", "mmf", "wsaud", "apm", "kvag", "swf"}
)
"""Muxers whose files do not say how long they are, or whose FFmpeg does not tell it: such a file is as long as what is there."""

MEANT = {
    ("wav", "metadata"): "an ID3 tag before the header is skipped",
    ("w64", "from a pipe"): "sizes that the writer left open are filled in",
    ("aiff", "from a pipe"): "sizes that the writer left open are filled in",
    ("au", "padded"): "what follows the declared end is no sound",
    ("au", "metadata"): "what follows the declared end is no sound",
    ("ogg libvorbis", "joined"): "every link of a chain is decoded by itself",
    ("amr", "joined"): "`corrupt`: the second header puts the packets out of step",
    ("wsaud", "joined"): "`corrupt`: the second header is no packet",
    ("*", "cut at 50 %"): "`corrupt`, where the header says how long the file is",
}
"""(Muxer, or muxer and codec; damage) -> how our result differs from that of ffmpeg, on purpose. `docs/audio.md` has the same rows."""


def disagreement(name: str, variant: str, folder: Path) -> str:
    """Return how our result for a damaged recording differs from that of ffmpeg; empty where it is equal, right, or meant."""
    kind = COMBINATIONS[name]
    data = VARIANTS[variant](kind, folder)
    if not data or (variant != "whole" and not kind.encode(folder)):
        return ""  # ffmpeg does not write this, as MP4 into a pipe
    path = folder / "damaged"
    path.write_bytes(data)
    theirs, ours = decoded_by_ffmpeg(path, kind.n_channels), decoded_by_us(path)
    is_meant = bool({(kind.muxer, variant), (name, variant)} & MEANT.keys())
    if isinstance(ours, Rejected):
        is_cut = variant.startswith("cut") and ours.reason in {Reason.CORRUPT, Reason.NOT_AUDIO, Reason.EMPTY}
        return "" if is_cut or is_meant or not len(theirs) else f"{ours}, but ffmpeg decodes {len(theirs) / kind.rate:.3f} s"
    if variant == "cut at 50 %" and kind.muxer not in WITHOUT_LENGTH:
        return f"a sample of {len(ours[0]) / ours[1]:.3f} s"
    if is_meant:
        path.write_bytes(kind.encode(folder))
        theirs = decoded_by_ffmpeg(path, kind.n_channels)
        if variant == "joined":
            path.write_bytes(kind.encode(folder, seed=2))
            theirs = np.concatenate([theirs, decoded_by_ffmpeg(path, kind.n_channels)])
    late = abs(len(ours[0]) / ours[1] - len(theirs) / kind.rate)
    alike = correlation(ours[0], theirs, ours[1])
    return "" if late <= 0.02 and alike > 0.98 else f"{late:.3f} s of difference, correlation {alike:.3f}"
