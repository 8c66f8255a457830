"""Read where the header of a container says that the file ends: MP4, Matroska, ASF, AVI, VOC, NIST SPHERE and others.

The duration that a container gives is not enough: FFmpeg replaces it by an estimate where the end is missing, and a film may last
longer than its sound.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import IO

from transforms.audio.declared_length import MAX_CHUNKS, DeclaredAudio, declared_audio, end_of_audio

ASF_PROPERTIES = b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"  # name of the object that holds the file's size
ASF_HEAD_BYTES = 1 << 16
EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"  # elements of Matroska (RFC 9559, section 5.1)
AVR_HEADER_BYTES = 128
NIST_FIELD = re.compile(rb"^(sample_count|channel_count|sample_n_bytes) -i (\d{1,15})\b", re.MULTILINE)


def declared_length(file: IO[bytes], container: str, at: int = 0) -> DeclaredAudio | None:
    """Return what the header of a file says about where it ends; None where it says nothing.

    Args:
        file: open for reading; its position changes.
        container: as `sniff` returns it.
        at: offset of the header.
    """
    read = READERS.get(container)
    if read is None:
        return declared_audio(file, at)
    file_bytes = file.seek(0, os.SEEK_END)
    file.seek(at)
    end = read(file, at, file_bytes)
    return None if end is None else DeclaredAudio(at, end)


def _end_of_avi(file: IO[bytes], at: int, file_bytes: int) -> int | None:
    size = int.from_bytes(file.read(8)[4:], "little")
    return end_of_audio(at + 8, size, file_bytes, 4) or file_bytes


def _end_of_mp4(file: IO[bytes], at: int, file_bytes: int) -> int | None:
    """Return the end of the first box that does not fit into the file. A complete file says its duration as well."""
    position = at
    for _ in range(MAX_CHUNKS):
        file.seek(position)
        header = file.read(16)
        size, name = int.from_bytes(header[:4]), header[4:8]
        if size == 1:
            size = int.from_bytes(header[8:16])
        if len(header) < 8 or size < 8 or not name.isalnum():
            return None
        position += size
        if position > file_bytes:
            return position
    return None


def _end_of_matroska(file: IO[bytes], at: int, file_bytes: int) -> int | None:
    """Return the end of the segment; None where its size is unknown, as in a stream."""
    if file.read(4) != EBML:
        return None
    size, n_width = _ebml_size(file.read(8))
    segment = at + 4 + n_width + size
    if segment > file_bytes:
        return segment
    file.seek(segment)
    header = file.read(12)
    size, n_width = _ebml_size(header[4:])
    is_unknown = not n_width or size == (1 << 7 * n_width) - 1
    return segment + 4 + n_width + size if header.startswith(SEGMENT) and not is_unknown else None


def _ebml_size(data: bytes) -> tuple[int, int]:
    """Return a number as EBML writes it, and of how many bytes it is (RFC 8794, section 4)."""
    n_width = 9 - data[0].bit_length() if data and data[0] else 0
    return int.from_bytes(data[:n_width]) & ((1 << 7 * n_width) - 1), n_width


def _end_of_asf(file: IO[bytes], at: int, file_bytes: int) -> int | None:
    head = file.read(ASF_HEAD_BYTES)
    at_properties = head.find(ASF_PROPERTIES)
    properties = head[at_properties : at_properties + 92]
    if at_properties < 0 or len(properties) < 92:
        return None
    is_broadcast = properties[88] & 1
    size = int.from_bytes(properties[40:48], "little")
    return file_bytes if is_broadcast or not size else at + size


def _end_of_voc(file: IO[bytes], at: int, file_bytes: int) -> int | None:
    """Return the end of the last block; a size of 0 is that of a writer that did not come back."""
    position = at + int.from_bytes(file.read(22)[20:], "little")
    for _ in range(MAX_CHUNKS):
        file.seek(position)
        header = file.read(4)
        size = int.from_bytes(header[1:], "little")
        if len(header) < 4 or header[0] == 0:
            return max(position, at + 1)
        position += 4 + size
        if position > file_bytes:
            return position
    return None


def _end_of_nist(file: IO[bytes], at: int, file_bytes: int) -> int | None:
    head = file.read(1 << 14)
    fields = {name: int(value) for name, value in NIST_FIELD.findall(head)}
    first = head[8:16].strip()
    if len(fields) < 2 or b"sample_count" not in fields or not first.isdigit() or b"shorten" in head:
        return None
    frame_bytes = fields.get(b"channel_count", 1) * fields.get(b"sample_n_bytes", 1)
    return at + int(first) + fields[b"sample_count"] * frame_bytes


def _end_of_dsf(file: IO[bytes], at: int, file_bytes: int) -> int | None:
    """Return the end of the data chunk, which follows two chunks of fixed length (DSF file format specification 1.01)."""
    file.seek(at + 80)
    header = file.read(12)
    return at + 80 + int.from_bytes(header[4:], "little") if header.startswith(b"data") else None


def _end_of_avr(file: IO[bytes], at: int, file_bytes: int) -> int | None:
    """Return the end of the audio, as if it had one channel: writers count frames, or the values of all channels."""
    header = file.read(AVR_HEADER_BYTES)
    return at + AVR_HEADER_BYTES + int.from_bytes(header[26:30]) * (int.from_bytes(header[14:16]) // 8) or None


def _end_of_sds(file: IO[bytes], at: int, file_bytes: int) -> int | None:
    """Return the end of the last packet: 21 bytes of header, then packets of 127 bytes of which 120 are audio (MIDI Sample Dump)."""
    header = file.read(21)
    if len(header) < 21:
        return None
    n_values = header[10] | header[11] << 7 | header[12] << 14
    per_packet = 120 // max(1, -(-header[6] // 7))
    return at + 21 + 127 * -(-n_values // max(1, per_packet))


def _end_of_ircam(file: IO[bytes], at: int, file_bytes: int) -> int | None:
    """Return the end of the header, which has 1,024 bytes, if the file does not have them; it says nothing of the audio."""
    end = at + 1024
    return end if end > file_bytes else None


def _end_of_realmedia(file: IO[bytes], at: int, file_bytes: int) -> int | None:
    """Return the end of the data chunk; FFmpeg counts its header of 18 bytes twice."""
    declared = declared_audio(file, at)
    return None if declared is None else declared.end and declared.end - 18


READERS: dict[str, Callable[[IO[bytes], int, int], int | None]] = {
    "avi": _end_of_avi,
    "mov": _end_of_mp4,
    "matroska": _end_of_matroska,
    "asf": _end_of_asf,
    "voc": _end_of_voc,
    "nistsphere": _end_of_nist,
    "dsf": _end_of_dsf,
    "rm": _end_of_realmedia,
    "ircam": _end_of_ircam,
    "avr": _end_of_avr,
    "sds": _end_of_sds,
}
