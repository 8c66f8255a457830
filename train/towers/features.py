"""Turn waveforms into the log-mel features of the published CLAP models (Wu et al. 2023, sections 3.2 and 3.3).

48 kHz mono; Hann windows of 1,024 frames every 480 (centred, reflected at the ends); 64 mels over 50-14,000 Hz; dB, without an upper limit.
Models with feature fusion were trained on HTK mels without norm, the others on Slaney mels with norm (about 22 dB lower).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from transformers.audio_utils import mel_filter_bank

SAMPLE_RATE = 48_000  # Hz
CLIP_FRAMES = 480_000  # 10 s
N_FFT = 1024
HOP = 480
N_MELS = 64
LOWEST, HIGHEST = 50.0, 14_000.0  # Hz
MEL_FRAMES = CLIP_FRAMES // HOP + 1
WINDOWS_PER_BLOCK = 128  # windows transformed together: with their spectra 1 MB, as much as the cache of one core
REFLECTED = -(-N_FFT // 2 // HOP)  # mel frames at each end whose windows hold reflected frames


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
        return Features(mel_of_ten_seconds(crop(waveform, rng), "slaney")[None], False)
    n_mel_frames = len(waveform) // HOP + 1
    if n_mel_frames <= MEL_FRAMES:
        return Features(mel_of_ten_seconds(waveform, "htk").expand(4, -1, -1), False)
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


def mel_of_ten_seconds(waveform: Tensor, scale: str) -> Tensor:
    """Return the mel (1001, 64) in dB of a waveform of at most 1001 mel frames, which is repeated and padded."""
    ten_seconds = repeat_and_pad(waveform)
    frames = first_repeats(len(waveform))
    silent = torch.nonzero(is_silent(ten_seconds, frames))[:, 0]
    return log_mel(ten_seconds, frames.index_put_((silent,), silent[:1]), scale)  # all silent windows are equal


def repeat_and_pad(waveform: Tensor) -> Tensor:
    """Repeat a short waveform as often as it fits completely into 10 s, then pad with zeros. Waveforms of 10 s and more stay."""
    if not len(waveform):
        raise ValueError("the waveform is empty")
    if len(waveform) >= CLIP_FRAMES:
        return waveform
    repeated = waveform.repeat(CLIP_FRAMES // len(waveform))
    return nn.functional.pad(repeated, (0, CLIP_FRAMES - len(repeated)))


def first_repeats(n_frames: int) -> Tensor:
    """Return for each of the 1001 mel frames of a repeated waveform the first mel frame with an equal window: often itself.

    There are others if the waveform, of n_frames, has a multiple of 480 frames and fits twice into 10 s.

    >>> first_repeats(240_000)[[499, 501, 502, 998, 999]].tolist()  # frames 502 to 998 repeat 2 to 498
    [499, 501, 2, 498, 999]
    """
    frames = torch.arange(MEL_FRAMES)
    if n_frames % HOP or n_frames > CLIP_FRAMES // 2:
        return frames
    sound_end = CLIP_FRAMES // n_frames * n_frames
    periodic = (frames >= REFLECTED) & (frames * HOP + N_FFT // 2 <= sound_end)
    return torch.where(periodic, REFLECTED + (frames - REFLECTED) % (n_frames // HOP), frames)


def is_silent(waveform: Tensor, frames: Tensor) -> Tensor:
    """Return for each mel frame whether its window lies in chunks of 480 zeros: (len(frames),) bool."""
    complete = waveform[: len(waveform) // HOP * HOP].view(-1, HOP)
    begin_with_zero = torch.nonzero(complete[:, 0] == 0)[:, 0]  # few in most clips, so that few are read completely
    if not len(begin_with_zero):
        return torch.zeros(len(frames), dtype=torch.bool)
    silent = torch.zeros(len(complete) + 1, dtype=torch.bool)  # the incomplete chunk at the end counts as sound
    silent[begin_with_zero] = complete[begin_with_zero].abs().amax(1) == 0
    touched = frames[:, None] + torch.arange(-REFLECTED, REFLECTED)  # reflected frames lie in the outermost chunks
    return silent[touched.clamp(0, len(silent) - 1)].all(1)


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
    """Return mels (len(frames), 64) in dB of the given mel frames. scale: see mel_bank.

    Only these are computed, and each once, however often it is given. The bits of one do not depend on which others are computed.
    """
    bank, first, last = _nonzero_bank(scale)
    needed, positions = frames.unique(return_inverse=True)
    mel = torch.empty(-(-len(needed) // WINDOWS_PER_BLOCK) * WINDOWS_PER_BLOCK, N_MELS)
    weighted = torch.empty(WINDOWS_PER_BLOCK, N_FFT)
    squares = torch.empty(WINDOWS_PER_BLOCK, last - first, 2)  # of real and imaginary parts
    power = torch.zeros(WINDOWS_PER_BLOCK, last - first)  # multiplied with all its rows: products of a few rows are rounded otherwise
    for start in range(0, len(needed), WINDOWS_PER_BLOCK):
        block = windows(waveform, needed[start : start + WINDOWS_PER_BLOCK])
        n = block.shape[0]
        spectrum = torch.view_as_real(torch.fft.rfft(torch.mul(block, _hann(), out=weighted[:n])))[:, first:last]
        real, imaginary = torch.mul(spectrum, spectrum, out=squares[:n]).unbind(2)
        torch.add(real, imaginary, out=power[:n])
        torch.mm(power, bank, out=mel[start : start + WINDOWS_PER_BLOCK])
    return mel.clamp_(min=1e-10).log10_().mul_(10)[positions]


def windows(waveform: Tensor, frames: Tensor) -> Tensor:
    """Return the windows (len(frames), 1024) centred on frames * 480. The waveform is reflected at both ends.

    frames: ascending. The result may share memory with the waveform.
    """
    first, last = int(frames[0]), int(frames[-1])
    if last - first + 1 == frames.shape[0] and first >= REFLECTED and last * HOP + N_FFT // 2 <= waveform.shape[0]:
        return waveform[first * HOP - N_FFT // 2 : last * HOP + N_FFT // 2].unfold(0, N_FFT, HOP)  # without gaps: nothing is copied
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
