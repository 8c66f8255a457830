"""The end of the audio is where the header says, whatever chunks stand before it and in whatever byte order."""

import io
import struct

import pytest

from tests.sounds import RATE, by_soundfile, encoded, pcm16, tone, wav
from transforms.audio.declared_length import MAX_CHUNKS, DeclaredAudio, declared_audio, end_of_audio

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


@pytest.mark.parametrize(
    ("first", "size", "file_bytes", "n_width", "end"),
    [
        (44, 0, 100, 4, None),
        (44, 56, 100, 4, 100),
        (44, 57, 100, 4, 101),
        (44, 0x7EFFFFFF, 100, 4, 44 + 0x7EFFFFFF),
        (44, 0x7F000000, 100, 4, None),
        (44, 0x7F000000, 44 + 0x7F000000, 4, 44 + 0x7F000000),
        (44, 0x7F000000, 100, 8, 44 + 0x7F000000),
        (44, 0x7FFFFFFF, 100, 8, None),
        (44, 0xFFFFFFFF, 100, 8, None),
        (44, 0xFFFFFFFF, 44 + 0xFFFFFFFF, 4, 44 + 0xFFFFFFFF),
        (44, (1 << 62) - 1, 100, 8, 43 + (1 << 62)),
        (44, 1 << 62, 100, 8, None),
    ],
)
def test_a_size_that_a_writer_left_open_is_no_end(first, size, file_bytes, n_width, end):
    assert end_of_audio(first, size, file_bytes, n_width) == end


@pytest.mark.parametrize(("end", "file_bytes", "is_cut"), [(None, 0, False), (10, 10, False), (11, 10, False), (12, 10, True)])
def test_one_byte_may_be_missing(end, file_bytes, is_cut):
    assert DeclaredAudio(4, end).is_cut(file_bytes) is is_cut


FORMAT = struct.pack("<HHIIHH", 1, 1, 8000, 16_000, 2, 16)
W64_TAIL = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"


@pytest.mark.parametrize(
    ("data", "result"),
    [
        (b"RIFF\0\0\0\0WAVE" + chunk(b"fmt ", FORMAT) + chunk(b"data", b"xy"), DeclaredAudio(44, 46, 1)),
        (b"RIFX\0\0\0\0WAVE" + chunk(b"data", b"xy", ">"), DeclaredAudio(20, 22)),
        (b"FORM\0\0\0\0AIFF" + chunk(b"SSND", b"xy", ">"), DeclaredAudio(20, 22)),
        (b"FORM\0\0\0\0AIFC" + chunk(b"SSND", b"xy", ">"), DeclaredAudio(20, 22)),
        (b"FORM\0\0\0\0" + b"8SVX" + chunk(b"BODY", b"xy", ">"), DeclaredAudio(20, 22)),
        (b"FORM\0\0\0\0" + b"16SV" + chunk(b"BODY", b"xy", ">"), DeclaredAudio(20, 22)),
        (b"FRM8" + bytes(8) + b"DSD " + b"DSD " + (2).to_bytes(8) + b"xy", DeclaredAudio(28, 30)),
        (b"caff\0\x01\0\0" + b"free" + (1).to_bytes(8) + b"z" + b"data" + (2).to_bytes(8) + b"xy", DeclaredAudio(33, 35)),
        (b"riff" + bytes(20) + b"wave" + bytes(12) + b"data" + W64_TAIL + (26).to_bytes(8, "little") + b"xy", DeclaredAudio(64, 66)),
        (
            b"riff"
            + bytes(20)
            + b"wave"
            + bytes(12)
            + b"junk"
            + bytes(12)
            + (25).to_bytes(8, "little")
            + b"z"
            + bytes(7)
            + b"data"
            + W64_TAIL
            + (26).to_bytes(8, "little")
            + b"xy",
            DeclaredAudio(96, 98),
        ),
        (b".RMF\0\0\0\x12" + bytes(10) + b"DATA" + (10).to_bytes(4) + b"xy", DeclaredAudio(26, 28)),
        (b".snd" + (28).to_bytes(4) + (5).to_bytes(4) + bytes(12), DeclaredAudio(28, 33)),
        (b"dns." + (28).to_bytes(4, "little") + (5).to_bytes(4, "little") + bytes(12), DeclaredAudio(28, 33)),
        (b".snd" + (28).to_bytes(4) + b"\xff" * 4 + bytes(12), DeclaredAudio(28, None)),
        (b".snd" + (28).to_bytes(4) + (5).to_bytes(4) + bytes(11), None),
        (b"RIFF\0\0\0\0WAVE" + chunk(b"LIST", b"odd", pad=False) + chunk(b"data", b"xy"), DeclaredAudio(31, 33)),
        (b"RIFF\0\0\0\0WAVE" + chunk(b"LIST", b"odd") + chunk(b"data", b"xy"), DeclaredAudio(32, 34)),
        (b"RIFF\0\0\0\0WAVE" + b"data\0\0\0\0", DeclaredAudio(20, None, None, ((4, b"\x0c\0\0\0"), (16, b"\0\0\0\0")))),
        (b"RIFF\0\0\0\0WAVE" + b"LIST\xff\0\0\0" + bytes(20), None),
        (
            b"RF64\xff\xff\xff\xffWAVE" + chunk(b"ds64", struct.pack("<QQQI", 9, 2, 9, 0)) + b"data\xff\xff\xff\xffxy",
            DeclaredAudio(56, 58),
        ),
        (b"RF64\xff\xff\xff\xffWAVE" + chunk(b"ds64", struct.pack("<QQQI", 9, 9, 9, 0)) + chunk(b"data", b"xy"), DeclaredAudio(56, 58)),
    ],
)
@pytest.mark.parametrize("at", [0, 5])
def test_the_audio_is_the_chunk_of_its_name(data, result, at):
    moved = result and DeclaredAudio(
        result.first + at, result.end and result.end + at, result.codec, tuple((offset + at, size) for offset, size in result.repair)
    )
    assert declared(bytes(at) + data, at) == moved


def test_an_extensible_format_has_its_codec_behind():
    body = struct.pack("<HHIIHH", 0xFFFE, 1, 8000, 16_000, 2, 16) + bytes(8) + b"\3\0" + bytes(14)
    assert declared(b"RIFF\0\0\0\0WAVE" + chunk(b"fmt ", body) + chunk(b"data", b"xy")).codec == 3


@pytest.mark.parametrize(("n_chunks", "is_found"), [(MAX_CHUNKS - 1, True), (MAX_CHUNKS, False)])
def test_the_number_of_chunks_has_a_limit(n_chunks, is_found):
    assert (declared(b"RIFF\0\0\0\0WAVE" + chunk(b"junk", b"") * n_chunks + chunk(b"data", b"xy")) is not None) is is_found
    assert MAX_CHUNKS == 4096
