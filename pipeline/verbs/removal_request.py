"""Read what a user asks to remove: ids, given one by one or in files, and what clips have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipeline.failures import UsageError
from pipeline.masking import mask_address
from pipeline.output.removals_file import Removable

MAX_NAMED = 20  # values that a message names


@dataclass(frozen=True, slots=True)
class GivenIds:
    """One value of `--ids`: the text as it was given, and the lines of the file of that name, `None` where there is no such file."""

    text: str
    lines: tuple[str, ...] | None = None

    @classmethod
    def read(cls, text: str) -> GivenIds:
        """Return a value, with the lines of its file.

        Raises:
            UsageError: it names nothing, or its file is no list of ids.
        """
        if not _is_file(text):
            if not any(part.strip() for part in text.split(",")):
                raise UsageError(f"--ids {text!r} names no id; give ids with commas between them, or a file with one id a line")
            return cls(text)
        try:
            # Not `splitlines`: an id may hold U+2028, which ends no line of a file.
            lines = tuple(line for line in Path(text).read_text("utf-8-sig").split("\n") if line.strip())
        except UnicodeError as error:
            raise UsageError(f"--ids {text}: this file is not UTF-8 text; give a file with one id a line") from error
        if not lines:
            raise UsageError(f"--ids {text}: this file holds no id; give a file with one id a line")
        return cls(text, lines)

    def candidates(self) -> Iterator[str]:
        """Yield every text that may be an id: an id may hold blanks and commas, and may be the name of a file."""
        yield self.text
        for line in self.lines if self.lines is not None else self.text.split(","):
            yield line
            yield line.strip()

    def chosen(self, known: Set[str]) -> Iterator[str]:
        """Yield the ids that are meant, given those that are known; those that are not known are yielded as they were given."""
        if self.text in known:
            yield self.text
            return
        for line in self.lines if self.lines is not None else self.text.split(","):
            if line in known or line.strip():
                yield line if line in known else line.strip()


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # longer than any name of a file may be, or with a NUL
        return False


@dataclass(frozen=True)
class RemovalRequest:
    """What is to be removed: clips with one of the ids, and clips of creators, sources, addresses and recordings."""

    ids: tuple[GivenIds, ...] = ()
    creators: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    urls: frozenset[str] = frozenset()
    recordings: frozenset[str] = frozenset()

    @property
    def values(self) -> Mapping[Removable, frozenset[str]]:
        """What is named besides ids."""
        return {
            Removable.CREATOR: self.creators,
            Removable.SOURCE: self.sources,
            Removable.URL: self.urls,
            Removable.RECORDING: self.recordings,
        }

    @cached_property
    def candidates(self) -> frozenset[str]:
        """Every text that may be an id."""
        return frozenset(text for given in self.ids for text in given.candidates() if text)

    @classmethod
    def of(
        cls, ids: Sequence[str], creators: Sequence[str], sources: Sequence[str], urls: Sequence[str], recordings: Sequence[str]
    ) -> RemovalRequest:
        """Return a request from the values of options. Addresses are compared as plans have them: without their secrets.

        Raises:
            UsageError: nothing is asked for, a value is empty, or a file is no list of ids.
        """
        named = {"--creator": creators, "--source": sources, "--url": urls, "--recording": recordings}
        for option, values in named.items():
            if not all(value.strip() for value in values):
                raise UsageError(f"{option} is empty; give the value that the clips have")
        if not ids and not any(named.values()):
            raise UsageError(f"nothing to remove is given; name clips by --ids, {', '.join(named)}")
        addresses = frozenset(map(mask_address, urls))
        return cls(tuple(map(GivenIds.read, ids)), frozenset(creators), frozenset(sources), addresses, frozenset(recordings))


def shown(values: Sequence[str]) -> str:
    """Return values for a message: the first, and how many others there are."""
    more = f" and {len(values) - MAX_NAMED:,} more" if len(values) > MAX_NAMED else ""
    return ", ".join(map(repr, values[:MAX_NAMED])) + more
