"""Make the temporary folder that the processes of one user share on a machine."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path


def private_folder() -> Path:
    """Return a folder of this user below the temporary folder, which no other user can write to; the same for all processes.

    Where its name is taken by another user, or leads elsewhere, a new folder for this process alone is returned.
    """
    home = Path(tempfile.gettempdir()) / f"laion-audio-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        home.mkdir(mode=0o700)
    state = home.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid():  # made by another user, who could read and change it
        return Path(tempfile.mkdtemp(prefix="laion-audio-"))
    return home
