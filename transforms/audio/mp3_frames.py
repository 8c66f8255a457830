"""Walk the frames of an MP3, to compare what its Xing, Info or VBRI header says with the frames that are there.

libsndfile believes such a header: of joined files it decodes the first one, and with a wrong count only a part.
"""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass
from typing import IO

from transforms.audio.sniff import id3_length

BITRATES = {
    (3, 3): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (3, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (3, 1): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 3): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 1): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""(version, layer) as they stand in a frame's header -> kbit/s (ISO 11172-3 and 13818-3); version 0 (MPEG 2.5) has those of 2."""
RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
SAME_STREAM = 0xFFFE0C00  # bits of a frame's header that are equal in all frames of a stream: sync, version, layer, rate
LAYER_3 = 1
MONO = 0xC0  # bits of a frame's header
HEADER_NAMES = frozenset({b"Xing", b"Info", b"VBRI"})
RELEASED_BYTES = 1 << 22
SYNC = re.compile(rb"\xff[\xe2-\xff]")
MAX_STRAY_SHARE = 0.1  # of the bytes of a damaged MP3 that may belong to no frame and no tag


@dataclass(frozen=True, slots=True)
class Mp3Frames:
    """The frames of an MP3, and what its header says about them.

    Bytes count from the first frame to the end of the last one. `n_frames` leaves out the frame that is the header. `n_stray` counts
    bytes between frames that belong to no tag, `n_trailing` those after the last frame. `n_declared` and `declared_bytes` are
    what the header says; None where there is none.
    """

    n_frames: int
    n_bytes: int
    n_stray: int
    n_headers: int
    n_trailing: int
    is_contiguous: bool
    is_layer_3: bool
    has_partial_frame: bool
    max_frame_bytes: int
    n_declared: int | None
    declared_bytes: int | None

    @property
    def is_exact(self) -> bool:
        """Whether a Xing or Info header agrees with the frames and the bytes of the file, and nothing lies between the frames."""
        agrees = self.n_declared == self.n_frames and abs((self.declared_bytes or self.n_bytes) - self.n_bytes) <= self.slack
        is_alone = self.is_contiguous and self.n_headers == 1 and 100 * self.n_trailing <= self.n_bytes and not self.has_partial_frame
        return agrees and is_alone and self.is_layer_3

    @property
    def is_cut(self) -> bool:
        """Whether the end of the file is missing: the header promises more frames and more bytes than there are.

        A header that is wrong in one of the two only is no sign of a missing end. Without a count of bytes, a header may be wrong
        by two frames.
        """
        if self.n_declared is not None and self.n_frames >= self.n_declared:
            return False
        if self.declared_bytes is not None:
            return self.declared_bytes > self.n_bytes + self.slack
        return self.n_declared is not None and self.n_frames + 2 < self.n_declared

    @property
    def fault(self) -> str:
        """What is wrong with the file: its end is missing, or it is damaged beyond what is accepted; empty when nothing is."""
        if self.is_cut:
            return "the file ends"
        is_damaged = self.n_stray > MAX_STRAY_SHARE * self.n_bytes
        return f"{self.n_stray} of {self.n_bytes} bytes belong to no frame" if is_damaged else ""

    @property
    def slack(self) -> int:
        """Return how many bytes a count may be wrong: writers count the frame that is the header, or do not."""
        return self.max_frame_bytes + 4


def walk_mp3_frames(file: IO[bytes], at: int) -> Mp3Frames | None:
    """Return the frames of an MP3 whose first frame begins at `at`; None when none begins there.

    Takes 0.6 ms for 1,000 frames (26 s of sound). The file is mapped, and no more than RELEASED_BYTES of it are in memory at once.
    """
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        first = int.from_bytes(data[at : at + 4]) if at + 4 <= len(data) else 0
        if not _frame_bytes(first):
            return None
        return _Walk(data, at, first).frames()


