"""FLAC decodes to the frames that were written; long FLAC is a file."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.records import SAMPLE_RATE
from transforms.audio import encode as module
from transforms.audio.encode import IN_MEMORY, FlacWriter, long_flac

NOISE = np.random.default_rng(1).integers(-32768, 32768, 30_000).astype(np.int16)
LONG_NOISE = np.tile(NOISE, 160)  # 9 MB as FLAC


def encode_flac(frames: np.ndarray, folder: Path = Path("/nowhere"), block: int = 65_536) -> bytes | Path:
    writer = FlacWriter(folder)
    for at in range(0, len(frames), block):
        writer.write(frames[at : at + block])
    return writer.finish()


@pytest.mark.parametrize("frames", [NOISE, NOISE[:1], np.zeros(4096, np.int16), np.full(100, -32768, np.int16)], ids=len)
def test_flac_decodes_to_the_frames_that_were_written(frames):
    with soundfile.SoundFile(io.BytesIO(encode_flac(frames))) as sound:
        assert (sound.format, sound.subtype, sound.channels, sound.samplerate) == ("FLAC", "PCM_16", 1, SAMPLE_RATE)
        assert np.array_equal(sound.read(dtype="int16"), frames)


def test_equal_frames_give_equal_bytes_whatever_the_sizes_of_the_blocks():
    assert encode_flac(NOISE) == encode_flac(NOISE.copy()) == encode_flac(NOISE, block=1000) == encode_flac(NOISE, block=1)


def test_long_flac_is_a_file_in_the_folder_with_the_bytes_it_would_have_in_memory(tmp_path, monkeypatch):
    flac = encode_flac(LONG_NOISE, tmp_path)
    assert isinstance(flac, Path)
    assert flac.parent == tmp_path
    assert (flac.name.startswith("long-"), flac.suffix) == (True, ".flac")
    monkeypatch.setattr(module, "IN_MEMORY", 1 << 30)
    assert flac.read_bytes() == encode_flac(LONG_NOISE)
    assert IN_MEMORY == 8 << 20 < flac.stat().st_size


def test_flac_moves_to_a_file_above_the_limit_and_not_at_it(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "IN_MEMORY", len(encode_flac(NOISE)))
    assert isinstance(encode_flac(NOISE, tmp_path), bytes)
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(module, "IN_MEMORY", len(encode_flac(NOISE)) - 1)
    assert isinstance(encode_flac(NOISE, tmp_path), Path)


def test_discarded_flac_leaves_no_file(tmp_path):
    writer = FlacWriter(tmp_path)
    for block in np.split(LONG_NOISE, 100):
        writer.write(block)
    assert len(list(tmp_path.iterdir())) == 1
    writer.discard()
    assert not list(tmp_path.iterdir())


def test_short_flac_is_discarded_without_a_file(tmp_path):
    writer = FlacWriter(tmp_path)
    writer.write(NOISE)
    writer.discard()
    assert not list(tmp_path.iterdir())


def test_every_long_flac_has_a_new_file_that_stays(tmp_path):
    names = []
    for content in (b"a", b"b"):
        with long_flac(tmp_path) as file:
            file.write(content)
        names.append(Path(file.name))
    assert [name.read_bytes() for name in names] == [b"a", b"b"]
