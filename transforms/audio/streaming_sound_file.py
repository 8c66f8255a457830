"""Sound files that libsndfile reads or writes from front to back, a block at a time."""

from __future__ import annotations

import soundfile


class StreamingSoundFile(soundfile.SoundFile):
    """A sound file whose blocks follow each other, without the seek that soundfile makes after each of them.

    That seek goes to where the file stands already, but makes a decoder begin anew: an MP3 comes out damaged there, and a
    fifth of its time goes into it. A jump that is meant, by `seek`, works as ever.
    """

    def seekable(self) -> bool:
        """Return False, for which soundfile leaves the position to libsndfile."""
        return False
