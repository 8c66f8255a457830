"""Count the languages of captions with py3langid. They are reported and decide nothing: a caption of two words is often judged wrong."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

MAX_JUDGED = 50_000
"""Captions of a dataset that are judged, which takes three seconds: of more, every k-th in the order of the plan. A share is then exact
to half a percent (1.96 standard errors of a share of one half)."""
UNSURE_BELOW = 0.3
"""Confidence below which a caption counts as `UNSURE`."""
UNSURE = "und"
"""What py3langid and ISO 639 call a text whose language is not determined."""


@dataclass(frozen=True, slots=True)
class Language:
    """A language of captions: its code (ISO 639, or `und`), how many of the judged captions, their mean confidence (0 to 1), and the
    caption that was judged with the highest."""

    code: str
    n_captions: int
    confidence: float
    example: str

    def to_json(self) -> dict[str, Any]:
        """Return the language as reports have it."""
        return {"captions": self.n_captions, "confidence": self.confidence, "example": self.example}


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages of captions, the most frequent first; `n_judged` of the captions were judged: one in `every`."""

    n_judged: int = 0
    every: int = 1
    counts: tuple[Language, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the languages as reports have them."""
        return {"judged": self.n_judged, "every": self.every, "counts": {each.code: each.to_json() for each in self.counts}}


def sample_step(n_captions: int, most: int = MAX_JUDGED) -> int:
    """Return k, where every k-th of so many captions is judged.

    >>> sample_step(50_000), sample_step(50_001)
    (1, 2)
    """
    return max(1, math.ceil(n_captions / most))


def languages_of(captions: Sequence[str], every: int = 1) -> Languages:
    """Return the languages of captions, of which each stands for `every`.

    >>> [(each.code, each.n_captions) for each in languages_of(["A dog barks while rain falls.", "Un perro ladra bajo la lluvia."]).counts]
    [('en', 1), ('es', 1)]
    """
    judge = functools.cache(_identifier().classify)
    judged: dict[str, list[tuple[float, str]]] = {}
    for caption in captions:
        code, confidence = judge(caption)
        judged.setdefault(code, []).append((confidence, caption))
    ordered = sorted(judged.items(), key=lambda item: (-len(item[1]), item[0]))
    return Languages(len(captions), every, tuple(_language(code, pairs) for code, pairs in ordered))


def _language(code: str, judged: list[tuple[float, str]]) -> Language:
    mean = math.fsum(confidence for confidence, _ in judged) / len(judged)
    return Language(code, len(judged), round(mean, 2), max(judged, key=lambda each: each[0])[1])


@functools.cache
def _identifier() -> LanguageIdentifier:
    """Return the model that the package brings, which takes half a second to load."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True, min_confidence=UNSURE_BELOW)
