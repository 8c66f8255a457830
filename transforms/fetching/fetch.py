"""Fetch the recording of a clip with the first handler that matches it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from pipeline.masking import is_masked
from pipeline.output.storage import Folder
from pipeline.records import Clip, Reason, Recording, Rejected, ShardId
from sources.metadata.needs import cache_folder
from sources.metadata.store_files import STORES
from transforms.fetching.addresses import MAX_SCHEME_SHOWN, scheme_of
from transforms.fetching.bundled import BundledHandler
from transforms.fetching.embedded import EmbeddedHandler
from transforms.fetching.folders import LocalFolders
from transforms.fetching.freesound.freesound_handler import FreesoundHandler
from transforms.fetching.limits.budgets import Budgets
from transforms.fetching.local import LocalHandler
from transforms.fetching.roots.archive_cache import ArchiveCache
from transforms.fetching.roots.audio_root import AudioRootHandler
from transforms.fetching.roots.remote_root import RemoteHandler, download_object
from transforms.fetching.roots.root_addresses import is_on_disk
from transforms.fetching.settings import FetchSettings
from transforms.fetching.staged import StagedHandler, may_be_on_disk
from transforms.fetching.web.http_handler import HttpHandler
from transforms.fetching.web.robots import http_client
from transforms.fetching.youtube.youtube_handler import YouTubeHandler

Fetch = Callable[[Clip, Path], Recording]
"""(clip, folder for what is downloaded) -> recording; raises Rejected."""


class Handler(Protocol):
    """One way to get recordings. Called by several threads at the same time."""

    def matches(self, clip: Clip) -> bool:
        """Return whether this handler is the one to fetch the clip; `False` leaves the clip to the handlers after it.

        Raises:
            Rejected: the handler cannot say, and no other handler may be asked.
        """

    def fetch(self, clip: Clip, work: Path) -> Recording:
        """Return the recording of a clip that matches; write what has to be downloaded below `work`.

        Raises:
            Rejected: the recording cannot be had, with the reason; nothing is left below `work`.
        """


@runtime_checkable
class OnDisk(Protocol):
    """A handler whose recordings are on this disk, where they can be replaced between two builds."""

    def local_file(self, clip: Clip) -> Path | None:
        """Return the file that a clip that matches is read from: the recording, or the archive that holds it; `None` if it may not be."""


def handlers(folders: LocalFolders, settings: FetchSettings) -> tuple[Handler, ...]:
    """Return the handlers in the order in which they are asked."""
    return _handlers(folders, settings, lambda _: True)


def handlers_here(folders: LocalFolders, settings: FetchSettings) -> tuple[Handler, ...]:
    """Return the handlers that read the disk of the user, in the order in which they are asked."""
    every = _handlers(folders, settings, lambda root: is_on_disk(folders.root_address(root)))
    return tuple(handler for handler in every if isinstance(handler, OnDisk))


def handlers_elsewhere(folders: LocalFolders, settings: FetchSettings) -> tuple[Handler, ...]:
    """Return the handlers for a machine that has not the disk of the user, in the order in which they are asked."""
    every = _handlers(folders, settings, lambda root: not is_on_disk(folders.root_address(root)))
    return tuple(handler for handler in every if isinstance(handler, AudioRootHandler) or not isinstance(handler, OnDisk))


def _handlers(folders: LocalFolders, settings: FetchSettings, takes: Callable[[str], bool]) -> tuple[Handler, ...]:
    budgets = Budgets(settings.budgets)
    client = http_client(settings.http, budgets)  # one for all, so that connections and budgets are shared
    cache = ArchiveCache(settings.cache or cache_folder(), client.complete, dict.fromkeys(STORES, download_object))
    return (
        AudioRootHandler(folders, cache, takes),  # before all others: the user has these recordings already
        *((LocalHandler(folders),) if folders.address is None else ()),
        BundledHandler(),
        EmbeddedHandler(folders.base),
        RemoteHandler(folders, settings.http.max_bytes),
        FreesoundHandler(settings.freesound, settings.http, budgets),
        YouTubeHandler(settings.youtube, settings.http, budgets, folders.base),
        HttpHandler(client),
    )


@dataclass(frozen=True)
class Fetcher:
    """Fetches the recording of a clip: a `Fetch`. One object serves all threads of a worker.

    Args:
        base: folder that relative paths start from: the recipe's.
        table: makes the handlers, in the order in which they are asked; a function that can be pickled.
        folders: the folders that rows may name files in; by default the recipe's alone.
        staged: the output folder with copies of the recordings of the user, on a machine that has not the disk of the user.
    """

    base: Path
    settings: FetchSettings
    table: Callable[[LocalFolders, FetchSettings], tuple[Handler, ...]] = handlers
    folders: LocalFolders | None = None
    staged: Folder | None = None
    _handlers: tuple[Handler, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_handlers", self.table(self.folders or LocalFolders(self.base), self.settings))

    def __reduce__(self) -> tuple[type[Fetcher], tuple]:
        # open archives and connections stay in this process
        return Fetcher, (self.base, self.settings, self.table, self.folders, self.staged)

    def __call__(self, clip: Clip, work: Path) -> Recording:
        """Return the recording of `clip`; what has to be downloaded is written below `work`.

        Raises:
            Rejected: the recording cannot be had, with the reason.
        """
        if (handler := self.handler_of(clip)) is not None:
            self._check_address(clip, handler)
            try:
                return handler.fetch(clip, work)
            except Rejected as rejected:
                raise self._with_a_hint(rejected, clip) from rejected
        if not clip.url:
            raise Rejected(Reason.NOT_FOUND, f"id {clip.id!r} is not in {clip.audio_root}, and the row has no address")
        scheme = (scheme_of(clip.url) or "")[:MAX_SCHEME_SHOWN]
        raise Rejected(Reason.UNSAFE_ADDRESS, f"{scheme}: addresses are not fetched, only http and https")

    def handler_of(self, clip: Clip) -> Handler | None:
        """Return the handler that fetches a clip, `None` without one.

        Raises:
            Rejected: a handler cannot say whether it is its clip.
        """
        return next((handler for handler in self._handlers if handler.matches(clip)), None)

    def here(self) -> Fetcher:
        """Return a fetcher that reads the disk of the user alone."""
        return replace(self, table=handlers_here)

    def elsewhere(self, staged: Folder) -> Fetcher:
        """Return a fetcher for machines that have not the disk of the user: what lies there was copied below the output folder."""
        return replace(self, table=handlers_elsewhere, settings=replace(self.settings, cache=None), staged=staged)

    def of_shard(self, shard: ShardId) -> Fetcher:
        """Return a fetcher for the clips of a shard; connections and open archives are those of this one."""
        if self.staged is None:
            return self
        result = copy.copy(self)
        roots, *others = self._handlers
        object.__setattr__(result, "_handlers", (roots, StagedHandler(self.staged, shard), *others))
        return result

    def _check_address(self, clip: Clip, handler: Handler) -> None:
        """Refuse to ask a host with an address whose secrets are masked."""
        if scheme_of(clip.url) and is_masked(clip.url) and not isinstance(handler, AudioRootHandler):
            detail = "its address holds a secret that is not held any more; the next build reads it from the table again"
            raise Rejected(Reason.POSTPONED, detail)

    def _with_a_hint(self, rejected: Rejected, clip: Clip) -> Rejected:
        """Return a rejection that names a file of `audio_root` with the name that was looked for, where there is one."""
        if rejected.reason != Reason.NOT_FOUND or scheme_of(clip.url) or self.audio_roots is None:
            return rejected
        near = self.audio_roots.alike(clip)
        if near is None:
            return rejected
        return Rejected(
            rejected.reason, f"{rejected.detail}; audio_root has {near[-80:]!r}, which is in another folder", rejected.provenance
        )

    @property
    def audio_roots(self) -> AudioRootHandler | None:
        """The handler of recordings in `audio_root`; `None` where the table of handlers has none."""
        return next((handler for handler in self._handlers if isinstance(handler, AudioRootHandler)), None)

    def fetched_together(self, clips: Sequence[Clip]) -> Iterator[list[Clip]]:
        """Yield clips of one recording in groups that are fetched at once: those with a file of their own in `audio_root` alone."""
        roots = self.audio_roots
        alone = {clip.key for clip in clips if (roots is not None and roots.is_excerpt(clip)) or self._is_staged_excerpt(clip)}
        yield from ([clip] for clip in clips if clip.key in alone)
        if others := [clip for clip in clips if clip.key not in alone]:
            yield others

    def is_at_hand(self, clip: Clip) -> bool:
        """Return whether the recording of a clip is in its `audio_root`, or is not asked for because its files are ambiguous."""
        try:
            return isinstance(self.handler_of(clip), AudioRootHandler | StagedHandler)
        except Rejected:
            return True

    def _is_staged_excerpt(self, clip: Clip) -> bool:
        staged = next((handler for handler in self._handlers if isinstance(handler, StagedHandler)), None)
        file = staged.file_of(clip) if staged is not None else None
        return file is not None and file.is_excerpt

    def local_file(self, clip: Clip) -> Path | None:
        """Return the file on this disk that a clip is read from; `None` for a clip that is fetched from elsewhere, or not at all.

        A file whose path is not UTF-8 is `None` too: no note of it could be stored.
        """
        if not may_be_on_disk(clip):  # and no archive is fetched to find out
            return None
        try:
            handler = self.handler_of(clip)
        except Rejected:
            return None
        path = handler.local_file(clip) if isinstance(handler, OnDisk) else None
        return path if path is not None and is_utf8(path) else None


def is_utf8(path: Path) -> bool:
    """Return whether a path can be stored as text."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
