"""Make sounds and broken files for tests by code: every format that the project reads, and ways in which files are wrong."""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Callable
from dataclasses import dataclass

import av
import numpy as np
import soundfile

RATE = 44_100  # Hz, of every sound that does not say otherwise


def tone(seconds: float = 1.0, rate: int = RATE, n_channels: int = 2, hz: float = 440.0, level: float = 0.5) -> np.ndarray:
    """Return a sine, the same in every channel: float64 `(n_frames, n_channels)`."""
    sine = level * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)
    return np.repeat(sine[:, None], n_channels, axis=1)


def clicks(at: tuple[float, ...], seconds: float, rate: int = RATE, n_channels: int = 1) -> np.ndarray:
    """Return silence with one loud frame at each of the given seconds: float64 `(n_frames, n_channels)`."""
    frames = np.zeros((round(seconds * rate), n_channels))
    frames[[round(second * rate) for second in at]] = 0.9
    return frames


def bursts(at: tuple[float, ...], seconds: float, rate: int = RATE) -> np.ndarray:
    """Return silence with 20 ms of a loud 1 kHz tone from each of the given seconds on: clicks that survive lossy codecs."""
    frames = np.zeros((round(seconds * rate), 1))
    burst = tone(0.02, rate, 1, 1000.0, 0.8)
    for second in at:
        first = round(second * rate)
        frames[first : first + len(burst)] = burst
    return frames


SIXTEEN_BITS = {"wavpack": "s16p", "tta": "s16", "alac": "s16p", "flac": "s16"}
"""Sample formats for lossless encoders; the default of some is 8 bits."""


def by_soundfile(frames: np.ndarray, rate: int, container: str, subtype: str) -> bytes:
    """Return the sound as a file that libsndfile wrote."""
    buffer = io.BytesIO()
    soundfile.write(buffer, frames, rate, format=container, subtype=subtype)
    return buffer.getvalue()


def by_av(
    frames: np.ndarray, rate: int, muxer: str, codec: str, options: dict[str, str] | None = None, bit_rate: int | None = 128_000
) -> bytes:
    """Return the sound as a file that FFmpeg's libraries wrote."""
    buffer = io.BytesIO()
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[frames.shape[1]]
    with av.open(buffer, "w", format=muxer, options=options or {}) as media:
        stream = media.add_stream(codec, rate=rate, layout=layout)
        if bit_rate:
            stream.bit_rate = bit_rate
        if codec in SIXTEEN_BITS:
            stream.format = SIXTEEN_BITS[codec]
        _encode(media, stream, frames, rate, layout)
    return buffer.getvalue()


