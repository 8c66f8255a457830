"""The keys that every `[[sources]]` entry of a recipe shares."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

OURS = frozenset(
    (
        "plan",
        "plan.new",
        "t5",
        "recipe.toml",
        "build.json",
        "report.html",
        "datacard.md",
        "attribution.csv",
        "croissant.json",
        "removed.parquet",
    )
)
MAX_SPLIT = 64  # characters


def _not_ours(name: str) -> str:
    if name.lower() in OURS:
        raise ValueError(f"an output folder holds a {name} of its own, choose another name")
    return name


DatasetName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100), AfterValidator(_not_ours)]


class AudioSettings(BaseModel):
    """What may become a sample: durations in seconds, rate in Hz, level in dB of full scale (highest peak)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    min_seconds: float = Field(0.0, ge=0, allow_inf_nan=False)
    max_seconds: float = Field(7200.0, gt=0, allow_inf_nan=False)
    min_source_rate: int = Field(1000, ge=0)
    silent_below_db: float = Field(-90.0, le=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _in_order(self) -> AudioSettings:
        if self.min_seconds > self.max_seconds:
            raise ValueError("min_seconds is above max_seconds, so nothing could become a sample")
        return self


class SourceOptions(BaseModel):
    """One `[[sources]]` entry, checked; `base` is the recipe's folder, which relative paths start from.

    `audio_root` is a folder, zip or tar of recordings that is searched by id and file name before any address is used.
    `audio` holds the keys of the recipe's `[audio]` that are other for this source.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    source: str
    dataset: DatasetName
    audio_root: str | None = None
    audio: AudioSettings = AudioSettings()
    base: Path

    def resolve(self, path: str) -> Path:
        """Return `path` as given when absolute, otherwise below the recipe's folder."""
        return self.base / path


def split_name(given: str) -> str:
    """Return the split directory for what a table calls it: `val` and `validation` are `valid`, nothing is `train`.

    Raises:
        ValueError: the name cannot be a directory of shards.

    >>> split_name("Validation"), split_name(""), split_name("balanced_train")
    ('valid', 'train', 'balanced_train')
    """
    name = given.strip().lower() or "train"
    name = {"val": "valid", "validation": "valid", "training": "train", "testing": "test"}.get(name, name)
    if not re.fullmatch(rf"[a-z0-9_-]{{1,{MAX_SPLIT}}}", name):
        raise ValueError(f"split {given[:MAX_SPLIT]!r} is not a name of at most {MAX_SPLIT} letters, digits, '_' and '-'")
    return name
