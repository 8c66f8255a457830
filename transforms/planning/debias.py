"""Make the captions of clips gender-neutral, where the recipe asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from augment.debias.rewrite import debias
from pipeline.records import Caption, Clip, DebiasLevel, DebiasScope
from sources.metadata.held_lists import Entry
from sources.metadata.options import SourceOptions
from transforms.planning.hold_out import is_for_training


@dataclass(frozen=True, slots=True)
class Neutral:
    """Which captions are made neutral, and how far. `of_datasets` has the scope of (source, dataset) where it is not that of the recipe.

    Clips that `holdout` names are an evaluation set, whatever their split is called.
    """

    scope: DebiasScope = "none"
    level: DebiasLevel = "full"
    of_datasets: Mapping[tuple[str, str], DebiasScope] = field(default_factory=dict)
    holdout: tuple[Entry, ...] = ()

    @classmethod
    def of(cls, scope: DebiasScope, level: DebiasLevel, sources: Iterable[SourceOptions], holdout: Iterable[Entry]) -> Neutral:
        """Return what a recipe and its sources say."""
        own = {(options.source, options.dataset): options.debias for options in sources if options.debias is not None}
        return cls(scope, level, own, tuple(holdout))

    def level_of(self, clip: Clip, origin: str) -> DebiasLevel | None:
        """Return how far captions of an origin are made neutral; `None` where they stay as they are."""
        scope = self.of_datasets.get((clip.source, clip.dataset), self.scope)
        if scope == "none" or origin == "template" or (scope == "generated" and origin != "t5"):
            return None
        if scope != "all" and not is_for_training(clip, self.holdout):
            return None
        return self.level

    def __call__(self, clip: Clip) -> Clip:
        """Return the clip with its captions made neutral; each that changed records its text before, and the rules."""
        captions = tuple(_neutral(caption, self.level_of(clip, caption.origin)) for caption in clip.captions)
        return clip if captions == clip.captions else replace(clip, captions=captions)


UNCHANGED = Neutral()
"""No caption changes."""


def _neutral(caption: Caption, level: DebiasLevel | None) -> Caption:
    if level is None:
        return caption
    neutral = debias(caption.text, level)
    if not neutral.changes:
        return caption
    rules = tuple(change.rule for change in neutral.changes)
    return replace(caption, text=neutral.text, before_debias=caption.text, debias_rules=rules)
