"""Say which frames of a recording an excerpt needs, and whether the decoded frames are enough."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.records import Reason, Rejected

END_TOLERANCE = 0.5  # seconds that an excerpt may end after its recording: tables hold rounded times
MIN_RATE, MAX_RATE = 1_000, 768_000  # Hz
MAX_CHANNELS = 64


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The part of a recording from `start` to before `end`, both in seconds.

    `end` is None for an excerpt that reaches to the end of the recording. No excerpt may be longer than `max_seconds`.
    `offset` is where the file begins that holds the recording, or a section of it: seconds after the recording's first frame.
    """

    start: float = 0.0
    end: float | None = None
    max_seconds: float = 7200.0
    offset: float = 0.0

    @property
    def is_full_recording(self) -> bool:
        """Whether the excerpt is the recording from its first frame to its last."""
        return self.start == self.offset == 0.0 and self.end is None

    def span(self, rate: int) -> tuple[int, int]:
        """Return the number of the first frame in the file, and how many frames to decode at most.

        One frame more than `max_seconds` allow is decoded, so that `check` sees that there are too many. Times are rounded in the
        recording, so that a section of it gives the frames that the full recording gives.

        Args:
            rate: of the recording, Hz.

        >>> Excerpt(0.5, 1.25).span(1000), Excerpt(0.5, None, max_seconds=2.0).span(1000)
        ((500, 750), (500, 2001))
        """
        first_frame = round(self.start * rate)
        max_frames = int(self.max_seconds * rate) + 1
        n_frames = max_frames if self.end is None else min(round(self.end * rate) - first_frame, max_frames)
        return first_frame - round(self.offset * rate), n_frames

    def check(self, n_frames: int, n_before: int, rate: int, fault: str) -> None:
        """Accept the decoded frames of the excerpt, or raise Rejected.

        Args:
            n_frames: frames decoded of the excerpt.
            n_before: frames of the file that lie before the excerpt.
            rate: of the recording, Hz.
            fault: why decoding ended before the end of the recording; empty when it did not.

        Raises:
            Rejected: `too_long`, `corrupt`, `out_of_range` or `empty`.
        """
        seconds = (n_before + n_frames) / rate + self.offset
        if n_frames > self.max_seconds * rate:
            raise Rejected(Reason.TOO_LONG, f"longer than {self.max_seconds:g} s")
        first_frame, n_wanted = self.span(rate)
        if fault and (self.end is None or n_frames < n_wanted):
            raise Rejected(Reason.CORRUPT, f"{fault} after {seconds:.2f} s")
        if n_frames == 0 and first_frame == 0 and n_before == 0:
            raise Rejected(Reason.EMPTY, "no frames")
        if n_frames == 0 or (self.end is not None and n_frames < n_wanted - END_TOLERANCE * rate):
            until = "its end" if self.end is None else f"{self.end:g} s"
            raise Rejected(Reason.OUT_OF_RANGE, f"excerpt from {self.start:g} s to {until}, but the recording has {seconds:.2f} s")


def check_format(rate: int, n_channels: int) -> None:
    """Accept a sample rate in Hz and a number of channels.

    Raises:
        Rejected: `corrupt`, for values that no recording has.
    """
    if not MIN_RATE <= rate <= MAX_RATE:
        raise Rejected(Reason.CORRUPT, f"the sample rate is {rate} Hz; possible are {MIN_RATE} to {MAX_RATE} Hz")
    if not 1 <= n_channels <= MAX_CHANNELS:
        raise Rejected(Reason.CORRUPT, f"the number of channels is {n_channels}; possible are 1 to {MAX_CHANNELS}")
