"""Define a fault of an output folder, and what to do about each kind of fault."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pipeline.output.damage import DamagedFileError
from pipeline.records import ShardId

BUILD = "run the same build again"
REPAIR = "`build RECIPE --output DIR --repair` makes the shard again, and copies every sample that is right"
PLAN_AGAIN = "put the file back from a copy; or remove the folder plan, and build again: samples that are right are copied"
OUTPUT_FOLDER = "name the --output of a build"
REMOVE = "move it out of the folder, or remove it"
RECORD_AGAIN = "remove recipe.toml and build.json, and run the same build again"
COMPARE_AGAIN = "remove plan/equal_sounds.parquet, and run the same build again"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of an output folder.

    `shard` and `key` are those of the shard and the sample it is of, where there are such; `file` is a name relative to the folder;
    `what` says what is wrong, `remedy` what to do.
    """

    shard: ShardId | None
    key: str | None
    file: str
    what: str
    remedy: str

    def __str__(self) -> str:
        in_name = self.shard is None or self.file.startswith(self.shard.name)
        where = [self.file, "" if in_name else f"shard {self.shard}", self.key or ""]
        return one_line(": ".join([*filter(None, where), f"{self.what}; {self.remedy}"]))

    def to_json(self) -> dict[str, Any]:
        """Return the fault as JSON."""
        return asdict(self) | {"shard": None if self.shard is None else self.shard.name}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Fault:
        """Return the fault that `value` was written from; raises `KeyError`, `TypeError` or `ValueError` for anything else."""
        return cls(**value | {"shard": None if value["shard"] is None else ShardId.parse(value["shard"])})


@dataclass(frozen=True, slots=True)
class Note(Fault):
    """Something that is no fault, but that users of the folder should know; only `what` is set."""

    def __str__(self) -> str:
        return one_line(self.what)


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault of one file, and the key of the sample it is of; the caller knows the file, the shard and the remedy."""

    key: str | None
    what: str

    def at(self, shard: ShardId | None, file: str, remedy: str) -> Fault:
        """Return the fault."""
        return Fault(shard, self.key, file, self.what, remedy)


def one_line(text: str) -> str:
    """Return a text with every character escaped that a terminal would not print, whatever a file holds.

    >>> one_line("a\\nb \\udcff café")
    'a\\\\nb \\\\udcff café'
    """
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def shown(value: object) -> str:
    """Return a value as it is shown in a fault, at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def unread(error: DamagedFileError | OSError) -> str:
    """Return what is wrong with a file that could not be read."""
    if isinstance(error, DamagedFileError):
        return f"damaged: {error.what}"
    return "missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({why(error)})"


def why(error: Exception) -> str:
    """Return why a file cannot be read: the text of the operating system, or that of the error."""
    return error.what if isinstance(error, DamagedFileError) else getattr(error, "strerror", None) or str(error) or type(error).__name__
