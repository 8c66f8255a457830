"""Decode the FLAC of samples: by dr_flac, which takes about half the time of libsndfile and gives the same bits."""

from io import BytesIO

import numpy as np
import soundfile
import torch
from miniaudio import DecodeError, flac_get_info, flac_read_f32
from torch import Tensor

from train.towers.features import CLIP_FRAMES, SAMPLE_RATE, crop_start


def decode(flac: bytes, fused: bool, rng: np.random.Generator | None) -> Tensor:
    """Decode mono FLAC of 48 kHz to (n_frames,) float32. Without fusion: the 10 s that are used, drawn with rng, else the centre.

    Raise ValueError for another rate, several channels, no frames, frames that are missing, or what is no FLAC.
    """
    try:
        header = flac_get_info(flac)
        if (header.sample_rate, header.nchannels) != (SAMPLE_RATE, 1):
            raise ValueError(f"{header.sample_rate} Hz and {header.nchannels} channels, shards hold {SAMPLE_RATE} Hz and 1")
        if not header.num_frames:
            raise ValueError("by its header it has no frames")
        if fused or header.num_frames <= CLIP_FRAMES:
            return torch.from_numpy(_read_all(flac, header.num_frames))
        return torch.from_numpy(_read_ten_seconds(flac, header.num_frames, crop_start(header.num_frames, rng)))
    except (DecodeError, soundfile.LibsndfileError) as error:
        raise ValueError(f"its FLAC cannot be decoded: {error}") from error


def _read_ten_seconds(flac: bytes, n_frames: int, start: int) -> np.ndarray:
    """Decode 10 s from `start` on. Libsndfile finds and decodes them in the time in which dr_flac decodes 20 s."""
    if n_frames <= 2 * CLIP_FRAMES:
        return _read_all(flac, n_frames)[start : start + CLIP_FRAMES]
    with soundfile.SoundFile(BytesIO(flac)) as file:
        file.seek(start)
        return _complete(file.read(CLIP_FRAMES, dtype="float32"), CLIP_FRAMES)


def _read_all(flac: bytes, n_frames: int) -> np.ndarray:
    return _complete(np.frombuffer(flac_read_f32(flac).samples, np.float32), n_frames)


def _complete(frames: np.ndarray, n_frames: int) -> np.ndarray:
    """Raise ValueError if there are fewer frames than there should be: the decoders leave out damaged blocks."""
    if len(frames) < n_frames:
        raise ValueError(f"{len(frames)} of {n_frames} frames could be decoded")
    return frames
