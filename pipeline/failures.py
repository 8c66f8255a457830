"""Failures of a whole command, as against those of a clip: each is said to a person, with its remedy."""

from __future__ import annotations

import re

OF_THE_DISK = re.compile(r"^(OSError|PermissionError|FileNotFoundError|NotADirectoryError)\b")


class EngineError(RuntimeError):
    """A step of a pipeline failed; the text is the worker's traceback."""

    @property
    def cause(self) -> str:
        """What went wrong, in the words of the error itself: the last line of the traceback.

        >>> EngineError("Traceback ...\\nRuntimeError: OSError: [Errno 28] No space left on device [while running 'Build']").cause
        'OSError: [Errno 28] No space left on device'
        """
        last = str(self).strip().splitlines()[-1].removeprefix("RuntimeError: ")
        return re.sub(r" \[while running '[^']*'\]$", "", last)

    @property
    def is_of_the_disk(self) -> bool:
        """Whether the disk or its rights were the cause, not a fault of the program."""
        return OF_THE_DISK.match(self.cause) is not None
