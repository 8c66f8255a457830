"""Waveform -> log-mel frames as the published CLAP models see them (Wu et al. 2023, sections 3.2 and 3.3).

48 kHz mono; windows of 1,024 every 480 (hann, centred, reflected at the ends); 64 mels over 50-14,000 Hz; decibels, no ceiling.
Models with feature fusion were trained on HTK mels without norm, the others on Slaney mels with norm (about 22 dB lower).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor
from transformers.audio_utils import mel_filter_bank

SAMPLE_RATE = 48_000  # Hz
CLIP_FRAMES = 480_000  # 10 s
N_FFT = 1024
HOP = 480
N_MELS = 64
LOWEST, HIGHEST = 50.0, 14_000.0  # Hz
MEL_FRAMES = CLIP_FRAMES // HOP + 1
BLOCK = 256  # windows transformed at a time: they stay in the cache


@dataclass(frozen=True)
class Features:
    """What the audio tower gets of one clip.

    mel: dB, float32; (4, 1001, 64) with fusion (whole clip, front, middle, back), (1, 1001, 64) without.
    longer: whether front, middle and back are parts of a clip of more than 10 s, to be fused.
    """

    mel: Tensor
    longer: bool


def clip_features(waveform: Tensor, fused: bool, rng: np.random.Generator | None = None) -> Features:
    """Turn a mono waveform (n_frames,) of 48 kHz into features; without rng the cuts are in the middle, always the same."""
    if not fused:
        whole = fill(cut(waveform, rng))
        return Features(log_mel(whole, torch.arange(MEL_FRAMES), "slaney")[None], False)
    n_mel_frames = len(waveform) // HOP + 1
    if n_mel_frames <= MEL_FRAMES:
        mel = log_mel(fill(waveform), torch.arange(MEL_FRAMES), "htk")
        return Features(mel.expand(4, -1, -1), False)
    low, high, share = shrunk_frames(n_mel_frames)
    parts = [torch.arange(start, start + MEL_FRAMES) for start in part_starts(n_mel_frames, rng)]
    mel = log_mel(waveform, torch.cat([low, high, *parts]), "htk").view(5, MEL_FRAMES, N_MELS)
    shrunk = torch.lerp(mel[0], mel[1], share[:, None])
    return Features(torch.cat([shrunk[None], mel[2:]]), True)


def cut(waveform: Tensor, rng: np.random.Generator | None) -> Tensor:
    """Cut 10 s out of a longer waveform: at random, or the centre when there is no rng."""
    start = cut_start(len(waveform), rng)
    return waveform[start : start + CLIP_FRAMES]


def cut_start(n_frames: int, rng: np.random.Generator | None) -> int:
    """Say where a cut of 10 s begins in n_frames.

    >>> cut_start(480_000, None), cut_start(480_100, None)
    (0, 50)
    """
    spare = max(0, n_frames - CLIP_FRAMES)
    return int(rng.integers(spare + 1)) if rng else spare // 2


def fill(waveform: Tensor) -> Tensor:
    """Repeat a short waveform as often as it fits wholly into 10 s, then pad with zeros; longer ones stay."""
    if not len(waveform):
        raise ValueError("the waveform is empty")
    if len(waveform) >= CLIP_FRAMES:
        return waveform
    repeated = waveform.repeat(CLIP_FRAMES // len(waveform))
    return torch.nn.functional.pad(repeated, (0, CLIP_FRAMES - len(repeated)))


def part_starts(n_mel_frames: int, rng: np.random.Generator | None) -> list[int]:
    """Draw where front, middle and back begin, each from its third of the possible places; the middle one without rng.

    >>> part_starts(4001, None), part_starts(1002, None)
    ([500, 1501, 2501], [0, 1, 0])
    """
    thirds = np.array_split(np.arange(n_mel_frames - MEL_FRAMES + 1), 3)
    return [int((rng.choice(third) if rng else third[len(third) // 2]) if len(third) else 0) for third in thirds]


def shrunk_frames(n_mel_frames: int) -> tuple[Tensor, Tensor, Tensor]:
    """Bilinear resize to 1001 frames without antialias: the two frames each new one lies between, and the share of the second."""
    place = ((torch.arange(MEL_FRAMES) + 0.5) * (n_mel_frames / MEL_FRAMES) - 0.5).clamp(min=0)
    low = place.long()
    return low, (low + 1).clamp(max=n_mel_frames - 1), place - low


def log_mel(waveform: Tensor, frames: Tensor, scale: str) -> Tensor:
    """Return mels (len(frames), 64) in dB of the windows centred on the given frames; only those are computed."""
    bank, first, last = _audible(scale)
    mel = torch.empty(len(frames), N_MELS)
    for at in range(0, len(frames), BLOCK):
        spectrum = torch.fft.rfft(windows(waveform, frames[at : at + BLOCK]).mul_(_hann()))[:, first:last]
        power = spectrum.real.square() + spectrum.imag.square()
        torch.mm(power, bank, out=mel[at : at + BLOCK])
    return mel.clamp_(min=1e-10).log10_().mul_(10)


def windows(waveform: Tensor, frames: Tensor) -> Tensor:
    """Copy the windows (len(frames), 1024) centred on frames x 480, reflected at both ends of the waveform."""
    starts = frames * HOP - N_FFT // 2
    inside = starts.clamp(0, len(waveform) - N_FFT)
    copies = waveform.unfold(0, N_FFT, 1).index_select(0, inside)
    outside = torch.nonzero(starts != inside)[:, 0]
    if len(outside):
        places = (starts[outside, None] + torch.arange(N_FFT)).abs()
        copies[outside] = waveform[torch.where(places < len(waveform), places, 2 * (len(waveform) - 1) - places)]
    return copies


@cache
def _hann() -> Tensor:
    return torch.hann_window(N_FFT)


@cache
def _audible(scale: str) -> tuple[Tensor, int, int]:
    """Return the rows of the mel bank that are not zero, and which rows they are."""
    bank = mel_bank(scale)
    rows = torch.nonzero(bank.sum(1))[:, 0]
    first, last = int(rows[0]), int(rows[-1]) + 1
    return bank[first:last].contiguous(), first, last


def mel_bank(scale: str) -> Tensor:
    """Return triangular filters (513, 64): scale "htk" has peaks of 1, "slaney" filters of equal area."""
    norm = "slaney" if scale == "slaney" else None
    bank = mel_filter_bank(N_FFT // 2 + 1, N_MELS, LOWEST, HIGHEST, SAMPLE_RATE, norm=norm, mel_scale=scale)
    return torch.from_numpy(bank.astype(np.float32))
