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
from transforms.sniff import HEAD, has_xing_header, sniff, tag_length


def decode(path: Path, excerpt: Excerpt) -> Waveform:
    """Return the excerpt of the recording in a local file, mixed to mono, at the recording's own rate.

    Raises:
        Rejected: `empty`, `not_audio`, `corrupt`, `out_of_range` or `too_long`.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
        if not head:
            raise Rejected(Reason.EMPTY, "no bytes")
        if behind := tag_length(head):
            file.seek(behind)
            head = file.read(HEAD)
        container = sniff(head)
        if container is None or not head:
            raise Rejected(Reason.NOT_AUDIO, f"{'behind its tag ' if behind else ''}begins with {head[:24]!r}")
        if for_soundfile(container, head):
            try:
                return decode_soundfile(path, excerpt)
            except NotForSoundfileError:
                pass  # a codec or a header that libsndfile refuses and FFmpeg may read
        file.seek(0)
        return decode_av(file, "id3" if behind else container, excerpt)


def for_soundfile(container: str, head: bytes) -> bool:
    """Return whether libsndfile reads such a recording best; `head` begins behind a tag, if there is one.

    FFmpeg drops the last packet of ALAC in CAF. It reads an MP3 without a frame count to its end, where libsndfile guesses
    how long it is and stops there.
    """
    if container == "mp3":
        return has_xing_header(head)
    return container in {"wav", "flac"} or (container == "caf" and b"alac" in head[:64])
