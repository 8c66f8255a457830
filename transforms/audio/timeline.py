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
    """The times of the frames of one stream, from the first one on. It is asked for every 20 ms of audio, so it uses floats."""

    def __init__(self, media: InputContainer, stream: av.AudioStream):
        self._tick = float(stream.time_base) if stream.time_base is not None else 0.0
        start = media.start_time / av.time_base if media.start_time else 0.0
        self._shift = -start if start > MAX_START else 0.0
        self._track_end = None if stream.duration is None else ((stream.start_time or 0) + stream.duration) * self._tick
        self._end = max(media.duration / av.time_base if media.duration else 0.0, self._track_end or 0.0) + self._shift
        self._ignored = IGNORED_START

    def silence_before(self, frame: av.AudioFrame, position: float) -> float:
        """Return how many seconds of silence lie before a frame.

        Nothing that was decoded is ever dropped: where timestamps go back, later ones count from there.

        Args:
            frame: the next decoded frame.
            position: seconds of the recording before it, silence included.
        """
        if frame.pts is None:
            return 0.0
        late, ignored = frame.pts * self._tick + self._shift - position, self._ignored
        self._ignored = IGNORED_HOLE
        if -IGNORED_STEP_BACK <= late <= ignored:
            return 0.0
        if late > 0 and (late <= BELIEVED_HOLE or position + late <= self._end):
            return late
        self._shift -= late
        return 0.0

    def n_frames_before_end(self, frame: av.AudioFrame) -> int:
        """Return how many frames of a decoded block lie before the end of the track, as the edit list of an MP4 gives it.

        The last packet has frames after it, which fill it up to the codec's size. All frames of a block that does not contain
        the end are used.
        """
        n_frames = frame.samples
        if self._track_end is None or frame.pts is None:
            return n_frames
        n_before = round((self._track_end - frame.pts * self._tick) * frame.sample_rate)
        return n_before if 0 < n_before < n_frames else n_frames
