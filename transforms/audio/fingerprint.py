"""Make the fingerprint of a sound: where its spectrum has peaks. Copies have most of these peaks, whatever their format, level and start.

A peak is a point of the spectrogram that is the loudest of a box around it, so no peak depends on where a clip begins. The landmarks of
A. Wang, "An industrial-strength audio search algorithm" (ISMIR 2003), are such peaks.

Equal frames give equal bytes: frames are filtered with whole numbers that float32 adds exactly, in any order. Then a transform in float64
follows, whose last bits may differ between processors; a peak differs only where two points of the spectrogram agree to the seven digits
of float32, and about 1 in 10**9 of such pairs then. Blocks of any size give equal bytes.
"""

from __future__ import annotations

import numpy as np

from pipeline.records import SAMPLE_RATE

HOP = 800  # frames at 48 kHz between two columns of the spectrogram: 1/60 s, so that a shift by whole seconds moves every peak exactly
HOPS_PER_SECOND = SAMPLE_RATE // HOP
DECIMATION = 4  # to 12 kHz: codecs and telephones keep what is below 5 kHz
WINDOW = 640  # frames at 12 kHz: 53 ms
LOW, HIGH = 10, 265  # bins of 18.75 Hz: 190 Hz to 5 kHz
BOX_HOPS, BOX_BINS = 5, 6  # half the size of the box in which a peak is the loudest: about 80 ms and 110 Hz to each side
PROMINENCE = 1.6  # power of a peak over the mean of its bin, and of its column, in the box: neither a constant tone nor a click has one
LEAST_SHARE = 1e-6  # of the loudest point of the same time: what is 60 dB below it does not survive a codec
CHUNK_HOPS = 960  # columns that are in memory at once: 16 s
SKIP = 255  # hops of an entry that holds no peak, and its bin


def _frames_for(n_hops: int) -> int:
    """Return how many frames the peaks of so many columns depend on, with one box before and behind them."""
    return (n_hops + 2 * BOX_HOPS - 1) * HOP + SPAN


def _low_pass() -> np.ndarray:
    """Return a filter of whole numbers below 5.2 kHz, the sum of whose sizes times 2**15 is less than 2**24: float32 adds it exactly."""
    n = 35
    at = np.arange(n) - (n - 1) / 2
    taps = np.sinc(2 * 5200 / SAMPLE_RATE * at) * (0.5 + 0.5 * np.cos(2 * np.pi * at / (n + 1)))
    return np.rint(taps / np.abs(taps).sum() * 500).astype(np.float32)


TAPS = _low_pass()
AT_ONCE = 12  # frames at 12 kHz that one row of a product gives
ROWS = 128  # multiplied at once: for more BLAS would start threads
COLUMNS = 32  # transformed at once: they fit into the cache of a core
FILTER = np.zeros((DECIMATION * (AT_ONCE - 1) + len(TAPS), AT_ONCE), np.float32)
for _column in range(AT_ONCE):
    FILTER[DECIMATION * _column : DECIMATION * _column + len(TAPS), _column] = TAPS
HANN = np.rint(2**20 * np.sin(np.pi * (np.arange(WINDOW) + 0.5) / WINDOW) ** 2)
LEAST_POWER = 200 / 12 * float(np.square(TAPS).sum() * np.square(HANN).sum())  # 23 dB above the noise of rounding to 16 bits
BEFORE = DECIMATION * WINDOW // 2  # zeros before the first frame, so that a column is centred on it
SPAN = DECIMATION * WINDOW + len(TAPS)  # frames at 48 kHz that a column is made of


class Fingerprinter:
    """Makes the fingerprint of frames that come block by block; memory does not depend on their number."""

    def __init__(self) -> None:
        self._blocks = [np.zeros(BOX_HOPS * HOP + BEFORE, np.int16)]  # the columns before the first one are silent
        self._n_waiting = len(self._blocks[0])
        self._n_frames = 0
        self._found: list[tuple[np.ndarray, np.ndarray]] = []  # the peaks of each full chunk

    def add(self, frames: np.ndarray) -> None:
        """Take the next frames: int16 `(n_frames,)`, mono, 48 kHz."""
        if not len(frames):
            return
        self._blocks.append(frames.copy())  # decoders write the next block into the same memory
        self._n_waiting += len(frames)
        self._n_frames += len(frames)
        if self._n_waiting >= _frames_for(CHUNK_HOPS):
            waiting = np.concatenate(self._blocks)
            while len(waiting) >= _frames_for(CHUNK_HOPS):
                self._found.append(_peaks(_powers(waiting, CHUNK_HOPS + 2 * BOX_HOPS)))
                waiting = waiting[CHUNK_HOPS * HOP :]
            self._blocks, self._n_waiting = [waiting], len(waiting)

    def made(self) -> bytes:
        """Return the fingerprint of the frames so far. It is empty where there is no peak, as in silence or one tone."""
        n_hops = self._n_frames // HOP + 1 - len(self._found) * CHUNK_HOPS
        waiting = np.concatenate(self._blocks)
        rest = [
            _peaks(_powers(waiting[first * HOP :], min(CHUNK_HOPS, n_hops - first) + 2 * BOX_HOPS))
            for first in range(0, n_hops, CHUNK_HOPS)
        ]
        chunks = self._found + rest
        times = np.concatenate([times + number * CHUNK_HOPS for number, (times, _) in enumerate(chunks)])
        return _entries(np.diff(times, prepend=0), np.concatenate([bins for _, bins in chunks])).tobytes()


