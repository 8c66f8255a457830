"""Fetch recordings that are part of this package: addresses `bundled:SOURCE/PATH`."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from pipeline.records import Clip, Reason, Recording, Rejected
from transforms.fetching.local import MAX_NAME_SHOWN, local_recording

BUNDLED = "bundled:"


class BundledHandler:
    """Fetches recordings from the package."""

    def matches(self, clip: Clip) -> bool:
        """Return whether the clip names a file of the package."""
        return clip.url.startswith(BUNDLED)

    def fetch(self, clip: Clip, work: Path) -> Recording:
        """Return the file itself.

        Raises:
            Rejected: as `bundled_path` and `local_recording`.
        """
        return local_recording(bundled_path(clip.url))


def bundled_path(url: str) -> Path:
    """Return the file inside the package that `bundled:SOURCE/PATH` names.

    Raises:
        Rejected: `unsafe_address` when it would lead out of the package, `not_found` for a name that no file can have.
    """
    root = Path(str(resources.files("sources"))).resolve()
    name = url.removeprefix(BUNDLED)
    if "\0" in name:
        raise Rejected(Reason.NOT_FOUND, f"{name[:MAX_NAME_SHOWN]!r} is not a file name")
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise Rejected(Reason.UNSAFE_ADDRESS, "leads out of the bundled recordings")
    return path
