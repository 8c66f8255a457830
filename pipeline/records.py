"""Define the records that pass between stages. They are frozen and picklable.

A plan is rows of `Clip`; the bytes of a shard depend only on its rows, the settings, and the audio that the rows refer to.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le

from pipeline.keys import sample_key, shard_sort_key

SAMPLE_RATE = 48_000  # Hz, of every sample we write
MAX_DETAIL = 300  # characters of a rejection's detail that the books keep


def column(name: str) -> Mapping[str, str]:
    """Return the metadata of a field whose column has another name."""
    return {"column": name}


NOT_STORED: Mapping[str, str] = {"column": ""}
"""The metadata of a field that has no column in plan or books."""


class Reason(enum.StrEnum):
    """Why a planned row did not become a sample."""

    # Transient: another request may succeed later, so the next build that makes the shard tries again.
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    THROTTLED = "throttled"
    SERVER_ERROR = "server_error"
    BOT_CHECK = "bot_check"
    POSTPONED = "postponed"
    KILLED = "killed"
    # The address of the audio.
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    UNAVAILABLE = "unavailable"
    TOO_LARGE = "too_large"
    UNSAFE_ADDRESS = "unsafe_address"
    # The audio itself.
    NOT_AUDIO = "not_audio"
    UNSUPPORTED = "unsupported"
    CORRUPT = "corrupt"
    EMPTY = "empty"
    SILENT = "silent"
    OUT_OF_RANGE = "out_of_range"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    LIMIT_EXCEEDED = "limit_exceeded"
    # The row.
    AMBIGUOUS = "ambiguous"
    BAD_ROW = "bad_row"
    NO_TEXT = "no_text"
    DUPLICATE = "duplicate"
    MERGED = "merged"
    HELD_OUT = "held_out"
    LICENSE = "license"
    REMOVED = "removed"

    @property
    def transient(self) -> bool:
        """Whether trying again later may help."""
        return self in TRANSIENT


LEFT_FOR_LATER = frozenset({Reason.THROTTLED, Reason.BOT_CHECK, Reason.POSTPONED})
"""Reasons that are about us and not about the clip: a host wants fewer requests, or its budget is used up. The next build goes on."""
TRANSIENT = LEFT_FOR_LATER | {Reason.TIMEOUT, Reason.CONNECTION, Reason.SERVER_ERROR, Reason.KILLED}


class Rejected(Exception):
    """A clip cannot become a sample. Raised by pure functions, caught once for each clip, and recorded in the books."""

    def __init__(self, reason: Reason, detail: str, provenance: Provenance | None = None):
        super().__init__(reason, detail, provenance)
        self.reason = reason
        self.detail = detail
        self.provenance = provenance

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


DebiasScope = Literal["generated", "train", "all", "none"]
"""Which captions are made gender-neutral: those that the T5 wrote for training splits, all of training splits, or those of every split.
Templates never are, since they name classes."""
DebiasLevel = Literal["full", "voices kept"]
"""How far it goes: "voices kept" leaves what can be heard, as a male voice, female speech, boys and girls."""

SimilarSounds = Literal["report", "leaks", "all"]
"""What a build leaves out of clips that sound alike and not exactly alike: none, training clips that sound like one of an evaluation split,
or all but one of them."""

GENERATED = frozenset({"template", "t5"})
"""Origins of captions that are generated from labels."""
TEMPLATE_LABELS = 12
"""Labels in a caption by template, by default: tokenizers of the text towers keep 77 tokens."""


@dataclass(frozen=True, slots=True)
class Caption:
    """One caption and where it came from.

    `origin` is one of `human` (somebody described the sound for such a set), `title` and `description` (by its recordist), `llm` (by a
    language model), `template` and `t5` (from labels). `model` is set for text that a model wrote, `prompt` for that of the T5;
    `before_debias` is the original text where de-biasing changed it, `debias_rules` are the rules that did, in their order.
    """

    text: str
    origin: str = "human"
    model: str | None = None
    prompt: str | None = None
    before_debias: str | None = None
    debias_rules: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[type[Caption], tuple]:
        return Caption, (self.text, self.origin, self.model, self.prompt, self.before_debias, self.debias_rules)


class TextHolds(enum.StrEnum):
    """What the `text` of a sample holds in a dataset that has captions by a T5."""

    ALL = "all"  # every caption, the T5's included
    T5 = "t5"  # only the caption by the T5, where there is one
    OTHERS = "others"  # every caption but the T5's


@dataclass(frozen=True, slots=True)
class Clip:
    """One row of the plan: which excerpt of which recording, with its text; no audio.

    `url` is an http(s) address or a path relative to the recipe; `audio_root`, where given, is searched for the id and the
    file name first. `start` and `end` are seconds into the recording (`None`: from its beginning, to its end).
    `recording` identifies the file: clips of one recording are in one shard, and it is fetched once. `row_number` is the
    number of the row in its source, so that planning can keep the first of equal rows; the plan does not store it.
    `text_holds` is set for every clip of a dataset that has captions by a T5. `file_start` says where in the recording a file of
    `audio_root` begins that is named by the recording alone (`None`: at its beginning). `full_url` is the address with its secrets, where
    `url` is masked; the plan does not store it.
    """

    source: str
    dataset: str
    split: str
    id: str
    url: str
    start: float | None = None
    end: float | None = None
    captions: tuple[Caption, ...] = ()
    labels: tuple[str, ...] = ()
    title: str | None = None
    license: str | None = None
    creator: str | None = None
    recording: str = ""
    audio_root: str | None = None
    row_number: int = field(default=0, metadata=NOT_STORED)
    text_holds: TextHolds | None = None
    file_start: float | None = None
    full_url: str = field(default="", repr=False, metadata=NOT_STORED)
    _key: str = field(default="", init=False, repr=False, compare=False, metadata=NOT_STORED)

    def __reduce__(self) -> tuple[type[Clip], tuple]:
        """Pickle the values without the field names: millions of clips go through an engine, and the default is slower."""
        return Clip, _values(self)

    @property
    def key(self) -> str:
        """Name of the sample inside its shard: `[a-z0-9_-]+`, made from source and id."""
        if not self._key:  # it costs a hash, and planning asks for it several times
            object.__setattr__(self, "_key", sample_key(self.source, self.id))
        return self._key

    @property
    def shard_sort_key(self) -> str:
        """The key that sorts clips inside a shard and over shards: see the function `shard_sort_key`."""
        return shard_sort_key(self.recording, self.start, self.key)


_values = attrgetter(*(field.name for field in fields(Clip) if field.init))


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that did not become a sample, why, and at which stage.

    `pcm_sha256` and `fingerprint` are set for a clip that was converted and is left out because another clip has the same sound.
    """

    clip: Clip
    reason: Reason
    stage: str
    detail: str = ""
    provenance: Provenance | None = None
    pcm_sha256: str | None = None
    fingerprint: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a recording was fetched. `n_bytes` and `sha256` are those of the fetched file.

    `variant` says which of several files of a sound it is, such as "preview" or "original"; `None` where there is one.
    """

    final_url: str | None = None
    http_status: int | None = None
    variant: str | None = field(default=None, metadata=column("source_variant"))
    n_bytes: int | None = field(default=None, metadata=column("source_bytes"))
    sha256: str | None = field(default=None, metadata=column("source_sha256"))
    evidence: Evidence | None = field(default=None, compare=False, metadata=NOT_STORED)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a host answered about a recording, and when: a row of `N_evidence.parquet`, outside of the books and of every hash.

    `fetched_at` is UTC, as "2026-11-28T13:00:00Z"; `attempts` counts requests. The others are headers of the answer, `None` where the
    host sent none: `x_robots_tag`, `tdm_reservation` and `tdm_policy` (the TDM reservation protocol), `content_usage` (the AIPREF draft).
    `robots_txt` is "allowed" where robots.txt was asked; `again` is what `recheck` was answered later.
    """

    fetched_at: str
    attempts: int = 1
    x_robots_tag: str | None = None
    tdm_reservation: str | None = None
    tdm_policy: str | None = None
    content_usage: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    robots_txt: str | None = None
    again: AskedAgain | None = None


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """What a host answered when it was asked again about a recording, and when: the fields of `Evidence`, and the status.

    `http_status` is `None` where robots.txt forbids to ask. `robots_txt` is "allowed" or "disallowed"; `tdm_reservation` and `tdm_policy`
    are those of the headers, or without them those of the file `/.well-known/tdmrep.json` of the host.
    """

    asked_at: str
    http_status: int | None = None
    robots_txt: str | None = None
    x_robots_tag: str | None = None
    tdm_reservation: str | None = None
    tdm_policy: str | None = None
    content_usage: str | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """A fetched file: a local path that decoders open by descriptor, never by name.

    `offset` says where the file begins: so many seconds after the first frame of the recording (before it, where it is negative).
    """

    path: Path
    provenance: Provenance
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class SourceFormat:
    """What the recording was before conversion: `name` such as `wav/pcm_16`; `rate` in Hz."""

    name: str = field(metadata=column("source_format"))
    rate: int = field(metadata=column("source_rate"))
    n_channels: int = field(metadata=column("source_channels"))
    decoder: str


