"""The end of the audio is where the header says, whatever chunks stand before it and in whatever byte order."""

import io
import struct

import pytest

from tests.sounds import RATE, by_soundfile, encoded, pcm16, tone, wav
from transforms.audio.declared_length import MAX_CHUNKS, declared_audio

PCM = pcm16(tone(1.0, n_channels=1))
LYING_CHUNKS = [b"metadata by hand", b"data" + struct.pack("<I", 4), b"xmp:MetadataDate database", b"data" * 2000, b"odd"]


def chunk(name: bytes, body: bytes, order: str = "<", pad: bool = True) -> bytes:
    return name + struct.pack(f"{order}I", len(body)) + body + (b"\0" if pad and len(body) % 2 else b"")


def with_chunks(*chunks: bytes, magic: bytes = b"RIFF", order: str = "<", claimed: int | None = None) -> bytes:
    """Return a WAV with chunks between its format and its audio."""
    form = struct.pack(f"{order}HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
    size = len(PCM) if claimed is None else claimed
    body = b"WAVE" + chunk(b"fmt ", form, order) + b"".join(chunks) + b"data" + struct.pack(f"{order}I", size) + PCM
    return magic + struct.pack(f"{order}I", len(body) & 0xFFFFFFFF) + body


def declared(data: bytes, at: int = 0):
    return declared_audio(io.BytesIO(data), at)


@pytest.mark.parametrize("text", LYING_CHUNKS)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("pad", [True, False])
def test_words_in_other_chunks_are_not_taken_for_the_audio(text, order, pad):
    data = with_chunks(chunk(b"LIST", text, order, pad), magic=b"RIFF" if order == "<" else b"RIFX", order=order)
    result = declared(data)
    assert (result.first, result.end, result.codec) == (len(data) - len(PCM), len(data), 1)
    assert not result.is_cut(len(data))
    assert result.is_cut(len(data) - len(PCM) // 2)


def test_the_header_may_stand_after_other_bytes():
    data = with_chunks(chunk(b"bext", b"data" * 3000))
    assert declared(bytes(77) + data, 77).end == 77 + len(data)


@pytest.mark.parametrize("magic", [b"RF64", b"BW64"])
def test_sizes_of_64_bits_stand_in_a_chunk_of_their_own(magic):
    sizes = chunk(b"ds64", struct.pack("<QQQI", 0, len(PCM), 0, 0))
    data = with_chunks(sizes, magic=magic, claimed=0xFFFFFFFF)
    assert declared(data).end == len(data)
    assert declared(data[:-1000]).is_cut(len(data) - 1000)


@pytest.mark.parametrize("size", [0, 0x7F000000, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_sizes_that_a_writer_left_open_mean_nothing(size):
    assert declared(wav(PCM, claimed=size)).end is None


@pytest.mark.parametrize("size", [len(PCM) + 2, 1 << 24, 0x7EFFFFFF])
def test_other_sizes_beyond_the_end_mean_that_bytes_are_missing(size):
    data = wav(PCM, claimed=size)
    assert declared(data).is_cut(len(data))


@pytest.mark.parametrize(
    ("container", "subtype", "n_more"),
    [("W64", "PCM_16", 0), ("AIFF", "PCM_16", 0), ("CAF", "PCM_16", 0), ("AU", "PCM_16", 0), ("SVX", "PCM_16", 0), ("RF64", "PCM_24", 0)],
)
def test_every_kind_of_chunks_is_walked(container, subtype, n_more):
    data = by_soundfile(tone(1.0, n_channels=1), RATE, container, subtype)
    result = declared(data)
    assert result.end - result.first == pytest.approx(RATE * (3 if subtype == "PCM_24" else 2), abs=16)
    assert not result.is_cut(len(data))
    assert result.is_cut(len(data) * 3 // 4)


def test_the_codec_of_an_extensible_wav_is_that_of_its_subformat():
    assert declared(encoded("wavex")).codec == 1
    assert declared(encoded("wav_float")).codec == 3
    assert declared(wav(PCM, tag=0x31)).codec == 0x31


def test_sizes_that_a_writer_left_open_are_repaired_where_decoders_believe_them():
    data = bytearray(encoded("aiff_16"))
    at = data.index(b"SSND")
    data[at + 4 : at + 8] = data[4:8] = bytes(4)
    result = declared(bytes(data))
    assert result.end is None
    assert dict(result.repair) == {4: struct.pack(">I", len(data) - 8), at + 4: struct.pack(">I", len(data) - at - 8)}


@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b".snd\0\0", with_chunks()[:40], b"OggS" + bytes(100)])
def test_files_without_audio_chunk_say_nothing(data):
    assert declared(data) is None


def test_no_more_than_a_bounded_number_of_chunks_is_examined():
    assert declared(with_chunks(*[chunk(b"junk", b"")] * (MAX_CHUNKS + 1))) is None
    assert declared(with_chunks(*[chunk(b"junk", b"")] * 100)).end is not None
