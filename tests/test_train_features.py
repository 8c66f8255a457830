"""Log-mel features: equal to those of transformers where these are correct."""

import numpy as np
import pytest
import torch
from transformers import ClapFeatureExtractor

from train.towers.features import (
    CLIP_FRAMES,
    HOP,
    MEL_FRAMES,
    clip_features,
    crop_start,
    first_repeats,
    is_silent,
    log_mel,
    mel_bank,
    mel_of_ten_seconds,
    part_starts,
    repeat_and_pad,
    shrunk_frames,
    windows,
)

torch.set_num_threads(1)  # tests share their cores with others; waiting threads use CPU time
LENGTHS = (4_800, 100_000, 480_000, 480_001, 480_100, 481_000, 700_000)


@pytest.fixture(scope="module")
def extractor():
    return ClapFeatureExtractor(frequency_min=50, frequency_max=14_000)


def wave(n: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(n).normal(0, 0.1, n).astype(np.float32))


def theirs(extractor, waveform, truncation, monkeypatch):
    """Run transformers' extractor with its random choices replaced by the middle ones."""
    monkeypatch.setattr(np.random, "choice", lambda starts: starts[len(starts) // 2])
    monkeypatch.setattr(np.random, "randint", lambda low, high=None: (high - 1) // 2 if high else 0)
    return extractor(waveform.numpy(), truncation=truncation, sampling_rate=48_000, return_tensors="pt")["input_features"][0]


@pytest.mark.parametrize("n", LENGTHS)
def test_fused_features_equal_transformers(n, extractor, monkeypatch):
    ours = clip_features(wave(n), fused=True)
    difference = (ours.mel - theirs(extractor, wave(n), "fusion", monkeypatch)).abs()
    assert difference.max() < 5e-3  # dB, where a band is nearly empty
    assert difference.mean() < 1e-5


@pytest.mark.parametrize("n", LENGTHS)
def test_unfused_features_equal_transformers(n, extractor, monkeypatch):
    ours = clip_features(wave(n), fused=False)
    assert (ours.mel - theirs(extractor, wave(n), "rand_trunc", monkeypatch)).abs().max() < 1e-3


def test_only_clips_of_more_than_1001_mel_frames_are_longer():
    assert [clip_features(wave(n), True).longer for n in (480_000, 480_001, 480_479, 480_480)] == [False, False, False, True]


def test_a_short_clip_is_never_marked_as_longer_at_inference():
    assert not any(clip_features(wave(48_000), True).longer for _ in range(20))  # transformers marks a random one


def test_long_clips_have_the_same_features_twice():
    long = wave(1_500_000)
    assert torch.equal(clip_features(long, True).mel, clip_features(long, True).mel)
    assert torch.equal(clip_features(long, False).mel, clip_features(long, False).mel)


def test_random_cuts_depend_on_the_generator_alone():
    long = wave(1_500_000)
    first, again, other = (clip_features(long, True, np.random.default_rng(seed)).mel for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert torch.equal(first[0], other[0])  # nothing is drawn for the shrunk clip
    assert not torch.equal(first[1:], other[1:])


def test_parts_come_from_their_thirds_in_order():
    rng = np.random.default_rng(0)
    for _ in range(50):
        front, middle, back = part_starts(4001, rng)
        assert 0 <= front <= 1000 < middle <= 2000 < back <= 3000


def test_a_barely_longer_clip_has_empty_thirds_which_begin_at_zero():
    assert part_starts(1002, np.random.default_rng(0))[2] == 0


def test_a_short_clip_is_repeated_as_often_as_it_fits_then_padded():
    filled = repeat_and_pad(torch.ones(200_000))
    assert len(filled) == CLIP_FRAMES
    assert filled[:400_000].all() and not filled[400_000:].any()


def test_an_empty_waveform_is_refused():
    with pytest.raises(ValueError, match="empty"):
        repeat_and_pad(torch.empty(0))


def test_features_do_not_pass_through_int16():
    quiet = wave(CLIP_FRAMES) * 1e-5  # below one step of 16 bits
    assert clip_features(quiet, True).mel.std() > 1


def test_windows_are_reflected_at_both_ends():
    x = wave(5000)
    padded = torch.nn.functional.pad(x[None], (512, 512), mode="reflect")[0]
    frames = torch.arange(5000 // HOP + 1)
    assert torch.equal(windows(x, frames), padded.unfold(0, 1024, HOP)[: len(frames)])


def test_log_mel_equals_a_plain_stft():
    x = wave(20_000)
    stft = torch.stft(x, 1024, HOP, window=torch.hann_window(1024), return_complex=True).abs().square().T
    expected = 10 * (stft @ mel_bank("slaney")).clamp(min=1e-10).log10()
    assert torch.allclose(log_mel(x, torch.arange(len(expected)), "slaney"), expected, atol=1e-3)


def one_by_one(waveform, frames):
    return torch.cat([log_mel(waveform, frame[None], "htk") for frame in frames])


def pause(x, first, last):
    return torch.cat([x[:first], torch.zeros(last - first), x[last:]])


@pytest.mark.parametrize(
    "short",
    [
        wave(1),
        wave(480),
        wave(1025),
        wave(48_000),
        wave(192_000),
        wave(240_001),
        wave(300_000),
        torch.zeros(48_000),
        pause(wave(240_000), 40_000, 200_000),
        pause(wave(470_000), 0, 300_000),
        pause(wave(480_400), 480_000, 480_399),  # a single frame after a second of silence
    ],
    ids=lambda x: str(len(x)),
)
def test_windows_that_are_left_out_have_the_bits_of_those_that_are_transformed(short):
    every = log_mel(repeat_and_pad(short), torch.arange(MEL_FRAMES), "htk")
    assert torch.equal(mel_of_ten_seconds(short, "htk"), every)


def test_the_bits_of_a_frame_do_not_depend_on_the_others_nor_on_their_order():
    x, rng = wave(700_000), np.random.default_rng(0)
    for n in (1, 2, 3, 7, 127, 129, 400):
        frames = torch.from_numpy(rng.integers(0, 1459, n))
        assert torch.equal(log_mel(x, frames, "htk"), log_mel(x, torch.arange(1459), "htk")[frames])
    assert torch.equal(one_by_one(x, torch.arange(0, 1459, 97)), log_mel(x, torch.arange(0, 1459, 97), "htk"))


def test_equal_windows_are_transformed_once():
    assert len(first_repeats(240_000).unique()) == 504  # 500 of a period, two at each end
    assert len(first_repeats(48_000).unique()) == 104
    assert torch.equal(first_repeats(240_001), torch.arange(MEL_FRAMES))


def test_only_windows_without_any_sound_are_silent():
    clip, frames = torch.zeros(CLIP_FRAMES), torch.arange(MEL_FRAMES)
    clip[240_000] = 1e-30
    loud = torch.nonzero(~is_silent(clip, frames))[:, 0].tolist()
    assert loud[:4] == [499, 500, 501, 502]  # whose chunks of 480 hold the frame
    assert set(loud[4:]) <= {999, 1000}
    in_windows = torch.nonzero(windows(clip, frames).any(1))[:, 0].tolist()
    assert set(in_windows) <= set(loud)


def test_htk_mels_are_18_to_26_db_above_slaney_mels():
    frames = torch.arange(MEL_FRAMES)
    gap = (log_mel(wave(CLIP_FRAMES), frames, "htk") - log_mel(wave(CLIP_FRAMES), frames, "slaney")).mean()
    assert 18 < gap < 26


def test_without_a_generator_the_centre_is_cut_and_with_one_every_start_occurs():
    assert crop_start(CLIP_FRAMES + 10, None) == 5
    rng = np.random.default_rng(0)
    assert {crop_start(CLIP_FRAMES + 3, rng) for _ in range(100)} == {0, 1, 2, 3}


def test_shrinking_weights_the_two_frames_around_each_position():
    low, high, weight = shrunk_frames(3003)  # three times as many: every third frame, from the second on
    assert low.tolist() == list(range(1, 3003, 3)) and not weight.any()
    low, high, weight = shrunk_frames(2002)
    assert (low[0], high[0], weight[0]) == (0, 1, 0.5) and (low[-1], high[-1]) == (2000, 2001)
    low, high, weight = shrunk_frames(1001)
    assert low.tolist() == list(range(1001)) and high[-1] == 1000 and not weight.any()


def test_silence_has_100_db_below_one():
    assert clip_features(torch.zeros(48_000), False).mel.unique().tolist() == [-100.0]


def test_features_have_the_documented_form():
    fused, plain = (clip_features(wave(48_000), fused) for fused in (True, False))
    assert fused.mel.shape == (4, 1001, 64) and plain.mel.shape == (1, 1001, 64) and not plain.longer
    assert torch.equal(fused.mel[0], fused.mel[3])
    assert fused.mel.dtype == torch.float32
