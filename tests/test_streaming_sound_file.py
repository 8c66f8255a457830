"""Blocks are read and written as if they were one, without a seek between them."""

import io

import numpy as np
import pytest
import soundfile

from transforms.audio.streaming_sound_file import StreamingSoundFile

NOISE = np.random.default_rng(2).integers(-9000, 9000, 20_000).astype(np.int16)


class CountedSeeks(io.BytesIO):
    n_seeks = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self.n_seeks += 1
        return super().seek(offset, whence)


def written(kind: type[soundfile.SoundFile], file: CountedSeeks, block: int) -> bytes:
    with kind(file, "w", 48_000, 1, format="FLAC", subtype="PCM_16") as sound:
        for at in range(0, len(NOISE), block):
            sound.write(NOISE[at : at + block])
    return file.getvalue()


def test_blocks_are_written_as_soundfile_writes_them_and_without_a_seek_after_each():
    few, many = CountedSeeks(), CountedSeeks()
    assert (
        written(StreamingSoundFile, few, 20_000)
        == written(StreamingSoundFile, many, 500)
        == written(soundfile.SoundFile, CountedSeeks(), 500)
    )
    assert many.n_seeks == few.n_seeks


@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("MP3", "MPEG_LAYER_III")])
def test_blocks_join_without_a_gap_and_an_explicit_seek_works(container, subtype):
    file = io.BytesIO()
    soundfile.write(file, NOISE, 48_000, format=container, subtype=subtype)
    file.seek(0)
    all_frames, _ = soundfile.read(file, dtype="int16")
    file.seek(0)
    with StreamingSoundFile(file) as sound:
        blocks = []
        while len(block := sound.read(out=np.empty((1000, 1), np.int16))):
            blocks.append(block.copy())
        assert np.array_equal(np.concatenate(blocks)[:, 0], all_frames)
        sound.seek(7000)
        assert np.array_equal(sound.read(100, dtype="int16"), all_frames[7000:7100])
