"""Recording -> waveform of the wanted excerpt: libsndfile where it is exact and fast, FFmpeg's libraries for the rest.

What is decoded is bounded by what was asked for, not by what a header promises. Positions count decoded frames from the
first one, never the container's timestamps.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.records import Reason, Rejected, Waveform
from transforms.decode_av import decode_av
from transforms.decode_soundfile import NotForSoundfileError, decode_soundfile
from transforms.excerpt import Excerpt
from transforms.sniff import HEAD, has_xing_header, sniff

FOR_SOUNDFILE = frozenset({"wav", "flac"})


def decode(path: Path, excerpt: Excerpt) -> Waveform:
    """Return the excerpt of the recording in a local file, mixed to mono, at the recording's own rate.

    Raises:
        Rejected: `empty`, `not_audio`, `corrupt`, `out_of_range` or `too_long`.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
        if not head:
            raise Rejected(Reason.EMPTY, "no bytes")
        container = sniff(head)
        if container is None:
            raise Rejected(Reason.NOT_AUDIO, f"begins with {head[:24]!r}")
        if container in FOR_SOUNDFILE or (container == "mp3" and has_xing_header(head)):
            try:
                return decode_soundfile(path, excerpt)
            except NotForSoundfileError:  # a codec or a header that libsndfile refuses and FFmpeg may read
                file.seek(0)
        file.seek(0)
        return decode_av(file, container, excerpt)
