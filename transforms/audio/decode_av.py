"""Decode with FFmpeg's libraries, in this process: Opus, Vorbis, M4A, WebM, raw MP3 and about forty other formats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO

import av
from av.container import InputContainer

from pipeline.records import Reason, Rejected
from transforms.audio.av_frame_collector import AvFrameCollector, UnsupportedByAvError
from transforms.audio.excerpt_cutter import ExcerptCutter
from transforms.audio.ogg_links import n_granules, split_ogg_links
from transforms.audio.sniff import allowed_demuxers
from transforms.audio.timeline import TIMED_CONTAINERS, Timeline

ESTIMATED_DURATION = frozenset(
    {"mp3", "aac", "ac3", "eac3", "dts", "amr", "loas", "mpegts", "mpeg", "nut", "ircam", "adx", "mmf", "wsaud", "swf"}
)
"""Containers whose duration FFmpeg estimates from size and bit rate: not exact enough to notice that the end is missing."""
MAX_BROKEN_SHARE, MAX_BROKEN_PACKETS = 0.1, 2
"""How many packets of an excerpt may be broken: this share of them, or this number if it is larger."""
MISSING_END = 0.3  # seconds that a recording may be shorter than its container says
MAX_TRAILER_BYTES, PIECE_BYTES = 256, 1 << 20
ENCRYPTED_MATROSKA = "enc_key_id"  # in the metadata of a stream; FFmpeg decodes its bytes to noise
MAX_GAPS = 1000  # stretches without a packet that are skipped
LACKING_ERRORS = (av.error.DecoderNotFoundError, av.error.DemuxerNotFoundError, av.error.PatchWelcomeError)
"""Raised when the libraries lack something and the file may be right."""
UNSUPPORTED_ERRORS = (*LACKING_ERRORS, ValueError, av.error.ArgumentError, av.error.PermissionError)
"""Those, invalid data, and what PyAV raises for an unknown format name: the ffmpeg program may still decode the file."""
DECODE_ERRORS = (av.error.FFmpegError, ValueError, OSError, IndexError)
"""Raised for broken bytes. OSError: a seek before the beginning of the file. IndexError: a stream that appears after opening."""


class DemuxError(Exception):
    """FFmpeg cannot read the container any further; the message is FFmpeg's."""


def decode_av(file: IO[bytes], container: str, cutters: Sequence[ExcerptCutter], missing: str | None = None) -> list[Rejected | None]:
    """Decode once from the first frame on and pass the frames to every cutter.

    A recording whose rate changes has the rate of its first frame.

    Args:
        file: a local file at its first byte. FFmpeg gets no name or address, and so opens nothing else.
        container: as `sniff` returns it; `""` to probe the content.
        cutters: one for every excerpt.
        missing: what is missing of the file, by its header; empty when nothing is; None where only FFmpeg can say it.

    Returns:
        As `decode`.

    Raises:
        UnsupportedByAvError: before any frame was decoded.
        Rejected: as `decode`.
    """
    collector = AvFrameCollector(cutters)
    faults, ends_early = _Faults(cutters), bool(missing)
    parts = split_ogg_links(file) if container == "ogg" else [file]
    for part in parts:
        n_before = collector.n_decoded
        with _open(part, container) as media:
            if media.streams and not media.streams.audio and (collector.source is not None or part is not parts[-1]):
                continue  # a film without sound, joined to a recording
            stream = _audio_stream(media)
            _decode(part, media, stream, collector, faults)
            if collector.is_complete:
                break
            if missing is None:
                ends_early = ends_early or _ends_early(part, media, stream, collector.seconds_since(n_before))
    if collector.source is None:
        raise Rejected(Reason.CORRUPT if faults else Reason.EMPTY, str(faults) or "no frames")
    return [_rejection(cutter, collector, faults, (missing or "the file ends") if ends_early else "") for cutter in cutters]


def _open(file: IO[bytes], container: str) -> InputContainer:
    names = allowed_demuxers(container)
    options = {"format_whitelist": names, "protocol_whitelist": "none"} | ({"max_probe_packets": "1"} if container == "wav" else {})
    try:
        media = av.open(file, format=names if "," not in names else None, options=options, metadata_errors="replace")
    except MemoryError:
        raise
    except DECODE_ERRORS as error:
        rejected = Rejected(_reason_of(error, container), f"FFmpeg: {_message(error)}")
        raise (UnsupportedByAvError(rejected) if isinstance(error, UNSUPPORTED_ERRORS) else rejected) from error
    assert isinstance(media, InputContainer)  # opened for reading
    return media


def _reason_of(error: Exception, container: str) -> Reason:
    """Return why a file cannot be opened. FFmpeg calls all bytes invalid in which it finds no container."""
    if isinstance(error, LACKING_ERRORS) or type(error) is ValueError:
        return Reason.UNSUPPORTED
    return Reason.CORRUPT if container else Reason.NOT_AUDIO


def _audio_stream(media: InputContainer) -> av.AudioStream:
    """Return the first audio stream; raise Rejected (`not_audio`) or UnsupportedByAvError when there is none to decode."""
    if not len(media.streams):
        raise Rejected(Reason.CORRUPT, f"{media.format.name} without any stream")
    if not media.streams.audio:
        raise Rejected(Reason.NOT_AUDIO, f"{media.format.name} without an audio stream")
    stream = media.streams.audio[0]
    if stream.codec_context is None:
        raise UnsupportedByAvError(Rejected(Reason.UNSUPPORTED, f"FFmpeg: no decoder for the audio stream of this {media.format.name}"))
    return stream


