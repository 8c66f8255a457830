"""Read from the headers of WAV and MP3 what decides which decoder is exact."""

from typing import Literal, NamedTuple

EXTENSIBLE = 0xFFFE  # codec of a WAV whose codec stands in its longer header
STREAMED = 0x7F000000  # sizes from here on are those of programs that did not know the length
MP3_HEADER = slice(4, 44)  # bytes of a frame in which the name of a header begins
MOST_TAGS = 8  # before a recording
LARGEST_FRAME = 1441 + 4  # bytes of MP3, and of the checksum that some writers count


CUT = "the file ends before its audio does"


class WavAudio(NamedTuple):
    """The codec of a WAV, and where its audio ends. end: 0 where the header does not say it."""

    codec: int
    end: int


def wav_audio(data: bytes) -> WavAudio | None:
    """Return what the chunks of a WAV say; None for any other file, and where no audio is found."""
    if data[:4] not in (b"RIFF", b"RIFX", b"RF64", b"BW64") or data[8:12] != b"WAVE":
        return None
    order: Literal["little", "big"] = "big" if data[:4] == b"RIFX" else "little"
    codec, at = 0, 12
    while at + 8 <= len(data):
        name, size, first = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], order), at + 8
        if name == b"fmt ":
            codec = int.from_bytes(data[first : first + 2], order)
            if codec == EXTENSIBLE:
                codec = int.from_bytes(data[first + 24 : first + 28], order)
        if name == b"data":
            return WavAudio(codec, 0 if size == 0 or size >= STREAMED else first + size)
        at = first + size + size % 2
    return None


def is_counted_mp3(data: bytes) -> bool:
    """Return whether a file is MP3 with a Xing or Info header that counts its frames, and all of its bytes.

    libsndfile decodes as many frames as that header says, and guesses the number where there is none. Raise ValueError if the
    header counts more bytes than there are.
    """
    at = tag_bytes(data)
    if data[at : at + 1] != b"\xff" or data[at + 1 : at + 2] < b"\xe0":
        return False
    frame, end = data[at : at + 200], len(data) - (128 if data[-128:-125] == b"TAG" else 0)
    header = max(frame.find(b"Xing", MP3_HEADER.start, MP3_HEADER.stop), frame.find(b"Info", MP3_HEADER.start, MP3_HEADER.stop))
    flags = int.from_bytes(frame[header + 4 : header + 8]) if header >= 0 else 0
    declared = int.from_bytes(frame[header + 8 + 4 * (flags & 1) :][:4])
    if flags & 2 and declared > end - at + LARGEST_FRAME:
        raise ValueError(CUT)
    return flags & 3 == 3 and end - at - declared <= LARGEST_FRAME


def tag_bytes(data: bytes) -> int:
    """Return the length of the ID3v2 tags that a file begins with; 0 without one.

    >>> tag_bytes(b"ID3\\x04\\x00\\x00\\x00\\x00\\x01\\x00"), tag_bytes(b"fLaC")
    (138, 0)
    """
    at = 0
    for _ in range(MOST_TAGS):
        head = data[at : at + 10]
        if not head.startswith(b"ID3") or len(head) < 10:
            break
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 0x7F
        at += 10 + size + (10 if head[5] & 0x10 else 0)
    return at
