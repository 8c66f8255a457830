"""Fetch the recording of a clip with the first handler that matches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from pipeline.records import Clip, Reason, Recording, Rejected
from transforms.fetching.addresses import MAX_SCHEME_SHOWN, scheme_of
from transforms.fetching.archives import AudioRootHandler
from transforms.fetching.bundled import BundledHandler
from transforms.fetching.embedded import EmbeddedHandler
from transforms.fetching.http import HttpHandler, HttpSettings
from transforms.fetching.local import LocalHandler

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

    def local_file(self, clip: Clip) -> Path:
        """Return the file that a clip that matches is read from: the recording, or the archive that holds it."""


def handlers(base: Path, http: HttpSettings) -> tuple[Handler, ...]:
    """Return the handlers in the order in which they are asked.

    Args:
        base: folder that relative paths start from: the recipe's.
    """
    return (
        AudioRootHandler(base),  # before all others: the user has these recordings already
        LocalHandler(base),
        BundledHandler(),
        EmbeddedHandler(base),
        HttpHandler(http),
    )


@dataclass(frozen=True)
class Fetcher:
    """Fetches the recording of a clip: a `Fetch`. One object serves all threads of a worker.

    Args:
        base: folder that relative paths start from: the recipe's.
        table: makes the handlers, in the order in which they are asked; a function that can be pickled.
    """

    base: Path
    http: HttpSettings
    table: Callable[[Path, HttpSettings], tuple[Handler, ...]] = handlers
    _handlers: tuple[Handler, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_handlers", self.table(self.base, self.http))

    def __reduce__(self) -> tuple[type[Fetcher], tuple]:
        return Fetcher, (self.base, self.http, self.table)  # open archives and connections stay in this process

    def __call__(self, clip: Clip, work: Path) -> Recording:
        """Return the recording of `clip`; what has to be downloaded is written below `work`.

        Raises:
            Rejected: the recording cannot be had, with the reason.
        """
        for handler in self._handlers:
            if handler.matches(clip):
                return handler.fetch(clip, work)
        if not clip.url:
            raise Rejected(Reason.NOT_FOUND, f"id {clip.id!r} is not in {clip.audio_root}, and the row has no address")
        scheme = (scheme_of(clip.url) or "")[:MAX_SCHEME_SHOWN]
        raise Rejected(Reason.UNSAFE_ADDRESS, f"{scheme}: addresses are not fetched, only http and https")

    def local_file(self, clip: Clip) -> Path | None:
        """Return the file on this disk that a clip is read from; `None` for a clip that is fetched from elsewhere, or not at all."""
        try:
            handler = next((handler for handler in self._handlers if handler.matches(clip)), None)
        except Rejected:
            return None
        return handler.local_file(clip) if isinstance(handler, OnDisk) else None
