"""Fetch recordings from the user's own disk: paths relative to the recipe."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from pipeline.records import Clip, Provenance, Reason, Recording, Rejected
from transforms.fetching.addresses import scheme_of

MAX_NAME_SHOWN = 80  # characters


@dataclass(frozen=True, slots=True)
class LocalHandler:
    """Fetches files from the disk. `base` is the folder that relative paths start from: the recipe's."""

    base: Path

    def matches(self, clip: Clip) -> bool:
        """Return whether the clip names a path."""
        return bool(clip.url) and scheme_of(clip.url) is None

    def fetch(self, clip: Clip, work: Path) -> Recording:
        """Return the file itself; nothing is copied to `work`.

        Raises:
            Rejected: as `local_recording`.
        """
        return local_recording(self.base / clip.url)

    def local_file(self, clip: Clip) -> Path:
        """Return the file."""
        return self.base / clip.url


def local_recording(path: Path) -> Recording:
    """Return a file on this disk as a recording.

    Raises:
        Rejected: `not_found`, `not_audio` for folders, pipes and devices, or `forbidden` when the file may not be read.
    """
    name = path.name[:MAX_NAME_SHOWN]
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # opening a pipe would wait for ever, reading a device might never end
            raise Rejected(Reason.NOT_AUDIO, f"{name!r} is {'a folder' if stat.S_ISDIR(mode) else 'a pipe or a device'}, not a file")
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
            return Recording(path, Provenance(n_bytes=file.tell(), sha256=digest))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Rejected(Reason.NOT_FOUND, f"no file {name!r}") from error
    except PermissionError as error:
        raise Rejected(Reason.FORBIDDEN, f"{name!r} may not be read by this user") from error
    except OSError as error:  # a name too long, a loop of links, a dead disk
        raise Rejected(Reason.NOT_FOUND, f"{name!r} cannot be opened: {error.strerror}") from error
    except ValueError as error:  # a name with a NUL
        raise Rejected(Reason.NOT_FOUND, f"{name!r} is not a file name") from error
