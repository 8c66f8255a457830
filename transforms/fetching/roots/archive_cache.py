"""Fetch archives by address once, into a cache that all builds and processes of this machine share.

Each address has a folder there: the archive, the parts of a split zip beside it, and a note that says what was fetched and when.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from filelock import FileLock

from pipeline.masking import mask_address
from pipeline.output.disk import flush
from pipeline.records import Evidence, Reason, Recording, Rejected
from transforms.fetching.addresses import scheme_of, without_secrets
from transforms.fetching.roots.root_addresses import ArchiveAddress
from transforms.fetching.roots.split_zip import SplitZipError, n_parts_of, part_name
from transforms.fetching.roots.unpacking import kind_of, unpack
from transforms.fetching.web.error_pages import page_in
from transforms.fetching.web.partial_download import PartialDownload

MAX_ARCHIVE_BYTES = 256 << 30
"""Largest archive that is fetched. The largest of the reference set, FSD50K's, has 24 GB; AudioSet as FLAC has less than 256."""
MAX_SECONDS = 86_400.0  # for one archive, all attempts together
REMEMBERED = 300.0
"""Seconds after a transient fault in which an archive is not asked for again: thousands of rows may name it."""
BLOCK = 1 << 20  # bytes


Download = Callable[[PartialDownload, str, float], Recording]
"""(what has arrived so far, address, seconds) -> the whole file; raises Rejected."""


@dataclass(frozen=True, slots=True)
class CachedArchive:
    """An archive in the cache, and what was recorded of it when it was fetched."""

    path: Path
    evidence: Evidence


