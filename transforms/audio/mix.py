"""Mix decoded frames to mono, full scale at 32768. This comes before resampling, so that only one channel is resampled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FULL_SCALE_IN = {"int16": 32768.0, "int32": 2147483648.0, "uint8": 128.0, "float32": 1.0, "float64": 1.0}
FULL_SCALE = 32768.0  # of mono frames: they are rounded to int16 later without another multiplication
MAX_VALUE = 1e30  # finite values are clipped to this, so that products and sums of them fit into float32


def to_mono(frames: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the mean of the channels, full scale at 32768.0, and how many values were not finite.

    Every channel has the same weight, the LFE of 5.1 too. NaN becomes 0, infinities become full scale.

    Args:
        frames: `(n_frames, n_channels)` or `(n_frames,)`; int16, int32, uint8 (0 is at 128), float32 or float64.

    Returns:
        float32 `(n_frames,)`. One channel of int16 needs no mixing: it stays int16 and may share memory with `frames`.

    >>> to_mono(np.array([[16384, 0], [-32768, -32768]], np.int16))[0]
    array([  8192., -32768.], dtype=float32)
    """
    if frames.ndim == 1 or frames.shape[1] == 1:
        frames = frames.reshape(-1)
        if frames.dtype == np.int16:
            return frames, 0
    if frames.dtype.kind != "f" or not len(frames):
        return _mean(frames), 0
    with np.errstate(all="ignore"):  # the result is checked: a value that is not finite in any channel shows in the mix
        mixed = _mean(frames)
        if max(mixed.max(), -mixed.min()) <= MAX_VALUE:  # False for NaN too
            return mixed, 0
        n_nonfinite = frames.size - int(np.count_nonzero(np.isfinite(frames)))
        clean = np.nan_to_num(frames.astype(np.float64), nan=0.0, posinf=1.0, neginf=-1.0)
    return _mean(np.clip(clean, -MAX_VALUE / FULL_SCALE, MAX_VALUE / FULL_SCALE)), n_nonfinite


def _mean(frames: np.ndarray) -> np.ndarray:
    """Return the mean of the channels. Blocks are converted to float first: adding columns of integers takes twice as long."""
    n_channels = 1 if frames.ndim == 1 else frames.shape[1]
    scale = np.float32(FULL_SCALE / (FULL_SCALE_IN[frames.dtype.name] * n_channels))
    wide: NDArray[Any] = frames.astype(np.float64 if frames.dtype.name in {"int32", "float64"} else np.float32, copy=False)
    if frames.dtype.kind == "u":
        wide -= np.float32(FULL_SCALE_IN["uint8"])
    if frames.ndim == 1:
        return wide.astype(np.float32, copy=False) * scale
    mixed = wide[:, 0] + wide[:, 1]
    for channel in range(2, n_channels):  # column by column: np.mean over short rows takes 25 times as long
        mixed += wide[:, channel]
    mixed = mixed.astype(np.float32, copy=False)
    mixed *= scale
    return mixed
