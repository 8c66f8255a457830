"""Take a recording out of the zip that it is sent in, as the BBC's sound effects are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipeline.records import Reason, Recording, Rejected
from sources.metadata.file_names import is_made_by_macos
from sources.metadata.recording_names import may_be_recording
from transforms.fetching.local import local_recording
from transforms.fetching.roots.archives import DAMAGES, open_archive

SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
"""How a zip begins: with a member, or empty. No format of audio does."""


def unzipped(recording: Recording, max_bytes: int) -> Recording:
    """Return the recording in a downloaded zip, which is removed; a recording that is no zip as it is.

    Size and hash are those of the recording, as for a member of `audio_root`; the rest of the provenance is that of the download.

    Raises:
        Rejected: `not_audio` for a zip without a recording; `ambiguous` for one with several; `corrupt`, `forbidden` (encrypted),
            `too_large` above `max_bytes` when unpacked.
    """
    with recording.path.open("rb") as file:
        if not file.read(4).startswith(SIGNATURES):
            return recording
    member = _unpacked(recording.path, max_bytes)
    recording.path.unlink()
    facts = local_recording(member).provenance
    return Recording(member, replace(recording.provenance, n_bytes=facts.n_bytes, sha256=facts.sha256))


def _unpacked(path: Path, max_bytes: int) -> Path:
    """Return a copy of the one recording in a zip, beside it."""
    try:
        root = open_archive(path)
    except DAMAGES as error:
        raise Rejected(Reason.CORRUPT, f"a zip that cannot be read: {error}") from error
    names = sorted(name for name in root.members if may_be_recording(name) and not is_made_by_macos(name))
    different = {root.members[name].offset for name in names}
    if not names:
        raise Rejected(Reason.NOT_AUDIO, f"a zip of {len(root.members)} files without a recording")
    if len(different) > 1:
        raise Rejected(Reason.AMBIGUOUS, f"a zip with {len(different)} recordings, such as {names[0][-60:]!r} and {names[1][-60:]!r}")
    size = root.members[names[0]].size
    if size > max_bytes:
        raise Rejected(Reason.TOO_LARGE, f"{size} bytes when unpacked, at most {max_bytes}")
    return root.extract(names[0], path.parent)