class ArchiveCache:
    """The cache; threads and processes may share its folder.

    Args:
        folder: where it is; `archives` below it is used.
        download: fetches http(s) addresses; `others` fetch other schemes.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        folder: Path,
        download: Download,
        others: Mapping[str, Download] = MappingProxyType({}),
        clock: Callable[[], float] = time.monotonic,
    ):
        self.folder = folder
        self.download = download
        self.others = others
        self.clock = clock
        self._failed: dict[str, tuple[float, Rejected]] = {}

    def fetched(self, text: str) -> CachedArchive:
        """Return the archive at an address, which is fetched when it is not there. Of several processes one fetches, the others wait.

        Raises:
            Rejected: as the download; `unavailable` for an address or a checksum that is wrong.
        """
        self._check_failed(text)
        try:
            return self._locked(ArchiveAddress.parse(text))
        except Rejected as fault:
            self._remember(text, fault)
            raise
        except ValueError as fault:
            raise Rejected(Reason.UNAVAILABLE, f"audio_root: {fault}") from fault

    def forget(self, text: str, why: Rejected) -> None:
        """Remove a fetched archive, which turned out to be none, so that a later build fetches it again, and this one does not."""
        self._remember(text, why)
        folder = self._folder(ArchiveAddress.parse(text))
        with FileLock(folder / ".lock"):
            _clear(folder)

    def unpacked(self, path: Path) -> Path:
        """Return an uncompressed tar with the members of a compressed archive on this disk, which is made when it is not there.

        Raises:
            Rejected: as `unpack`, which is not tried again.
        """
        facts = path.stat()
        kind = kind_of(path)
        assert kind is not None
        key = hashlib.sha256(f"{path.resolve()}\0{facts.st_size}\0{facts.st_mtime_ns}".encode("utf-8", "surrogateescape"))
        target = self.folder / "archives" / key.hexdigest()[:32] / "unpacked.tar"
        self._check_failed(str(target))
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(".lock")):
            if not target.is_file():
                try:
                    unpack(path, kind, target)
                except Rejected as fault:
                    self._remember(str(target), fault)
                    raise
        return target

    def _check_failed(self, name: str) -> None:
        """Reject over what failed before: thousands of rows may name one archive."""
        until, fault = self._failed.get(name, (0.0, None))
        if fault is not None and (not fault.reason.transient or self.clock() < until):
            raise Rejected(fault.reason, fault.detail, fault.provenance)  # a new one: the old one would gather the frames of every row

    def _remember(self, name: str, fault: Rejected) -> None:
        self._failed[name] = self.clock() + REMEMBERED, fault

    def _folder(self, address: ArchiveAddress) -> Path:
        return self.folder / "archives" / hashlib.sha256(address.url.encode("utf-8", "surrogateescape")).hexdigest()[:32]

    def _note(self, folder: Path) -> Path:
        return folder / "note.json"

    def _locked(self, address: ArchiveAddress) -> CachedArchive:
        folder = self._folder(address)
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            path, note = folder / address.name, self._note(folder)
            facts = _read_note(note, path) or self._fetch(address, path)
            if address.checksum is not None and "=".join(address.checksum) not in facts["checked"]:
                _check(path, address.checksum)
                facts["checked"].append("=".join(address.checksum))
            _write_note(note, facts)
        return CachedArchive(path, Evidence(**facts["evidence"]))

    def _fetch(self, address: ArchiveAddress, path: Path) -> dict[str, Any]:
        """Fetch an archive, and the parts of a split zip; return the facts for its note."""
        fetched = self._fetch_file(address.url, path)
        try:
            n_parts = n_parts_of(path)
        except SplitZipError as error:
            raise Rejected(Reason.UNAVAILABLE, f"audio_root {path.name!r}: {error}") from error
        for number in range(1, n_parts):
            url = part_name(address.url, number)
            if url == address.url:
                why = f"is the last of {n_parts} parts: give an address that ends in .zip"
                raise Rejected(Reason.UNAVAILABLE, f"audio_root {path.name!r} {why}")
            part = path.with_name(part_name(path.name, number))
            if not part.is_file():
                self._fetch_file(url, part)
        evidence = fetched.provenance.evidence
        return {
            "address": without_secrets(mask_address(address.url)),
            "size": path.stat().st_size,
            "sha256": fetched.provenance.sha256,
            "checked": [],
            "evidence": asdict(evidence or Evidence("")),
        }

    def _fetch_file(self, url: str, path: Path) -> Recording:
        """Fetch one file to `path`. What has arrived stays after a transient fault, and after the end of the process."""
        download = self.others.get(scheme_of(url) or "", self.download)
        partial = PartialDownload(path.with_name(f"{path.name}.part"), MAX_ARCHIVE_BYTES, path.with_name(f"{path.name}.part.json"))
        try:
            fetched = download(partial, url, MAX_SECONDS)
            with partial.path.open("rb") as file:
                page = page_in(file.read(BLOCK))
            if page is not None:
                raise Rejected(Reason.UNAVAILABLE, f"no archive but {page}")
        except Rejected as rejected:
            if not rejected.reason.transient:
                partial.remove()
            raise Rejected(rejected.reason, f"audio_root {path.name!r}: {rejected.detail}", rejected.provenance) from rejected
        except OSError as error:  # a full disk: the cache may be on another one than the output
            raise OSError(error.errno, error.strerror or str(error), str(partial.path)) from error
        flush(partial.path)
        partial.path.replace(path)
        partial.remove()
        return fetched


def _clear(folder: Path) -> None:
    """Remove an archive, its parts and its note."""
    for path in folder.iterdir():
        if path.name != ".lock":
            path.unlink()


def _check(path: Path, checksum: tuple[str, str]) -> None:
    """Check the hash of a fetched archive; one that is wrong is removed."""
    name, expected = checksum
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, name).hexdigest()
    if actual != expected:
        _clear(path.parent)
        raise Rejected(
            Reason.UNAVAILABLE, f"audio_root {path.name!r}: {name} is {actual[:16]}..., not {expected[:16]}... as the recipe says; removed"
        )


def _write_note(note: Path, facts: dict[str, Any]) -> None:
    """Write a note in one step: without it an archive would be fetched again."""
    part = note.with_name(f"{note.name}.part")
    part.write_text(json.dumps(facts, indent=1), encoding="utf-8")
    flush(part)
    part.replace(note)


def _read_note(note: Path, path: Path) -> dict[str, Any] | None:
    """Return the facts about an archive that was fetched; `None` where it is not there, or not as the note says."""
    try:
        facts = json.loads(note.read_text(encoding="utf-8"))
        Evidence(**facts["evidence"])
        is_there = facts["size"] == path.stat().st_size and isinstance(facts["checked"], list)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return facts if is_there else None