@dataclass(frozen=True, slots=True)
class AudioLimits:
    """Limits that audio must meet to become a sample. The defaults are ours; they reject only silent, broken or very long audio.

    Durations are seconds, the rate of the recording is Hz, the level is dB of full scale at the highest peak. The
    constraints in the annotations are checked where a recipe is read.

    Raises:
        ValueError: `min_seconds` is above `max_seconds`.
    """

    min_seconds: Annotated[float, Ge(0)] = 0.0
    max_seconds: Annotated[float, Gt(0)] = 7200.0
    min_source_rate: Annotated[int, Ge(0)] = 1000
    silent_below_db: Annotated[float, Le(0)] = -90.0

    def __post_init__(self) -> None:
        if self.min_seconds > self.max_seconds:
            raise ValueError("min_seconds is above max_seconds, so nothing could become a sample")


@dataclass(frozen=True, slots=True)
class Statistics:
    """Statistics of a sample's frames, 48 kHz mono 16-bit, as the books record them.

    `peak`, `rms` and `dc` are fractions of full scale, the `_fraction`s shares of all frames, `duration` is in seconds;
    `n_nonfinite` is the number of values of the source that were not finite and were replaced; `fingerprint` says where the spectrum has
    peaks, see `transforms/audio/fingerprint.py`.
    """

    n_frames: int
    duration: float
    peak: float
    rms: float
    dc: float
    clipped_fraction: float
    silent_fraction: float
    pcm_sha256: str
    n_nonfinite: int = 0
    fingerprint: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Sample:
    """A clip with its audio: FLAC, 16-bit mono 48 kHz; bytes, or for long audio a file that is removed when it is written to the tar."""

    clip: Clip
    flac: bytes | Path = field(repr=False)
    statistics: Statistics
    format: SourceFormat
    provenance: Provenance

    @property
    def flac_bytes(self) -> int:
        """Size of the FLAC in bytes."""
        return self.flac.stat().st_size if isinstance(self.flac, Path) else len(self.flac)


@dataclass(frozen=True, slots=True, order=True)
class ShardId:
    """A shard of an output folder; its name is `dataset/split/index`."""

    dataset: str
    split: str
    index: int

    @classmethod
    def parse(cls, name: str) -> ShardId:
        """Return the shard of a name.

        Raises:
            ValueError: it is not the name of a shard.

        >>> ShardId.parse("Clotho/train/12")
        ShardId(dataset='Clotho', split='train', index=12)
        """
        parts = name.split("/")
        if len(parts) != 3 or not all(parts) or not re.fullmatch(r"0|[1-9][0-9]*", parts[2], re.ASCII):
            raise ValueError(f"{name!r} is not the name of a shard: dataset/split/index")
        return cls(parts[0], parts[1], int(parts[2]))

    @property
    def name(self) -> str:
        """The name of the shard; the names of its files begin with it."""
        return f"{self.folder}/{self.index}"

    @property
    def folder(self) -> str:
        """The folder of the shard, relative to the output folder."""
        return f"{self.dataset}/{self.split}"

    def __str__(self) -> str:
        return self.name
