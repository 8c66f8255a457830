"""Convert sound files of any kind to 48 kHz mono, as the build does: the same decoders, mean of the channels, soxr HQ, 16 bits.

A sound file that is trained on as it is, and the sample that a build makes of it, give the same frames; a test compares them.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import av
import numpy as np
import soundfile
import soxr
from av.container import InputContainer
from numpy.typing import NDArray

from train.data.sound_headers import CUT, is_counted_mp3, tag_bytes, wav_audio
from train.towers.features import SAMPLE_RATE

FULL_SCALE = np.float32(32768)
FULL_SCALE_IN = {"int16": 32768.0, "int32": 2147483648.0, "uint8": 128.0, "float32": 1.0, "float64": 1.0}
LOUDEST = 1e3  # of full scale: 60 dB above what a file of integers can hold
BLOCK_FRAMES = 1 << 16
UNKNOWN_LENGTH = 1 << 62  # frames; libsndfile returns at least this where a header gives no length
WAV_CODECS = (0x01, 0x02, 0x03, 0x06, 0x07, 0x11)  # in which libsndfile knows the length: PCM, float, A-law, mu-law, ADPCM
MOST_CHANNELS = 7  # in planes of their own, that PyAV reads
DECODE_ERRORS = (av.error.FFmpegError, OSError, IndexError)  # what PyAV raises for broken bytes


def is_plain_flac(data: bytes) -> bool:
    """Return whether a file is FLAC of 48 kHz, mono and 16 bits, which need not be converted (RFC 9639, section 8.2).

    A stream whose header has no number of frames is converted: its end is found by decoding alone.
    """
    rate_and_format = int.from_bytes(data[18:26])  # 20 bits: rate, 3: channels - 1, 5: bits - 1, 36: number of frames
    has_frames = rate_and_format & ((1 << 36) - 1) > 0
    return data[:4] == b"fLaC" and rate_and_format >> 44 == SAMPLE_RATE and rate_and_format >> 36 & 0xFF == 15 and has_frames


def convert(data: bytes) -> np.ndarray:
    """Convert a sound file to mono 48 kHz: (n_frames,) float32 in steps of 16 bits. Raise ValueError if it cannot be used."""
    resampler: soxr.ResampleStream | None = None
    first_rate, parts = 0, []
    try:
        for frames, rate in _decoded_blocks(data):
            if not first_rate and rate != SAMPLE_RATE:
                resampler = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")
            first_rate = first_rate or rate
            if rate != first_rate:
                raise ValueError(f"its rate changes from {first_rate} to {rate} Hz")
            mono = _to_mono(frames)
            parts.append(_to_int16(resampler.resample_chunk(mono) if resampler else mono))
    except (*DECODE_ERRORS, soundfile.LibsndfileError) as error:
        raise ValueError(f"it cannot be decoded: {error}") from error
    if resampler:
        parts.append(_to_int16(resampler.resample_chunk(np.zeros(0, np.float32), last=True)))
    if not sum(map(len, parts)):
        raise ValueError("it holds no frames")
    return np.concatenate(parts).astype(np.float32) / FULL_SCALE


def check_waveform(waveform: np.ndarray) -> None:
    """Raise ValueError for frames that are no sound: not finite, or far beyond full scale, as in damaged files of floats."""
    peak = float(np.abs(waveform).max(initial=0.0))  # NaN where a frame is
    if not peak <= LOUDEST:
        raise ValueError(f"its loudest frame is {peak:g} of full scale, which is no number or more than {LOUDEST:g}")


def _decoded_blocks(data: bytes) -> Iterator[tuple[np.ndarray, int]]:
    """Decode a file: yield frames (n_frames, n_channels) of any type, and their rate. libsndfile is used where it is exact."""
    wav = wav_audio(data)
    if wav and wav.end > len(data) + 1:  # a pad byte may be missing
        raise ValueError(CUT)
    if data.startswith(b"fLaC", tag_bytes(data)) or (wav and wav.codec in WAV_CODECS) or is_counted_mp3(data):
        try:
            sound = soundfile.SoundFile(BytesIO(data))
        except soundfile.LibsndfileError:
            sound = None  # FFmpeg may read this codec
        if sound and 0 < sound.frames < UNKNOWN_LENGTH:
            yield from _soundfile_blocks(sound)
            return
    yield from _av_blocks(data)


def _soundfile_blocks(sound: soundfile.SoundFile) -> Iterator[tuple[np.ndarray, int]]:
    dtype = "int16" if sound.subtype == "PCM_16" else "float32"
    with sound:
        n_read = 0
        while len(frames := sound.read(BLOCK_FRAMES, dtype=dtype, always_2d=True)):
            n_read += len(frames)
            yield frames, sound.samplerate
        if n_read < sound.frames:
            raise ValueError(f"{n_read} of {sound.frames} frames could be decoded")


def _av_blocks(data: bytes) -> Iterator[tuple[np.ndarray, int]]:
    """Decode by FFmpeg. It gets no name or address, and may open nothing else. A few broken packets are left out."""
    n_packets, errors = 0, []
    with av.open(BytesIO(data), options={"protocol_whitelist": "none"}, metadata_errors="replace") as media:
        assert isinstance(media, InputContainer)  # opened for reading
        if not media.streams.audio or media.streams.audio[0].codec_context is None:
            raise ValueError("it holds no audio that can be decoded")
        stream = media.streams.audio[0]
        stream.codec_context.thread_count = 1  # other workers use the other cores
        n_left = _n_frames_of_mp4(media, stream)
        for packet in media.demux(stream):
            n_packets += 1
            try:
                for frame in stream.decode(packet):
                    yield _array(frame)[:n_left], frame.sample_rate
                    n_left -= min(n_left, frame.samples)
            except DECODE_ERRORS as error:
                errors.append(error)
    if len(errors) > max(2, n_packets / 10):
        raise ValueError(f"{len(errors)} of {n_packets} packets cannot be decoded, the first: {errors[0]}")


def _n_frames_of_mp4(media: InputContainer, stream: av.AudioStream) -> int:
    """Return how many frames an MP4 or M4A has by its header: AAC fills its last packet with silence. A huge number for all others."""
    if "mp4" not in media.format.name or not stream.duration or not stream.time_base:
        return UNKNOWN_LENGTH
    return round(stream.duration * stream.time_base * stream.rate)


def _array(frame: av.AudioFrame) -> np.ndarray:
    n_channels = frame.layout.nb_channels
    if frame.format.is_planar and n_channels > MOST_CHANNELS:
        raise ValueError(f"it has {n_channels} channels; at most {MOST_CHANNELS} are read in this format")
    values = frame.to_ndarray()
    return values.T if frame.format.is_planar else values.reshape(-1, n_channels)


def _to_mono(frames: np.ndarray) -> np.ndarray:
    """Return the mean of the channels (n_frames,) float32, full scale at 32768. The additions are those of the build, in its order."""
    n_channels = frames.shape[1]
    scale = np.float32(32768.0 / (FULL_SCALE_IN[frames.dtype.name] * n_channels))
    wide: NDArray[Any] = frames.astype(np.float64 if frames.dtype.name in ("int32", "float64") else np.float32)
    if frames.dtype.kind == "u":
        wide -= np.float32(128)
    mixed = wide[:, 0].astype(wide.dtype)
    for channel in range(1, n_channels):
        mixed = mixed + wide[:, channel]
    mono: np.ndarray = mixed.astype(np.float32) * scale
    check_waveform(mono / FULL_SCALE)
    return mono


def _to_int16(frames: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(frames), -32768, 32767).astype(np.int16)
