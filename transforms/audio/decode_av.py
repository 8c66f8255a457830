"""Everything else by FFmpeg's libraries, in process: opus, vorbis, m4a, webm, raw MP3, and some forty more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO

import av
from av.container import InputContainer

from pipeline.records import Reason, Rejected
from transforms.audio.av_frame_collector import AvFrameCollector, UnsupportedByAvError
from transforms.audio.excerpt import Cut
from transforms.audio.ogg_links import links
from transforms.audio.sniff import demuxers

ESTIMATED = frozenset({"mp3", "aac", "ac3", "eac3", "dts", "amr", "loas", "tta", "mpegts", "mpeg"})
"""Containers whose duration FFmpeg guesses from size and bit rate: too rough to find an end that is missing."""
LACKING = (av.error.DecoderNotFoundError, av.error.DemuxerNotFoundError, av.error.PatchWelcomeError, ValueError)
"""What is raised where something is missing in the libraries and not in the file; PyAV knows formats by name, hence ValueError."""
ERRORS = (av.error.FFmpegError, ValueError, OSError, IndexError)
"""What PyAV raises at broken bytes: FFmpeg's own errors, what a file says when it is told to seek before its beginning, and
IndexError where a stream turns up that was not there when the container was opened."""


class BrokenOffError(Exception):
    """A container that ends in a fault of its own; the words say which."""


def decode_av(file: IO[bytes], container: str, cuts: Sequence[Cut]) -> list[Rejected | None]:
    """Feed all cuts in one pass from the first frame on; a recording that changes its rate keeps its first.

    Args:
        file: opened at its first byte; decoders see bytes, never a name or an address they could follow.
        container: as `transforms.sniff.sniff` says; `""` to probe.

    Raises:
        UnsupportedByAvError: before any frame.
        Rejected: as `transforms.decode.decode`.
    """
    flow = AvFrameCollector(cuts)
    faults, ends_early = _Faults(), False
    for part in links(file) if container == "ogg" else [file]:
        n_before = flow.n_seen
        with _open(part, container) as media:
            if not media.streams.audio:
                raise Rejected(Reason.NOT_AUDIO, f"{media.format.name} without an audio stream")
            stream = media.streams.audio[0]
            if stream.codec_context is None:
                raise UnsupportedByAvError(Rejected(Reason.CORRUPT, f"FFmpeg: no decoder for the sound in this {media.format.name}"))
            _decode(media, stream, flow, faults)
            if flow.is_full:
                break
            ends_early = ends_early or _ends_early(media, stream, flow.seconds(since=n_before))
    if flow.source is None:
        raise Rejected(Reason.CORRUPT if faults else Reason.EMPTY, str(faults) or "no frames")
    return [_verdict(cut, flow, faults, ends_early) for cut in cuts]


def _open(file: IO[bytes], container: str) -> InputContainer:
    names = demuxers(container)
    options = {"format_whitelist": names, "protocol_whitelist": "none"} | ({"max_probe_packets": "1"} if container == "wav" else {})
    try:
        media = av.open(file, format=names if "," not in names else None, options=options, metadata_errors="replace")
    except ERRORS as error:
        refusal = Rejected(Reason.CORRUPT if container else Reason.NOT_AUDIO, f"FFmpeg: {_words(error)}")
        raise (UnsupportedByAvError(refusal) if isinstance(error, LACKING) else refusal) from error
    assert isinstance(media, InputContainer)  # opened for reading
    return media


def _decode(media: InputContainer, stream: av.AudioStream, flow: AvFrameCollector, faults: _Faults) -> None:
    """Feed the frames of one container to the flow, until it wants no more."""
    stream.codec_context.thread_count = 1  # the cores are busy with other clips
    flow.name = f"{media.format.name.split(',')[0]}/{stream.codec_context.name}"
    try:
        for packet in _packets(media, stream):
            try:
                frames = stream.decode(packet)
            except ERRORS as error:
                faults.packet = faults.packet or _words(error)
                continue
            for frame in frames:
                flow.add(frame)
            if flow.is_full:
                break
    except BrokenOffError as error:
        faults.container = faults.container or str(error)
    flow.drain()


def _verdict(cut: Cut, flow: AvFrameCollector, faults: _Faults, ends_early: bool) -> Rejected | None:
    """Return what is wrong with a cut; a bad packet or two are forgiven where the recording is there to its end."""
    fault = str(faults)
    if ends_early:
        fault = fault or "the file ends"
    elif cut.excerpt.end is None and cut.n_frames:
        fault = faults.container
    return cut.verdict(min(flow.n_seen, cut.first), fault)


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


def _packets(media: InputContainer, stream: av.AudioStream) -> Iterator[av.Packet]:
    """Yield the packets of a stream; ends where the file does.

    Raises:
        BrokenOffError: the container cannot be followed any further; what it holds behind that point is unknown.
    """
    try:
        yield from media.demux(stream)
    except ERRORS as error:
        raise BrokenOffError(_words(error)) from error


class _Faults:
    """The first fault of a packet, and the fault that ended a container."""

    packet = ""
    container = ""

    def __str__(self) -> str:
        return self.packet or self.container

    def __bool__(self) -> bool:
        return bool(str(self))


def _words(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error))[:120]
