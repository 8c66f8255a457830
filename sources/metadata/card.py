"""The description of a source, and what it needs from the user: what `laion-audio sources` prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Part:
    """The published size of a part of a source, such as a split: `n_clips` clips of `hours` of audio (`None`: not published)."""

    n_clips: int
    hours: float | None = None


class Kind(StrEnum):
    """What a source is, by where its text comes from; tables of sources are grouped by it."""

    OWN = "your own"
    PEOPLE = "captions by people"
    LABELS = "labels"
    TITLES = "titles and descriptions"
    LIBRARIES = "names of files in libraries"
    MODELS = "captions by language models"


@dataclass(frozen=True, slots=True)
class Card:
    """A short description of a source.

    `title`: what the source is. `license`: the licence of its clips. `bring`: the files that the user must have.
    `text`: where captions come from. `size`: how many clips there are, in words; `parts`: the published size of each split, for estimates
    without the source's table. `faults`: what is known to be wrong in its files. `dead`: what is known to be unavailable today.
    `hosts`: where audio is fetched from that `audio_root` does not hold. `kind` groups sources in tables.
    """

    title: str
    license: str
    bring: str
    text: str
    size: str = ""
    parts: Mapping[str, Part] = field(default_factory=dict)
    faults: str = ""
    dead: str = ""
    hosts: tuple[str, ...] = ()
    kind: Kind = Kind.OWN


class NeedKind(StrEnum):
    """What kind of thing a source needs."""

    FILE = "file"
    AUDIO = "audio"  # a folder or an archive of recordings
    KEY = "key"  # a secret in the environment
    PROGRAM = "program"


@dataclass(frozen=True, slots=True)
class Download:
    """A file of metadata with a known address that may be fetched by anybody: `sha256` of its content, `None` where it changes."""

    url: str
    name: str
    sha256: str | None = None
    n_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a source needs: a file, a secret in the environment, or a program.

    `what` says what it is; `where` says where it is, `None` where it is missing; `step` says how to get it. A missing `FILE` with a
    `download` is fetched by `plan` and `build`. Without `is_required` the source works, and does less.
    """

    kind: NeedKind
    what: str
    where: Path | str | None
    step: str
    download: Download | None = None
    is_required: bool = True
