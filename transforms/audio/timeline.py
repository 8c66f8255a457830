"""Place the frames of MP4, Matroska and WebM at the times that their container gives them.

Tables of excerpts of films give the film's time. A track may begin later than the film, and may have holes; both become silence,
as in a player.
"""

from __future__ import annotations

import av
from av.container import InputContainer

TIMED_CONTAINERS = frozenset({"mov", "matroska"})  # as `sniff` returns them; their timestamps are those of the film
MAX_START = 10.0  # seconds; a container whose first timestamp is later is a piece of a longer one, and begins at that timestamp
IGNORED_START = 0.05  # seconds that a track may begin late without silence: less than two packets
IGNORED_HOLE = 0.2  # seconds; timestamps of recorders are not even, and a packet of AAC at 8 kHz has 0.13 s
IGNORED_STEP_BACK = 1.0  # seconds; a larger one is a container whose timestamps begin anew
BELIEVED_HOLE = 60.0  # seconds; a longer hole must end before the container says that it ends


class Timeline:
    """The times of the frames of one stream, from the first one on."""

    def __init__(self, media: InputContainer, stream: av.AudioStream):
        start = media.start_time / av.time_base if media.start_time else 0.0
        self._shift = -start if start > MAX_START else 0.0
        ends = [media.duration / av.time_base if media.duration else 0.0]
        if stream.duration and stream.time_base is not None:
            ends.append(float(((stream.start_time or 0) + stream.duration) * stream.time_base))
        self._end = max(ends) + self._shift
        self._ignored = IGNORED_START

    def silence_before(self, frame: av.AudioFrame, position: float) -> float:
        """Return how many seconds of silence lie before a frame.

        Nothing that was decoded is ever dropped: where timestamps go back, later ones count from there.

        Args:
            frame: the next decoded frame.
            position: seconds of the recording before it, silence included.
        """
        if frame.pts is None or frame.time_base is None:
            return 0.0
        late, ignored = float(frame.pts * frame.time_base) + self._shift - position, self._ignored
        self._ignored = IGNORED_HOLE
        if -IGNORED_STEP_BACK <= late <= ignored:
            return 0.0
        if late > 0 and (late <= BELIEVED_HOLE or position + late <= self._end):
            return late
        self._shift -= late
        return 0.0


def end_of_track(stream: av.AudioStream) -> float | None:
    """Return the second at which the edit list of an MP4 ends the track; None where it is not known.

    The last packet has frames after it, which fill it up to the codec's size.
    """
    if stream.duration is None or stream.time_base is None:
        return None
    return float(((stream.start_time or 0) + stream.duration) * stream.time_base)


def n_frames_before(frame: av.AudioFrame, end: float | None) -> int:
    """Return how many frames of a decoded block lie before `end`; all of them if the block does not contain it."""
    if end is None or frame.pts is None or frame.time_base is None:
        return frame.samples
    n_frames = round((end - float(frame.pts * frame.time_base)) * frame.sample_rate)
    return n_frames if 0 < n_frames < frame.samples else frame.samples
