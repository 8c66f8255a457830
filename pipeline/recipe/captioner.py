"""Load the T5 that a recipe names, before anything is planned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from augment.keyword_to_caption import T5Settings
from augment.text_models import INSTRUCTION, Form, Model, form_of, load

if TYPE_CHECKING:
    from transforms.planning.caption_model import CaptionModel
    from transforms.planning.debias import Neutral


def load_caption_model(settings: T5Settings, base: Path, neutral: Neutral) -> CaptionModel:
    """Load the T5 of a recipe once, and return its identity with the settings it captions with.

    Args:
        base: folder that a relative `model` starts from: the recipe's.
        neutral: how the texts are changed before they are judged.

    Raises:
        ValueError: the T5 cannot be used; the message says what to do.
    """
    from transforms.planning.caption_model import CaptionModel

    folder = base / settings.model
    try:
        model = load(str(folder) if folder.is_dir() else settings.model)
    except ValueError as error:
        raise ValueError(f"t5.model = {settings.model!r}: {error}") from error
    shown = folder.name if folder.is_dir() else settings.model  # samples are published, and the path of a private folder should not be
    return CaptionModel(
        path=model.name,
        name=f"{shown} sha256:{model.digest[:12]}",
        digest=model.digest,
        settings=with_instruction(settings, model),
        neutral=neutral,
    )


def with_instruction(settings: T5Settings, model: Model) -> T5Settings:
    """Return the settings with a prompt for a model that is asked in a chat, where neither the recipe nor the table of models has one."""
    if not model.is_instruct or settings.prefix or settings.separator or form_of(settings.model) != Form():
        return settings
    return replace(settings, prefix=INSTRUCTION.prompt.removesuffix("{}"), separator=INSTRUCTION.between)
