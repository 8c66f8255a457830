"""Read or write a sound file from front to back, block by block, with libsndfile."""

from __future__ import annotations

import soundfile


class StreamingSoundFile(soundfile.SoundFile):
    """A sound file without the seek that soundfile makes after every block.

    That seek goes to the current position. It resets the decoder all the same: an MP3 is damaged there, and decoding takes a
    fifth longer. An explicit call of `seek` works as in soundfile.
    """

    def seekable(self) -> bool:
        """Return False: soundfile then leaves the position to libsndfile."""
        return False