def fingerprint(frames: np.ndarray) -> bytes:
    """Return the fingerprint of int16 frames `(n_frames,)`, mono, 48 kHz: two bytes a peak, at most some 100 peaks a second.

    >>> fingerprint(np.zeros(48000, np.int16))
    b''
    """
    maker = Fingerprinter()
    maker.add(frames)
    return maker.made()


def peaks_of(made: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return the peaks of a fingerprint in order of time: int64 `(n_peaks,)` hops of 1/60 s, and int64 `(n_peaks,)` bins of 18.75 Hz.

    >>> peaks_of(bytes([3, 10, 255, 255, 1, 20]))
    (array([  3, 259]), array([10, 20]))
    """
    entries = np.frombuffer(made[: len(made) // 2 * 2], np.uint8).reshape(-1, 2).astype(np.int64)
    is_peak = entries[:, 1] != SKIP
    return np.cumsum(entries[:, 0])[is_peak], entries[is_peak, 1]


def _powers(frames: np.ndarray, n_columns: int) -> np.ndarray:
    """Return the spectrogram of the first columns of frames at 48 kHz: power, float32 `(n_columns, HIGH - LOW)`."""
    hop = HOP // DECIMATION
    low = _low_band(frames, (n_columns - 1) * hop + WINDOW)
    columns = np.lib.stride_tricks.sliding_window_view(low, WINDOW)[::hop]
    powers = np.empty((n_columns, HIGH - LOW), np.float32)
    for first in range(0, n_columns, COLUMNS):
        spectrum = np.fft.rfft(columns[first : min(first + COLUMNS, n_columns)] * HANN)[:, LOW:HIGH]
        powers[first : first + COLUMNS] = np.square(spectrum.real) + np.square(spectrum.imag)
    return powers


def _low_band(frames: np.ndarray, n_wanted: int) -> np.ndarray:
    """Return at least `n_wanted` frames at 12 kHz: float32 whole numbers, the same on every machine; zeros follow the given frames."""
    step = DECIMATION * AT_ONCE
    n_rows = -(-n_wanted // AT_ONCE)
    used = np.zeros((n_rows - 1) * step + len(FILTER), np.float32)
    given = frames[: len(used)]
    used[: len(given)] = given
    rows = np.lib.stride_tricks.sliding_window_view(used, len(FILTER))[::step]
    low = np.empty((n_rows, AT_ONCE), np.float32)
    for first in range(0, n_rows, ROWS):
        low[first : first + ROWS] = np.ascontiguousarray(rows[first : first + ROWS]) @ FILTER
    return low.ravel()


def _peaks(powers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return columns and bins of the peaks of a spectrogram, in order; columns count from the end of the first box."""
    boxes = _running_max(_running_max(powers, BOX_HOPS).T, BOX_BINS, edge=True).T
    inner = powers[BOX_HOPS:-BOX_HOPS]
    least = np.maximum(LEAST_SHARE * boxes.max(axis=1, keepdims=True), LEAST_POWER)
    times, bins = np.nonzero((inner == boxes) & (inner > least))
    stands_out = inner[times, bins] > PROMINENCE * np.maximum(*_means_around(powers, times, bins))
    return times[stands_out], bins[stands_out]


def _means_around(powers: np.ndarray, times: np.ndarray, bins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each peak the mean power of its bin and of its column in its box."""
    over_time = powers[times[:, None] + np.arange(2 * BOX_HOPS + 1), bins[:, None]]
    near = np.clip(bins[:, None] + np.arange(-BOX_BINS, BOX_BINS + 1), 0, HIGH - LOW - 1)
    over_bins = powers[times[:, None] + BOX_HOPS, near]
    return over_time.mean(axis=1, dtype=np.float64), over_bins.mean(axis=1, dtype=np.float64)


def _running_max(values: np.ndarray, reach: int, edge: bool = False) -> np.ndarray:
    """Return the maximum of `2 * reach + 1` rows around each row that has so many; with `edge`, of every row."""
    if edge:
        values = np.pad(values, ((reach, reach), (0, 0)))
    n_wanted, width = 2 * reach + 1, 1
    highest = values
    while 2 * width <= n_wanted:
        highest = np.maximum(highest[:-width], highest[width:])
        width *= 2
    more = n_wanted - width
    return np.maximum(highest[: len(highest) - more], highest[more:]) if more else highest


def _entries(steps: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Return peaks as bytes `(n_entries, 2)`: hops since the peak before, and the bin; long steps get entries without a peak."""
    n_skips = steps // SKIP
    entries = np.full((len(steps) + int(n_skips.sum()), 2), SKIP, np.uint8)
    at = np.arange(len(steps)) + np.cumsum(n_skips)
    entries[at, 0], entries[at, 1] = steps % SKIP, bins
    return entries