class _Walk:
    """One walk over the frames of a file."""

    def __init__(self, data: mmap.mmap, at: int, first: int):
        self._data, self._at, self._first = data, at, first
        self._stop = _tags_at_the_end(data, at)
        self._end = at  # of the last frame
        self._n_frames = self._n_stray = self._n_headers = self._longest = 0
        self._is_contiguous = True
        self._has_partial_frame = False

    def frames(self) -> Mp3Frames:
        """Walk to the end of the file; return what was found."""
        n_declared, declared_bytes = _read_header(self._data[self._at : self._at + 200])
        self._walk()
        return Mp3Frames(
            n_frames=self._n_frames,
            n_bytes=self._end - self._at,
            n_stray=self._n_stray,
            n_trailing=self._stop - self._end,
            n_headers=self._n_headers,
            is_contiguous=self._is_contiguous,
            is_layer_3=self._first >> 17 & 3 == LAYER_3,
            has_partial_frame=self._has_partial_frame,
            max_frame_bytes=self._longest,
            n_declared=n_declared,
            declared_bytes=declared_bytes,
        )

    def _walk(self) -> None:
        data, at, stop, released = self._data, self._at, self._stop, 0
        stream, sizes = self._first & SAME_STREAM, FRAME_BYTES
        stereo, mono = (36, 21) if self._first >> 19 & 3 == 3 else (21, 13)  # where the side information of a frame ends
        while at < stop:
            if at - released > RELEASED_BYTES:
                n_pages = (at - released) // mmap.PAGESIZE
                data.madvise(mmap.MADV_DONTNEED, released, n_pages * mmap.PAGESIZE)
                released += n_pages * mmap.PAGESIZE
            header = int.from_bytes(data[at : at + 4])
            size = sizes[header >> 9 & 0xFFF] if header & SAME_STREAM == stream else 0
            if not size:
                at = self._skip(at)
                continue
            if at + size > stop:
                self._has_partial_frame = True
                return
            name_at = at + (mono if header & MONO == MONO else stereo)
            if data[name_at : name_at + 4] in HEADER_NAMES:
                self._n_headers += 1
            else:
                self._n_frames += 1
            self._longest = max(self._longest, size)
            at += size
            self._end = at

    def _skip(self, at: int) -> int:
        """Return where the next frame begins, after a tag or bytes that belong to nothing."""
        if tag_bytes := id3_length(self._data[at : at + 10]):
            self._is_contiguous = False
            return at + tag_bytes
        stream, begin = self._first & SAME_STREAM, at
        while (match := SYNC.search(self._data, at + 1, self._stop)) is not None:
            at = match.start()
            header = int.from_bytes(self._data[at : at + 4])
            size = _frame_bytes(header) if header & SAME_STREAM == stream else 0
            following = int.from_bytes(self._data[at + size : at + size + 4])
            if size and (at + size >= self._stop or following & SAME_STREAM == stream):
                self._is_contiguous = False
                self._n_stray += at - begin
                return at
        return self._stop  # what follows the last frame takes the place of none


def _read_header(frame: bytes) -> tuple[int | None, int | None]:
    """Return the numbers of frames and of bytes in a Xing, Info or VBRI header; None for what it does not give."""
    at = max(frame.find(b"Xing", 4, 44), frame.find(b"Info", 4, 44))
    if at >= 0:
        flags, fields = int.from_bytes(frame[at + 4 : at + 8]), at + 8
        n_frames = int.from_bytes(frame[fields : fields + 4]) if flags & 1 else None
        fields += 4 * (flags & 1)
        return n_frames, int.from_bytes(frame[fields : fields + 4]) if flags & 2 else None
    if frame[36:40] == b"VBRI":
        return int.from_bytes(frame[50:54]), int.from_bytes(frame[46:50])
    return None, None


def _tags_at_the_end(data: mmap.mmap, first: int) -> int:
    """Return where the audio ends: before tags of ID3v1, Lyrics3 and APE."""
    stop = len(data)
    if data[max(first, stop - 128) :].startswith(b"TAG"):
        stop -= 128
    if data[max(first, stop - 9) : stop] == b"LYRICS200" and data[stop - 15 : stop - 9].isdigit():
        stop = max(first, stop - 15 - int(data[stop - 15 : stop - 9]))
    footer = data[max(first, stop - 32) : stop]
    if footer.startswith(b"APETAGEX"):
        has_header = 32 if footer[23] & 0x80 else 0
        stop = max(first, stop - int.from_bytes(footer[12:16], "little") - has_header)
    return stop


def _frame_bytes(header: int) -> int:
    """Return the length of the frame that begins with these 32 bits; 0 when they are no header, or give no bit rate."""
    return FRAME_BYTES[header >> 9 & 0xFFF] if header >> 21 == 0x7FF else 0


def _frame_bytes_of(bits: int) -> int:
    """Return the length of frames, from the bits 20 to 9 of their headers."""
    version, layer, bitrate, rate, is_padded = bits >> 10, bits >> 8 & 3, bits >> 3 & 15, bits >> 1 & 3, bits & 1
    if version == 1 or layer == 0 or bitrate in {0, 15} or rate == 3:
        return 0
    per_second = 1000 * BITRATES[3 if version == 3 else 2, layer][bitrate - 1]
    if layer == 3:
        return (12 * per_second // RATES[version][rate] + is_padded) * 4
    factor = 72 if layer == LAYER_3 and version != 3 else 144
    return factor * per_second // RATES[version][rate] + is_padded


FRAME_BYTES = tuple(_frame_bytes_of(bits) for bits in range(4096))