def _encode(media: av.container.OutputContainer, stream: av.AudioStream, frames: np.ndarray, rate: int, layout: str) -> None:
    for first in range(0, len(frames), 4096):
        block = np.clip(np.rint(frames[first : first + 4096] * 32768), -32768, 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate, frame.pts = rate, first
        media.mux(stream.encode(frame))
    media.mux(stream.encode(None))


@dataclass(frozen=True)
class Format:
    """A kind of file and how to make it. `error` is the largest difference, of full scale, between a frame and its original."""

    make: Callable[[np.ndarray, int], bytes]
    error: float
    rate: int = RATE
    n_channels: int = 2


def _sf(container: str, subtype: str, error: float, **kind: int) -> Format:
    return Format(lambda frames, rate: by_soundfile(frames, rate, container, subtype), error, **kind)


def _av(
    muxer: str, codec: str, error: float, *, options: dict[str, str] | None = None, bit_rate: int | None = 128_000, **kind: int
) -> Format:
    return Format(lambda frames, rate: by_av(frames, rate, muxer, codec, options, bit_rate), error, **kind)


LOSSY = 0.05  # of full scale, for a steady tone, without its edges and the delay of the codec
FORMATS: dict[str, Format] = {
    "wav_u8": _sf("WAV", "PCM_U8", 1 / 100),
    "wav_16": _sf("WAV", "PCM_16", 1 / 30000),
    "wav_24": _sf("WAV", "PCM_24", 1 / 30000),
    "wav_32": _sf("WAV", "PCM_32", 1 / 30000),
    "wav_float": _sf("WAV", "FLOAT", 1 / 30000),
    "wav_double": _sf("WAV", "DOUBLE", 1 / 30000),
    "wav_alaw": _sf("WAV", "ALAW", LOSSY),
    "wav_mulaw": _sf("WAV", "ULAW", LOSSY),
    "wav_ima_adpcm": _sf("WAV", "IMA_ADPCM", LOSSY),
    "wav_ms_adpcm": _sf("WAV", "MS_ADPCM", LOSSY),
    "wavex": _sf("WAVEX", "PCM_16", 1 / 30000),
    "rf64": _sf("RF64", "PCM_16", 1 / 30000),
    "w64": _sf("W64", "PCM_16", 1 / 30000),
    "flac_16": _sf("FLAC", "PCM_16", 1 / 30000),
    "flac_24": _sf("FLAC", "PCM_24", 1 / 30000),
    "aiff_16": _sf("AIFF", "PCM_16", 1 / 30000),
    "aiff_float": _sf("AIFF", "FLOAT", 1 / 30000),
    "au_16": _sf("AU", "PCM_16", 1 / 30000),
    "au_mulaw": _sf("AU", "ULAW", LOSSY),
    "caf_16": _sf("CAF", "PCM_16", 1 / 30000),
    "caf_alac": _sf("CAF", "ALAC_16", 1 / 30000),
    "vorbis": _sf("OGG", "VORBIS", LOSSY),
    "ogg_opus": _sf("OGG", "OPUS", LOSSY, rate=48_000),
    "ogg_flac": _av("ogg", "flac", 1 / 30000, bit_rate=None),
    "mp3": _av("mp3", "libmp3lame", LOSSY),
    "mp3_without_xing": _av("mp3", "libmp3lame", LOSSY, options={"write_xing": "0", "id3v2_version": "0"}),
    "mp3_by_libsndfile": _sf("MP3", "MPEG_LAYER_III", LOSSY),
    "m4a": _av("ipod", "aac", LOSSY),
    "m4a_alac": _av("ipod", "alac", 1 / 30000, bit_rate=None),
    "mp4_fragmented": _av("mp4", "aac", LOSSY, options={"movflags": "frag_keyframe+empty_moov"}),
    "mov_pcm": _av("mov", "pcm_s16le", 1 / 30000, bit_rate=None),
    "aac_adts": _av("adts", "aac", LOSSY),
    "webm": _av("webm", "libopus", LOSSY, rate=48_000),
    "matroska_flac": _av("matroska", "flac", 1 / 30000, bit_rate=None),
    "wavpack": _av("wv", "wavpack", 1 / 30000, bit_rate=None),
    "tta": _av("tta", "tta", 1 / 30000, bit_rate=None),
    "ac3": _av("ac3", "ac3", LOSSY),
    "eac3": _av("eac3", "eac3", LOSSY),
    "mp2": _av("mp2", "mp2", LOSSY),
    "wma": _av("asf", "wmav2", LOSSY),
    "amr": _av("amr", "amr_nb", 0.2, bit_rate=12_200, rate=8_000, n_channels=1),
    "mpegts": _av("mpegts", "aac", LOSSY),
    "flv": _av("flv", "aac", LOSSY),
    "avi": _av("avi", "libmp3lame", LOSSY),
}


@functools.cache
def encoded(name: str, seconds: float = 1.0) -> bytes:
    """Return a tone as a file of the named format, at that format's usual rate and number of channels."""
    kind = FORMATS[name]
    return kind.make(tone(seconds, kind.rate, kind.n_channels), kind.rate)


def wav(
    data: bytes, *, tag: int = 1, n_channels: int = 1, rate: int = RATE, bits: int = 16, claimed: int | None = None, riff: int | None = None
) -> bytes:
    """Return a WAV whose header holds the given values, true or not.

    Args:
        claimed: size of the data chunk in bytes.
        riff: size of the RIFF chunk in bytes.
    """
    block = max(1, n_channels * bits // 8) & 0xFFFF
    claimed = len(data) if claimed is None else claimed
    riff = (36 + claimed) & 0xFFFFFFFF if riff is None else riff
    form = struct.pack("<HHIIHH", tag, n_channels, rate, (rate * block) & 0xFFFFFFFF, block, bits)
    return b"RIFF" + struct.pack("<I", riff) + b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", claimed) + data


def pcm16(frames: np.ndarray) -> bytes:
    """Return frames as interleaved 16-bit little-endian PCM."""
    return np.clip(np.rint(frames * 32768), -32768, 32767).astype("<i2").tobytes()


def flac_with_frame_count(flac: bytes, n_frames: int) -> bytes:
    """Return a FLAC whose STREAMINFO claims another number of frames (0: unknown)."""
    at = 8 + 13  # the low 36 bits of the 8 bytes from 8 + 10 on
    high = (flac[at] & 0xF0) | (n_frames >> 32)
    return flac[:at] + bytes([high]) + struct.pack(">I", n_frames & 0xFFFFFFFF) + flac[at + 5 :]


def ogg_from_the_middle(ogg: bytes, n_granules: int) -> bytes:
    """Return an Ogg whose pages have positions as if `n_granules` had been before, like one that is cut from a live stream."""
    pages = ogg_pages(ogg)
    for page in pages:
        position = int.from_bytes(page[6:14], "little", signed=True)
        page[6:14] = (position + n_granules if position > 0 else position).to_bytes(8, "little", signed=True)
    return ogg_of(pages)


def ogg_pages(ogg: bytes) -> list[bytearray]:
    """Return the pages of an Ogg."""
    pages, at = [], 0
    while at < len(ogg):
        n_segments = ogg[at + 26]
        pages.append(bytearray(ogg[at : at + 27 + n_segments + sum(ogg[at + 27 : at + 27 + n_segments])]))
        at += len(pages[-1])
    return pages


def ogg_of(pages: list[bytearray]) -> bytes:
    """Return the Ogg of these pages, with their checksums made right."""
    for page in pages:
        page[22:26] = bytes(4)
        page[22:26] = _ogg_checksum(page).to_bytes(4, "little")
    return b"".join(pages)


def _ogg_checksum(page: bytearray) -> int:
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x104C11DB7) if value & 0x80000000 else value << 1
    return value


def id3(n_bytes: int) -> bytes:
    """Return an ID3v2.4 tag with `n_bytes` of padding."""
    size = bytes((n_bytes >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\x00\x00" + size + bytes(n_bytes)


def picture(n_pixels: int = 16) -> bytes:
    """Return a PNG."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="image2pipe") as media:
        stream = media.add_stream("png", rate=1)
        stream.width = stream.height = n_pixels
        stream.pix_fmt = "rgb24"
        frame = av.VideoFrame.from_ndarray(np.full((n_pixels, n_pixels, 3), 99, np.uint8), format="rgb24")
        media.mux(stream.encode(frame))
        media.mux(stream.encode(None))
    return buffer.getvalue()


def film(with_sound: bool, muxer: str = "mp4", n_pictures: int = 10) -> bytes:
    """Return a film with ten pictures a second, with or without one second of a tone."""
    buffer = io.BytesIO()
    sound = tone(1.0)
    with av.open(buffer, "w", format=muxer) as media:
        video = media.add_stream("mpeg4", rate=10)
        video.width = video.height = 32
        video.pix_fmt = "yuv420p"
        audio = media.add_stream("aac", rate=RATE, layout="stereo") if with_sound else None
        for number in range(n_pictures):
            picture = np.full((32, 32, 3), 20 * number % 256, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            media.mux(video.encode(frame))
        media.mux(video.encode(None))
        if audio is not None:
            _encode(media, audio, sound, RATE, "stereo")
    return buffer.getvalue()
