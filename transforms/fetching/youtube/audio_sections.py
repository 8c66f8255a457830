"""Copy a section of the audio of a file, packet by packet, where the frame that it begins at can be proven.

What a container says of its beginning is not enough: WebM has times in milliseconds, and decoders drop the first frames of Opus and
Vorbis. So the first packet is counted from the first one of the file, in frames, by the rules of its codec. A section that is cut out
of the copy has the same frames as one cut out of the full file. Where a rule does not hold there is no section.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from io import RawIOBase
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer

MAX_SHARE = 0.5  # of a recording that a section may be; the full file is read faster than more of it in parts
CONTAINERS = "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,ogg"  # by FFmpeg's names
AAC_FRAMES = 1024  # of a packet of AAC-LC; ISO/IEC 14496-3
OPUS_RATE = 48_000  # Hz, of its decoders and of its time stamps in Ogg; RFC 7845
LEAD_IN = 0.2  # seconds: more than decoders drop at the beginning of a copy
OPUS_STEP = 120  # frames, 2.5 ms: the shortest packet of Opus; RFC 6716


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts the frames before a packet. `first` is the time stamp of the first packet, one tick is `ticks` frames.

    `n_frames` are those of every packet, `None` where it varies; `n_skipped` are those that decoders drop at the beginning of a file.
    """

    first: int
    ticks: Fraction
    n_frames: int | None
    n_skipped: int = 0

    def before(self, packet: av.Packet) -> int | None:
        """Return how many frames of the recording are before a packet; `None` where its time stamp does not say it."""
        if packet.pts is None:
            return None
        if self.n_frames is None or self.ticks == 1:
            return packet.pts
        frames = (packet.pts - self.first) * self.ticks
        n_packets = round(frames / self.n_frames)
        return n_packets * self.n_frames - self.n_skipped if abs(frames - n_packets * self.n_frames) <= self.ticks else None

    def of(self, packet: av.Packet) -> int:
        """Return how many frames a packet has."""
        return self.n_frames or round((packet.duration or 0) * self.ticks)


def copy_section(file: BinaryIO | RawIOBase, start: float, end: float, target: Path) -> float | None:
    """Copy the packets of the first audio stream from `start` to `end` into a new Matroska file; nothing is encoded.

    Args:
        file: any seekable file; only the parts that are needed are read.
        start, end: seconds of the recording. The section may begin earlier and end later.

    Returns:
        The seconds of the recording at which the first decoded frame of the copy lies, exactly; `None` where that cannot be proven,
        where the recording ends before `end`, or where the section would be most of it: then there is no file.

    Raises:
        Rejected: what reading `file` raises.
    """
    try:
        options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "none"}
        with av.open(file, "r", options=options, metadata_errors="replace") as media:
            begin = _copy(media, start, end, target) if media.streams.audio else None
    except av.error.FFmpegError:
        begin = None  # the decoder of the full file says what is wrong with it
    if begin is None:
        target.unlink(missing_ok=True)
    return begin


def _copy(media: InputContainer, start: float, end: float, target: Path) -> float | None:
    stream = media.streams.audio[0]
    counter = _counter_of(media, stream, next(media.demux(stream)))
    if counter is None or stream.time_base is None or (media.duration and (end - start) * av.time_base > MAX_SHARE * media.duration):
        return None
    rate = counter.ticks / stream.time_base
    early = start - LEAD_IN
    media.seek(int(early / stream.time_base) if early > 0 else counter.first, stream=stream, backward=True)
    begin: int | None = None
    expected: int | None = None
    with av.open(str(target), "w", format="matroska") as copy:
        track = copy.add_stream_from_template(stream)
        for number, packet in enumerate(_packets(media, stream)):
            at = counter.before(packet)
            if at is None or at != (at if expected is None else expected) or packet.has_sidedata("encryption_info"):
                return None
            expected = at + counter.of(packet)
            if number == 0:
                base = packet.pts or 0
            if number == (1 if stream.codec_context.name == "vorbis" else 0):  # the first packet of Vorbis gives no frames
                begin = at + counter.n_skipped  # the copy's decoder drops them again
            if at >= end * rate:
                return None if begin is None or begin > start * rate else float(begin / rate)
            packet.pts = packet.dts = (packet.pts or 0) - base
            packet.stream = track
            copy.mux(packet)
    return None  # the end of the recording: its last packet may hold frames that only its own container cuts off


def _packets(media: InputContainer, stream: av.AudioStream) -> Iterator[av.Packet]:
    """Yield the packets of a stream without the empty one at the end."""
    return (packet for packet in media.demux(stream) if packet.size)


def _counter_of(media: InputContainer, stream: av.AudioStream, first: av.Packet) -> Counter | None:
    """Return how frames are counted in a stream whose first packet is given; `None` for codecs and containers without a known rule."""
    codec, tick = stream.codec_context, stream.time_base
    if tick is None or first.pts is None or not codec.rate:
        return None
    exact = tick == Fraction(1, codec.rate)
    if codec.name == "aac" and codec.profile == "LC" and exact and first.pts <= 0:
        return Counter(first.pts, Fraction(1), AAC_FRAMES)
    if codec.name == "vorbis" and media.format.name == "ogg" and exact:
        return Counter(first.pts, Fraction(1), None)
    if codec.name == "opus":
        ticks = tick * OPUS_RATE
        n_frames, n_skipped = round((first.duration or 0) * ticks), codec.delay
        if n_frames and n_frames % OPUS_STEP == 0 and abs(first.pts * ticks + n_skipped) <= ticks:
            return Counter(first.pts, ticks, n_frames, n_skipped)
    return None
