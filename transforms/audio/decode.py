"""Recording -> frames of the wanted excerpts: libsndfile where it is exact and fast, FFmpeg's libraries for the rest.

What is decoded is bounded by what was asked for, not by what a header promises. Positions count decoded frames from the
first one, never the container's timestamps. Frames go by in blocks, so that an hour takes no more memory than ten seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.records import Reason, Rejected
from transforms.audio.av_frame_collector import UnsupportedByAvError
from transforms.audio.decode_av import decode_av
from transforms.audio.decode_ffmpeg import decode_ffmpeg
from transforms.audio.decode_soundfile import NotForSoundfileError, decode_soundfile
from transforms.audio.excerpt import Cut
from transforms.audio.sniff import HEAD, has_xing_header, sniff, tag_length


def decode(path: Path, cuts: Sequence[Cut]) -> list[Rejected | None]:
    """Feed every cut its frames of the recording in a local file, mono, at the recording's own rate.

    Returns:
        For every cut what is wrong with it (`corrupt`, `out_of_range`, `empty` or `too_long`), or None.

    Raises:
        Rejected: `empty`, `not_audio` or `corrupt`, when that goes for all of them.
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
                return decode_soundfile(path, cuts)
            except NotForSoundfileError:
                pass  # a codec or a header that libsndfile refuses and FFmpeg may read
        file.seek(0)
        try:
            return decode_av(file, "id3" if behind else container, cuts)
        except UnsupportedByAvError as refusal:
            found = decode_ffmpeg(path, container, cuts) if container else None
            if found is None:
                raise refusal.rejected from refusal
            return found


def for_soundfile(container: str, head: bytes) -> bool:
    """Return whether libsndfile reads such a recording best; `head` begins behind a tag, if there is one.

    FFmpeg drops the last packet of ALAC in CAF. It reads an MP3 without a frame count to its end, where libsndfile guesses
    how long it is and stops there.
    """
    if container == "mp3":
        return has_xing_header(head)
    return container in {"wav", "flac"} or (container == "caf" and b"alac" in head[:64])
