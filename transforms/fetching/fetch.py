"""Clip -> recording: found in `audio_root`, beside the recipe, in the package, or fetched from its address."""

from __future__ import annotations

import re
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import file_digest
from importlib import resources
from pathlib import Path

from pipeline.records import Clip, Provenance, Reason, Recording, Rejected
from transforms.fetching.archives import AudioRoot, open_audio_root
from transforms.fetching.http import HttpClient, HttpSettings

BUNDLED = "bundled:"
SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):")

Fetch = Callable[[Clip, Path], Recording]
"""(clip, folder for what is downloaded) -> recording; raises Rejected."""


@dataclass(frozen=True)
class Fetcher:
    """Fetches the recording of a clip. One object serves all threads of a worker.

    Args:
        base: folder that plain paths and `audio_root` start from: the recipe's.
    """

    base: Path
    http: HttpSettings
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def __reduce__(self) -> tuple[type[Fetcher], tuple[Path, HttpSettings]]:
        return Fetcher, (self.base, self.http)  # open archives and connections stay behind

    def __call__(self, clip: Clip, work: Path) -> Recording:
        """Return the recording of `clip`; what has to be downloaded is written below `work`.

        Raises:
            Rejected: it cannot be had, with the reason.
        """
        if clip.audio_root is not None:
            found = self._root(clip.audio_root).find(clip.id, clip.url, work)
            if found is not None:
                return local_recording(found)
        scheme = SCHEME.match(clip.url)
        if not clip.url:
            raise Rejected(Reason.NOT_FOUND, f"id {clip.id!r} is not in {clip.audio_root}, and the row has no address")
        if scheme is None:
            return local_recording(self.base / clip.url)
        if clip.url.startswith(BUNDLED):
            return local_recording(bundled_path(clip.url))
        if scheme[1].lower() not in {"http", "https"}:
            raise Rejected(Reason.UNSAFE_ADDRESS, f"{scheme[1][:80]}: addresses are not fetched, only http and https")
        return self._client.download(clip.url, work)

    @cached_property
    def _client(self) -> HttpClient:
        return HttpClient(self.http)

    @cached_property
    def _roots(self) -> dict[str, AudioRoot]:
        return {}

    def _root(self, name: str) -> AudioRoot:
        with self._lock:  # one thread reads the list of names, the others wait for it
            if name not in self._roots:
                self._roots[name] = open_audio_root(self.base / name)
            return self._roots[name]


def local_recording(path: Path) -> Recording:
    """Return a file of the user's own as a recording.

    Raises:
        Rejected: `not_found`, `not_audio` for what is no file, or `forbidden` when it may not be read.
    """
    name = path.name[:80]
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
        raise Rejected(Reason.NOT_FOUND, f"{name!r} is not a name of a file") from error


def bundled_path(url: str) -> Path:
    """Return the file inside the package that `bundled:SOURCE/PATH` names.

    Raises:
        Rejected: `unsafe_address` when it would lead out of the package, `not_found` for a name that no file can have.
    """
    root = Path(str(resources.files("sources"))).resolve()
    name = url.removeprefix(BUNDLED)
    if "\0" in name:
        raise Rejected(Reason.NOT_FOUND, f"{name[:80]!r} is not a name of a file")
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise Rejected(Reason.UNSAFE_ADDRESS, "leads out of the bundled sounds")
    return path
