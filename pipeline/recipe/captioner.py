"""The `[t5]` table of a recipe, and the T5 that it names: found, checked and named by its content before anything is planned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, Strict, StringConstraints

if TYPE_CHECKING:
    from transforms.planning.caption_with_t5 import Captioner

Names = Annotated[tuple[str, ...], Strict(False)]  # TOML has lists


class T5Settings(BaseModel):
    """Which T5 captions labels, how, and for which clips; what is not published is our choice (docs/captions.md).

    `model` is a hub id, a hub id with @revision, or a folder; `only` names sources and datasets whose `text` holds the T5's
    caption alone, as Wu et al. 2023 did for AudioSet and Epidemic Sound.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    model: Annotated[str, StringConstraints(min_length=1)] = "mrm8488/t5-base-finetuned-common_gen"
    beams: int = Field(4, ge=1, le=64)
    batch: int = Field(32, ge=1, le=4096)
    candidates: int = Field(4, ge=1, le=64)
    length_penalty: float = Field(1.5, allow_inf_nan=False)
    no_repeat_ngram: int = Field(3, ge=0)
    max_new_tokens: int = Field(40, ge=4, le=256)
    prefix: str = ""
    separator: str = " | "
    min_seconds: float = Field(2.0, ge=0, allow_inf_nan=False)
    max_keywords: int = Field(8, ge=1)
    only: Names = ("audioset", "epidemic")


def find_captioner(settings: T5Settings, base: Path, debias: bool) -> Captioner:
    """Return the T5 of a recipe, after it was loaded once.

    Args:
        base: folder that a relative `model` starts from: the recipe's.

    Raises:
        ValueError: it cannot be used here; with what to do.
    """
    from augment.keyword_to_caption import Decoding, load
    from transforms.planning.caption_with_t5 import Captioner

    folder = base / settings.model
    try:
        model = load(str(folder) if folder.is_dir() else settings.model)
    except ValueError as error:
        raise ValueError(f"t5.model = {settings.model!r}: {error}") from error
    decoding = Decoding(
        beams=settings.beams,
        length_penalty=settings.length_penalty,
        no_repeat_ngram=settings.no_repeat_ngram,
        max_new_tokens=settings.max_new_tokens,
        batch=settings.batch,
        candidates=min(settings.candidates, settings.beams),
        prefix=settings.prefix,
        separator=settings.separator,
    )
    shown = folder.name if folder.is_dir() else settings.model  # samples are published, the folders of whoever made them are not
    return Captioner(
        model.name,
        f"{shown} sha256:{model.digest[:12]}",
        model.digest,
        decoding,
        settings.min_seconds,
        settings.max_keywords,
        settings.only,
        debias,
    )
