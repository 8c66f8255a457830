"""FLAC of samples: the bits of libsndfile, and nothing from damaged files."""

import io
from collections import Counter

import numpy as np
import pytest
import soundfile
import torch

from tests.train_sets import flac, sound
from train.data.decode import decode
from train.towers.features import CLIP_FRAMES


def by_libsndfile(data: bytes) -> torch.Tensor:
    return torch.from_numpy(soundfile.read(io.BytesIO(data), dtype="float32")[0])


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
@pytest.mark.parametrize("kind", ["hum", "hiss", "clicks"])
@pytest.mark.parametrize("n_frames", [1, 4_095, 4_097, 100_000])
def test_the_bits_are_those_of_libsndfile(subtype, kind, n_frames):
    file = io.BytesIO()
    soundfile.write(file, np.resize(2.5 * sound(kind, 1, n_frames), n_frames), 48_000, format="FLAC", subtype=subtype)
    waveform = decode(file.getvalue(), True, None)
    assert waveform.dtype == torch.float32
    assert torch.equal(waveform, by_libsndfile(file.getvalue()))


@pytest.mark.parametrize("n_frames", [480_001, 600_000, 960_000, 960_001, 1_100_000])
def test_without_fusion_the_cut_has_the_bits_of_the_complete_clip(n_frames):
    data = flac((np.arange(n_frames) % 30_000 / 32_768).astype(np.float32))
    complete = decode(data, True, None)
    centre, drawn = decode(data, False, None), decode(data, False, np.random.default_rng(1))
    assert len(complete) == n_frames
    assert torch.equal(centre, complete[(n_frames - CLIP_FRAMES) // 2 :][:CLIP_FRAMES])
    start = int(np.random.default_rng(1).integers(n_frames - CLIP_FRAMES + 1))
    assert torch.equal(drawn, complete[start : start + CLIP_FRAMES])


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("seconds", [2, 11, 21])
def test_a_flac_that_ends_early_is_refused(fused, seconds):
    data = flac(sound("hiss", seconds, 0))
    with pytest.raises(ValueError, match=r"frames could be decoded|cannot be decoded"):
        decode(data[: len(data) // 2], fused, None)


def test_a_damaged_block_is_refused_and_not_left_out_even_beside_the_cut():
    data = bytearray(flac(sound("hiss", 12, 0)))
    data[len(data) // 40] ^= 1
    for fused in (True, False):
        with pytest.raises(ValueError, match="frames could be decoded"):
            decode(bytes(data), fused, None)


def test_damaged_files_give_the_right_frames_or_none():
    good = flac(sound("chirp", 0.3, 0))
    expected, rng = decode(good, True, None), np.random.default_rng(0)
    seen: Counter[str] = Counter()
    for n in range(200):
        data = bytearray(good)
        position = int(rng.integers(len(data) if n % 2 else 60))  # every second one in the header
        if n % 3:
            data[position] ^= 1 << int(rng.integers(8))
        else:
            del data[position : position + int(rng.integers(1, 50))]
        try:
            frames = decode(bytes(data), True, None)
        except ValueError:
            seen["refused"] += 1
            continue
        seen["decoded"] += 1  # with another checksum or number of frames in its header
        assert torch.equal(frames, expected[: len(frames)])
    assert seen["refused"] > 100 and seen["decoded"] > 10


def with_frames_in_header(n_frames: int) -> bytes:
    """Return a FLAC of a second with another number of frames in its header, which are 36 bits (RFC 9639, section 8.2)."""
    data = flac(sound("hum", 1, 0))
    return data[:21] + (data[21] >> 4 << 36 | n_frames).to_bytes(5) + data[26:]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cannot be decoded"),
        (b"RIFF" + bytes(100), "cannot be decoded"),
        (with_frames_in_header(0), "by its header it has no frames"),
        (flac(sound("hum", 1, 0), 44_100), "44100 Hz and 1 channels, shards hold 48000 Hz and 1"),
        (flac(np.zeros((4_800, 2), np.float32)), "48000 Hz and 2 channels"),
    ],
    ids=["empty", "wav", "no frames", "rate", "stereo"],
)
def test_what_is_no_sample_is_refused_with_the_reason(data, message):
    with pytest.raises(ValueError, match=message):
        decode(data, True, None)


@pytest.mark.parametrize("fused", [True, False])
def test_a_header_that_claims_three_weeks_takes_no_memory(fused):
    with pytest.raises(ValueError, match=r"frames could be decoded|cannot be decoded"):
        decode(with_frames_in_header((1 << 36) - 1), fused, None)
