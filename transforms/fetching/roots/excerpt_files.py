"""Find files of an `audio_root` that hold an excerpt of a YouTube video and not all of it: their names say so."""

from __future__ import annotations

import collections
from collections.abc import Sequence

from pipeline.records import Clip
from sources.metadata.file_names import FileNames, ambiguous
from sources.metadata.youtube_excerpts import file_excerpt

SCHEME = "youtube:"
TOLERANCE = 0.01  # seconds between the start of a clip and that in the name of its file
END_TOLERANCE = 0.5  # seconds between their ends: tables and downloaders round differently


class ExcerptFiles:
    """The files of a folder or an archive whose names hold a video and times, by video."""

    def __init__(self, names: FileNames):
        self._names = names
        self._by_video: dict[str, list[tuple[float, float | None, str]]] = collections.defaultdict(list)
        for stem, files in names.by_stem.items():
            if (excerpt := file_excerpt(stem)) is not None:
                video, start, end = excerpt
                self._by_video[video] += [(start, end, name) for name in files]

    def find(self, clip: Clip) -> str | None:
        """Return the name of the file that holds the excerpt of a clip, and nothing else; `None` when there is none.

        Raises:
            Rejected: `ambiguous`, when several files are named after the excerpt.
        """
        if clip.start is None or (video := video_of_recording(clip)) is None:
            return None
        begin = [(end, name) for start, end, name in self._by_video.get(video, ()) if abs(start - clip.start) <= TOLERANCE]
        equal = [name for end, name in begin if end is not None and clip.end is not None and abs(end - clip.end) <= END_TOLERANCE]
        return self._only(clip, equal or [name for end, name in begin if end is None or clip.end is None])

    def _only(self, clip: Clip, names: Sequence[str]) -> str | None:
        if len({self._names.identity_of(name) for name in names}) > 1:
            raise ambiguous(clip.id, names)
        return min(names, default=None)


def video_of_recording(clip: Clip) -> str | None:
    """Return the video that a clip is cut from; `None` for other recordings."""
    return clip.recording.removeprefix(SCHEME) if clip.recording.startswith(SCHEME) else None
