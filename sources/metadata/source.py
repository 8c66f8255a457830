"""What a module must define to be a source: a protocol, so that mypy checks every source module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, TypeVar, runtime_checkable

from pipeline.records import Clip, Rejection
from sources.metadata.card import Card, Need
from sources.metadata.options import SourceOptions

OptionsT = TypeVar("OptionsT", bound=SourceOptions)


@runtime_checkable
class Source(Protocol[OptionsT]):
    """The members of a source module; `OptionsT` is the module's own class of options.

    `CARD` describes the source for `laion-audio sources`. `Options` lists the keys of its `[[sources]]` entry.
    """

    CARD: Card
    Options: type[OptionsT]

    def check(self, options: OptionsT) -> None:
        """Raise ValueError when a file, folder or column that `read` needs is missing. Called before anything runs."""

    def needs(self, options: OptionsT) -> tuple[Need, ...]:
        """Return what an entry needs from the user, there or missing: its files, keys and programs. Reads no table, fetches nothing."""

    def read(self, options: OptionsT) -> Iterator[Clip | Rejection]:
        """Yield a `Clip` for every good row and a `Rejection` for every bad row. Raise ValueError for an unreadable file."""

    def fingerprint(self, options: OptionsT) -> str:
        """Return a hash of everything outside the recipe that decides what `read` yields, wherever the files lie.

        A recording counts by its path below the source's folder, every other file by its content. When the fingerprint
        changes, the plan is made again.
        """


def source(module: Source[OptionsT]) -> Source[Any]:
    """Return `module` unchanged. mypy checks here that its functions take the module's own `Options`."""
    return module
