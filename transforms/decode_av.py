"""Everything else by FFmpeg's libraries, in process: opus, vorbis, m4a, webm, raw MP3, and some forty more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

import av
import numpy as np
import soxr
from av.audio.fifo import AudioFifo
from av.container import InputContainer

from pipeline.records import Reason, Rejected, SourceFormat, Waveform
from transforms.excerpt import Excerpt, check_format
from transforms.mix import to_mono
from transforms.sniff import demuxers

BLOCK = 1 << 20  # frames gathered before they are mixed down
ESTIMATED = frozenset({"mp3", "aac", "ac3", "eac3", "dts", "amr", "loas", "tta", "mpegts", "mpeg"})
"""Containers whose duration FFmpeg guesses from size and bit rate: too rough to find an end that is missing."""


class BrokenOffError(Exception):
    """A container that ends in a fault of its own; the words say which."""


def decode_av(file: IO[bytes], container: str, excerpt: Excerpt) -> Waveform:
    """Return the excerpt, mono, at the recording's rate; a recording that changes its rate keeps its first.

    Args:
        file: opened at its first byte; decoders see bytes, never a name or an address they could follow.
        container: as `transforms.sniff.sniff` says; `""` to probe.

    Raises:
        Rejected: as `transforms.decode.decode`.
    """
    names = demuxers(container)
    try:
        media = av.open(
            file,
            format=names if "," not in names else None,
            options={"format_whitelist": names} | ({"max_probe_packets": "1"} if container == "wav" else {}),
            metadata_errors="replace",
        )
    except (av.error.FFmpegError, ValueError) as error:
        raise Rejected(Reason.CORRUPT if container else Reason.NOT_AUDIO, f"FFmpeg: {_words(error)}") from error
    with media:
        assert isinstance(media, InputContainer)  # opened for reading
        if not media.streams.audio:
            raise Rejected(Reason.NOT_AUDIO, f"{media.format.name} without an audio stream")
        return _decode(media, media.streams.audio[0], excerpt)


def _decode(media: InputContainer, stream: av.AudioStream, excerpt: Excerpt) -> Waveform:
    gathered = Gathered(excerpt)
    fault = broken_off = ""
    try:
        for frames, packet_fault in _packets(media, stream):
            fault = fault or packet_fault
            for frame in frames:
                gathered.add(frame)
            if gathered.is_full():
                break
    except BrokenOffError as error:
        fault = broken_off = str(error)
    if not gathered.rate:
        raise Rejected(Reason.CORRUPT if fault else Reason.EMPTY, fault or "no frames")
    mono = gathered.joined()
    if gathered.is_full():
        fault = ""
    elif _ends_early(media, stream, gathered.n_seen / gathered.rate):
        fault = fault or "the file ends"
    elif excerpt.end is None and len(mono) and not broken_off:
        fault = ""  # a bad packet or two in a recording that is there to its end
    n_before = min(gathered.n_seen, excerpt.span(gathered.rate)[0])
    excerpt.check(len(mono), n_before, gathered.rate, fault)
    name = f"{media.format.name.split(',')[0]}/{stream.codec_context.name}"
    return Waveform(mono, gathered.rate, SourceFormat(name, gathered.rate, gathered.n_channels, "av"), gathered.n_bad)


def _ends_early(media: InputContainer, stream: av.AudioStream, seconds: float) -> bool:
    """Return whether the container says that there are more than `seconds`, where it can know."""
    if media.format.name in ESTIMATED:
        return False
    if stream.duration is not None and stream.time_base is not None:
        promised = float(stream.duration * stream.time_base)
    elif media.duration is not None and not media.streams.video:
        promised = media.duration / av.time_base
    else:
        return False
    return seconds < promised - 1.0


def _packets(media: InputContainer, stream: av.AudioStream) -> Iterator[tuple[list[av.AudioFrame], str]]:
    """Yield the frames of every packet, or the fault of one that does not decode; ends where the file does.

    Raises:
        BrokenOffError: the container cannot be followed any further; what it holds behind that point is unknown.
    """
    packets = media.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except (av.error.FFmpegError, ValueError) as error:
            raise BrokenOffError(_words(error)) from error
        if packet is None:
            return
        try:
            frames = packet.decode()
        except (av.error.FFmpegError, ValueError) as error:
            yield [], _words(error)
            continue
        yield frames, ""


@dataclass
class Gathered:
    """The frames of an excerpt as they come, mixed down block by block."""

    excerpt: Excerpt
    rate: int = 0
    n_channels: int = 0
    n_seen: int = 0
    n_bad: int = 0
    blocks: list[np.ndarray] = field(default_factory=list)
    kept_from: int | None = None
    fifo: AudioFifo | None = None
    shape: tuple[str, str, int] = ("", "", 0)

    def add(self, frame: av.AudioFrame) -> None:
        """Take a decoded frame; those before the excerpt are only counted."""
        if not frame.samples:
            return
        shape = frame.format.name, frame.layout.name, frame.sample_rate
        if shape != self.shape:
            self._drain()
            check_format(frame.sample_rate, frame.layout.nb_channels)
            self.fifo, self.shape = AudioFifo(), shape
            self.rate = self.rate or frame.sample_rate
            self.n_channels = self.n_channels or frame.layout.nb_channels
        at, self.n_seen = self.n_seen, self.n_seen + frame.samples * self.rate // frame.sample_rate
        first, _ = self.excerpt.span(self.rate)
        if self.n_seen <= first:
            return
        if self.kept_from is None:
            self.kept_from = at
        frame.pts = None
        assert self.fifo is not None
        self.fifo.write(frame)
        if self.fifo.samples >= BLOCK:
            self._drain()

    def is_full(self) -> bool:
        """Return whether the excerpt is complete."""
        return self.rate > 0 and self.n_seen >= sum(self.excerpt.span(self.rate))

    def joined(self) -> np.ndarray:
        """Return the excerpt, `(n_frames,)`."""
        self._drain()
        mono = self.blocks[0] if len(self.blocks) == 1 else np.concatenate(self.blocks or [np.zeros(0, np.float32)])
        first, n_wanted = self.excerpt.span(self.rate)
        begin = first - (first if self.kept_from is None else min(self.kept_from, first))
        return mono[begin : begin + n_wanted]

    def _drain(self) -> None:
        if self.fifo is None or not self.fifo.samples:
            return
        whole = self.fifo.read()
        assert whole is not None  # there are samples
        values = whole.to_ndarray()
        frames = values.T if whole.format.is_planar else values.reshape(-1, whole.layout.nb_channels)
        mono, n_bad = to_mono(frames)
        self.n_bad += n_bad
        self.blocks.append(mono if whole.sample_rate == self.rate else soxr.resample(mono, whole.sample_rate, self.rate))


def _words(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error))[:120]
