"""Which frames of a recording are wanted, how they are cut out of it as it goes by, and whether those that came will do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pipeline.records import Reason, Rejected, SourceFormat

OVERSHOOT = 0.5  # seconds that an excerpt may end after its recording does: tables round
RATES = (1_000, 768_000)  # Hz
MAX_CHANNELS = 64


@dataclass(frozen=True, slots=True)
class Excerpt:
    """[`start`, `end`) in seconds, to the end of the recording when `end` is None; never more than `max_seconds`."""

    start: float = 0.0
    end: float | None = None
    max_seconds: float = 7200.0

    @property
    def is_whole(self) -> bool:
        """Whether the whole recording is wanted."""
        return self.start == 0.0 and self.end is None

    def span(self, rate: int) -> tuple[int, int]:
        """Return the first frame and how many to decode at most: one more than allowed, so that an excess shows."""
        first = round(self.start * rate)
        most = int(self.max_seconds * rate) + 1
        return first, most if self.end is None else min(round(self.end * rate) - first, most)

    def check(self, n_frames: int, n_before: int, rate: int, fault: str) -> None:
        """Accept what was decoded, or say why not.

        Args:
            n_frames: frames decoded of the excerpt.
            n_before: frames of the recording that lie before it.
            fault: why decoding ended before the recording's own end, empty when it did not.

        Raises:
            Rejected: `too_long`, `corrupt`, `out_of_range` or `empty`.
        """
        seconds = (n_before + n_frames) / rate
        if n_frames > self.max_seconds * rate:
            raise Rejected(Reason.TOO_LONG, f"more than {self.max_seconds:g} s")
        first, n_wanted = self.span(rate)
        if fault and (self.end is None or n_frames < n_wanted):
            raise Rejected(Reason.CORRUPT, f"{fault} after {seconds:.2f} s")
        if n_frames == 0 and first == 0 and n_before == 0:
            raise Rejected(Reason.EMPTY, "no frames")
        if n_frames == 0 or (self.end is not None and n_frames < n_wanted - OVERSHOOT * rate):
            until = "the end" if self.end is None else f"{self.end:g} s"
            raise Rejected(Reason.OUT_OF_RANGE, f"{self.start:g} s to {until}, of a recording of {seconds:.2f} s")


class Sink(Protocol):
    """What becomes of an excerpt: told its format once, then given its frames in order."""

    def begin(self, source: SourceFormat) -> None:
        """Prepare for frames at the rate of `source`; called once, before any frame."""

    def take(self, frames: np.ndarray) -> None:
        """Take the next mono frames, int16 or float32, in steps of 16 bits; the array is the sink's own only until it returns."""


class Cut:
    """One excerpt of a recording that a decoder reads from front to back, block by block, once for all its excerpts."""

    def __init__(self, excerpt: Excerpt, sink: Sink):
        self.excerpt = excerpt
        self.source: SourceFormat | None = None
        self.first = self.n_wanted = self.n_frames = self.n_nonfinite = 0
        self._sink = sink

    @property
    def stop(self) -> int:
        """The frame of the recording behind the last that is wanted."""
        return self.first + self.n_wanted

    @property
    def is_full(self) -> bool:
        """Whether every wanted frame has come."""
        return self.source is not None and self.n_frames >= self.n_wanted

    def begin(self, source: SourceFormat) -> None:
        """Learn the format of the recording, before its first frame."""
        self.source = source
        self.first, self.n_wanted = self.excerpt.span(source.rate)
        self._sink.begin(source)

    def offer(self, at: int, frames: np.ndarray, n_nonfinite: int) -> None:
        """Take what is wanted of mono `frames`, the first of which is frame `at` of the recording; `n_nonfinite` were not finite."""
        wanted = frames[max(0, self.first - at) : max(0, self.stop - at)]
        if len(wanted):
            self.n_frames += len(wanted)
            self.n_nonfinite += n_nonfinite
            self._sink.take(wanted)

    def verdict(self, n_before: int, fault: str) -> Rejected | None:
        """Return what is wrong with what came, None where nothing is; as `Excerpt.check`."""
        assert self.source is not None  # there were frames
        try:
            self.excerpt.check(self.n_frames, n_before, self.source.rate, fault)
        except Rejected as rejected:
            return rejected
        return None


def check_format(rate: int, n_channels: int) -> None:
    """Raise Rejected (`corrupt`) for rates and channel counts that no recording has."""
    if not RATES[0] <= rate <= RATES[1]:
        raise Rejected(Reason.CORRUPT, f"sample rate {rate} Hz, possible: {RATES[0]}-{RATES[1]}")
    if not 1 <= n_channels <= MAX_CHANNELS:
        raise Rejected(Reason.CORRUPT, f"{n_channels} channels, possible: 1-{MAX_CHANNELS}")