def _decode(file: IO[bytes], media: InputContainer, stream: av.AudioStream, collector: AvFrameCollector, faults: _Faults) -> None:
    """Pass the frames of one container to the collector until it needs no more."""
    if ENCRYPTED_MATROSKA in stream.metadata:
        raise Rejected(Reason.UNSUPPORTED, "the sound is encrypted")
    stream.codec_context.thread_count = 1  # the other cores convert other clips
    container = media.format.name.split(",")[0]
    collector.name = f"{container}/{stream.codec_context.name}"
    timeline = Timeline(media, stream) if container in TIMED_CONTAINERS else None
    n_before, end_of_packets = collector.n_decoded, 0
    try:
        for packet in _packets(media, stream):
            if packet.pos is not None and packet.pos >= 0:
                end_of_packets = packet.pos + packet.size
            if timeline is not None and packet.has_sidedata("encryption_info"):
                raise Rejected(Reason.UNSUPPORTED, "the sound is encrypted")
            try:
                frames = stream.decode(packet)
            except MemoryError:
                raise
            except DECODE_ERRORS as error:
                faults.add_packet(_message(error))
                continue
            faults.add_packet("")
            for frame in frames:
                if timeline is None:
                    collector.add(frame)
                    continue
                if silence := timeline.silence_before(frame, collector.seconds_since(0)):
                    collector.add_silence(silence)
                collector.add(frame, timeline.n_frames_before_end(frame))
            if collector.is_complete:
                break
    except DemuxError as error:
        promised = _promised_seconds(media, stream)
        is_complete = promised is not None and collector.seconds_since(n_before) >= promised
        if not is_complete and not _is_padding(file, end_of_packets):
            faults.container = faults.container or str(error)
    collector.flush()


def _rejection(cutter: ExcerptCutter, collector: AvFrameCollector, faults: _Faults, missing: str) -> Rejected | None:
    """Return why an excerpt is not accepted, or None. A few broken packets are accepted when the recording reaches its end."""
    fault = str(faults)
    if n_broken := faults.n_broken_beyond_limit(cutter):
        return Rejected(Reason.CORRUPT, f"{n_broken} packets cannot be decoded, the first: {fault}")
    if missing:
        fault = fault or missing
    elif cutter.excerpt.end is None and cutter.n_frames:
        fault = faults.container
    return cutter.rejection(min(collector.n_decoded, cutter.first_frame), fault)


def _ends_early(file: IO[bytes], media: InputContainer, stream: av.AudioStream, seconds: float) -> bool:
    """Return whether the container promises clearly more than the decoded `seconds`. False where it cannot know its duration."""
    if media.format.name == "ogg" and stream.time_base is not None:
        promised: float | None = float(n_granules(file, stream.index) * stream.time_base)
    else:
        promised = _promised_seconds(media, stream)
    return promised is not None and seconds < promised - MISSING_END


def _promised_seconds(media: InputContainer, stream: av.AudioStream) -> float | None:
    """Return how long the stream is by its container; None where that is not known, or an estimate."""
    if media.format.name in ESTIMATED_DURATION:
        return None
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    if media.duration is not None and not media.streams.video:
        return float(media.duration / av.time_base)
    return None


def _is_padding(file: IO[bytes], at: int) -> bool:
    """Return whether all that a file holds after `at`, but a few bytes of the container, are zeros."""
    file.seek(at)
    n_other = 0
    while piece := file.read(PIECE_BYTES):
        n_other = max(n_other, len(piece.rstrip(b"\0"))) if not n_other else n_other + len(piece.strip(b"\0"))
        if n_other > MAX_TRAILER_BYTES:
            return False
    return True


def _packets(media: InputContainer, stream: av.AudioStream) -> Iterator[av.Packet]:
    """Yield the packets of a stream until the file ends.

    Raises:
        DemuxError: the container cannot be read any further.
    """
    for _ in range(MAX_GAPS):
        try:
            yield from media.demux(stream)
            return
        except MemoryError:
            raise
        except av.error.BlockingIOError:  # MPEG-TS: no packet in the bytes that were read; there may be some in the next ones
            continue
        except DECODE_ERRORS as error:
            raise DemuxError(_message(error)) from error


class _Faults:
    """The first error of a packet, the error that ended reading a container (empty when there was none), and counts of packets."""

    def __init__(self, cutters: Sequence[ExcerptCutter]):
        self.packet = ""
        self.container = ""
        self._counts = {cutter: [0, 0] for cutter in cutters}  # packets, and broken ones, until the excerpt was complete

    def add_packet(self, error: str) -> None:
        """Count a packet, and its error if it has one."""
        self.packet = self.packet or error
        for cutter, counts in self._counts.items():
            if not cutter.is_complete:
                counts[0] += 1
                counts[1] += bool(error)

    def n_broken_beyond_limit(self, cutter: ExcerptCutter) -> int:
        """Return how many packets were broken until an excerpt was complete, where they are too many to accept it; else 0."""
        n_packets, n_broken = self._counts[cutter]
        return n_broken if n_broken > max(MAX_BROKEN_PACKETS, MAX_BROKEN_SHARE * n_packets) else 0

    def __str__(self) -> str:
        return self.packet or self.container

    def __bool__(self) -> bool:
        return bool(str(self))


def _message(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error))[:120]
