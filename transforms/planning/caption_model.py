"""Decide for which clips a T5 is asked for a caption, and with which prompt."""

from __future__ import annotations

from dataclasses import dataclass

from augment.keyword_to_caption import T5Settings, prompt
from pipeline.keys import stable_hash
from pipeline.records import Clip, TextHolds
from transforms.planning.debias import UNCHANGED, Neutral

WRITTEN = frozenset({"human", "description", "llm"})
"""Origins of captions in sentences: a clip that has one needs no caption made of its labels."""


@dataclass(frozen=True, slots=True)
class CaptionModel:
    """Hold the identity of a T5 that was loaded once, and the settings it captions with.

    `path` is the folder or hub id to load it from, `name` how samples name it, `digest` the SHA-256 of its files. The guard judges a
    text as `neutral` leaves it.
    """

    path: str
    name: str
    digest: str
    settings: T5Settings
    neutral: Neutral = UNCHANGED

    @property
    def generation_hash(self) -> str:
        """Hash of everything that decides which texts the T5 generates for a prompt."""
        return stable_hash(self.digest, self.settings.generation)

    def keywords_of(self, clip: Clip) -> tuple[str, ...]:
        """Return the keyword set of a clip, sorted; empty for a clip that gets no caption by the T5.

        Those are clips with a caption in sentences, without labels, with too many labels for one sentence, or too short
        to hold them all. A clip that goes to the end of its recording is taken for long enough: its end is not known yet.
        """
        if any(caption.origin in WRITTEN for caption in clip.captions):
            return ()
        if clip.end is not None and clip.end - (clip.start or 0.0) < self.settings.min_seconds:
            return ()
        keywords = tuple(sorted(set(clip.labels)))
        return keywords if len(keywords) <= self.settings.max_keywords and self.prompt_of(keywords) else ()

    def text_holds_of(self, clip: Clip) -> TextHolds:
        """Return which captions `text` holds in a dataset that has captions by a T5."""
        names = {clip.source, clip.dataset}
        if names & set(self.settings.apart):
            return TextHolds.OTHERS
        return TextHolds.T5 if names & set(self.settings.only) else TextHolds.ALL

    def prompt_of(self, keywords: tuple[str, ...]) -> str:
        """Return the prompt for a keyword set."""
        return prompt(keywords, self.settings)
