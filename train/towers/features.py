"""Turn waveforms into the log-mel features of the published CLAP models (Wu et al. 2023, sections 3.2 and 3.3).

48 kHz mono; Hann windows of 1,024 frames every 480 (centred, reflected at the ends); 64 mels over 50-14,000 Hz; dB, without an upper limit.
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
WINDOWS_PER_BLOCK = 256  # windows transformed together: they fit into the processor's cache


@dataclass(frozen=True)
class Features:
    """Input of the audio tower for one clip.

    mel: dB, float32; with fusion (4, 1001, 64): shrunk clip, front, middle, back; without fusion (1, 1001, 64).
    longer: whether the clip has more than 10 s, so that front, middle and back are fused.
    """

    mel: Tensor
    longer: bool


def clip_features(waveform: Tensor, fused: bool, rng: np.random.Generator | None = None) -> Features:
    """Turn a mono waveform (n_frames,) of 48 kHz into features. With rng the cuts are drawn, without it they are the middle ones."""
    if not fused:
        ten_seconds = repeat_and_pad(crop(waveform, rng))
        return Features(log_mel(ten_seconds, torch.arange(MEL_FRAMES), "slaney")[None], False)
    n_mel_frames = len(waveform) // HOP + 1
    if n_mel_frames <= MEL_FRAMES:
        mel = log_mel(repeat_and_pad(waveform), torch.arange(MEL_FRAMES), "htk")
        return Features(mel.expand(4, -1, -1), False)
    low, high, weight = shrunk_frames(n_mel_frames)
    parts = [torch.arange(start, start + MEL_FRAMES) for start in part_starts(n_mel_frames, rng)]
    mel = log_mel(waveform, torch.cat([low, high, *parts]), "htk").view(5, MEL_FRAMES, N_MELS)
    shrunk = torch.lerp(mel[0], mel[1], weight[:, None])
    return Features(torch.cat([shrunk[None], mel[2:]]), True)


def crop(waveform: Tensor, rng: np.random.Generator | None) -> Tensor:
    """Cut 10 s out of a longer waveform: at random with rng, else the centre."""
    start = crop_start(len(waveform), rng)
    return waveform[start : start + CLIP_FRAMES]


def crop_start(n_frames: int, rng: np.random.Generator | None) -> int:
    """Return the first frame of a cut of 10 s out of n_frames: drawn with rng, else that of the centre.

    >>> crop_start(480_000, None), crop_start(480_100, None)
    (0, 50)
    """
    spare = max(0, n_frames - CLIP_FRAMES)
    return int(rng.integers(spare + 1)) if rng else spare // 2


def repeat_and_pad(waveform: Tensor) -> Tensor:
    """Repeat a short waveform as often as it fits completely into 10 s, then pad with zeros. Waveforms of 10 s and more stay."""
    if not len(waveform):
        raise ValueError("the waveform is empty")
    if len(waveform) >= CLIP_FRAMES:
        return waveform
    repeated = waveform.repeat(CLIP_FRAMES // len(waveform))
    return torch.nn.functional.pad(repeated, (0, CLIP_FRAMES - len(repeated)))


def part_starts(n_mel_frames: int, rng: np.random.Generator | None) -> list[int]:
    """Return the first mel frames of front, middle and back: drawn from each third of the possible ones; without rng the middle of it.

    >>> part_starts(4001, None), part_starts(1002, None)
    ([500, 1501, 2501], [0, 1, 0])
    """
    thirds = np.array_split(np.arange(n_mel_frames - MEL_FRAMES + 1), 3)
    return [int((rng.choice(third) if rng else third[len(third) // 2]) if len(third) else 0) for third in thirds]


def shrunk_frames(n_mel_frames: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return how to shrink to 1001 mel frames, bilinear without antialias: for each the two source frames and the weight of the second."""
    position = ((torch.arange(MEL_FRAMES) + 0.5) * (n_mel_frames / MEL_FRAMES) - 0.5).clamp(min=0)
    low = position.long()
    return low, (low + 1).clamp(max=n_mel_frames - 1), position - low


def log_mel(waveform: Tensor, frames: Tensor, scale: str) -> Tensor:
    """Return mels (len(frames), 64) in dB of the given mel frames; only these are computed. scale: see mel_bank."""
    bank, first, last = _nonzero_bank(scale)
    mel = torch.empty(len(frames), N_MELS)
    for start in range(0, len(frames), WINDOWS_PER_BLOCK):
        spectrum = torch.fft.rfft(windows(waveform, frames[start : start + WINDOWS_PER_BLOCK]).mul_(_hann()))[:, first:last]
        power = spectrum.real.square() + spectrum.imag.square()
        torch.mm(power, bank, out=mel[start : start + WINDOWS_PER_BLOCK])
    return mel.clamp_(min=1e-10).log10_().mul_(10)


def windows(waveform: Tensor, frames: Tensor) -> Tensor:
    """Return copies of the windows (len(frames), 1024) centred on frames * 480. The waveform is reflected at both ends."""
    starts = frames * HOP - N_FFT // 2
    inside = starts.clamp(0, len(waveform) - N_FFT)
    copies = waveform.unfold(0, N_FFT, 1).index_select(0, inside)
    outside = torch.nonzero(starts != inside)[:, 0]
    if len(outside):
        positions = (starts[outside, None] + torch.arange(N_FFT)).abs()
        copies[outside] = waveform[torch.where(positions < len(waveform), positions, 2 * (len(waveform) - 1) - positions)]
    return copies


@cache
def _hann() -> Tensor:
    return torch.hann_window(N_FFT)


@cache
def _nonzero_bank(scale: str) -> tuple[Tensor, int, int]:
    """Return the rows of the mel bank that are not zero, the first of them, and the first after them."""
    bank = mel_bank(scale)
    rows = torch.nonzero(bank.sum(1))[:, 0]
    first, last = int(rows[0]), int(rows[-1]) + 1
    return bank[first:last].contiguous(), first, last


def mel_bank(scale: str) -> Tensor:
    """Return triangular filters (513, 64). scale: "htk" has peaks of 1, "slaney" has filters of equal area."""
    norm = "slaney" if scale == "slaney" else None
    bank = mel_filter_bank(N_FFT // 2 + 1, N_MELS, LOWEST, HIGHEST, SAMPLE_RATE, norm=norm, mel_scale=scale)
    return torch.from_numpy(bank.astype(np.float32))
