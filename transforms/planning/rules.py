"""Hold what a recipe says about the rows of its sources: what is held out, joined, allowed and made neutral."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pipeline.output.removals_file import Removals
from pipeline.records import TEMPLATE_LABELS, Clip, Rejection
from sources.metadata.held_lists import Entry, HeldOut
from sources.metadata.options import SourceOptions
from transforms.planning.captions import with_captions
from transforms.planning.check_licenses import allow_list, check_license
from transforms.planning.debias import UNCHANGED, Neutral
from transforms.planning.hold_out import HoldOuts
from transforms.planning.join_captions import SourceName, join_all, joining_sources
from transforms.planning.leave_out_removed import STAGE, check_removed
from transforms.planning.map_or_reject import map_or_reject
from transforms.planning.share_recordings import Pair, shared_by


@dataclass(frozen=True, slots=True)
class Rules:
    """What planning does with rows. `holdout` are the entries of a recipe, `hold_outs` what they hold out; `tables` are caption tables.

    `template_labels` is the largest number of labels in a caption by template. `removals` are those of the output folder.
    """

    holdout: tuple[Entry, ...] = ()
    hold_outs: HoldOuts = field(default_factory=HoldOuts)
    tables: frozenset[SourceName] = frozenset()
    licenses: tuple[str, ...] = ()
    neutral: Neutral = UNCHANGED
    template_labels: int = TEMPLATE_LABELS
    removals: Removals = field(default_factory=Removals)

    @classmethod
    def of(
        cls,
        sources: Iterable[SourceOptions],
        holdout: Sequence[Entry],
        base: Path,
        elsewhere: Collection[HeldOut] = (),
        licenses: Iterable[str] = (),
        neutral: Neutral = UNCHANGED,
        template_labels: int = TEMPLATE_LABELS,
        removals: Removals | None = None,
    ) -> Rules:
        """Return the rules of a recipe, whose paths start from `base`; its lists of recordings are read."""
        hold_outs, none = HoldOuts.of(holdout, base, elsewhere), Removals()
        allowed = allow_list(licenses)
        return cls(tuple(holdout), hold_outs, joining_sources(sources), allowed, neutral, template_labels, removals or none)

    def allowed(self, distinct: Sequence[Clip], rejections: list[Rejection]) -> list[Clip]:
        """Return the clips that may be used, with the captions of caption tables; append rejections of the others.

        Args:
            distinct: one clip for each excerpt and key, and all clips of each recording among them.
        """
        clips = self.hold_outs.apply(distinct, rejections)
        return join_all(clips, self.tables, self.holdout, rejections)

    def captioned(self, allowed: Iterable[Clip], rejections: list[Rejection]) -> list[Clip]:
        """Return the clips that have a licence of the allow list and text, with their captions; append rejections of the others.

        Clips that were removed are left out last: until then they decide about other clips, as before they were removed.
        """
        licensed = map_or_reject(allowed, "check_licenses", partial(check_license, allowed=self.licenses), rejections)
        with_text = partial(with_captions, template_labels=self.template_labels)
        captioned = map_or_reject(licensed, "caption", with_text, rejections)
        if not self.removals:
            return captioned
        return map_or_reject(captioned, STAGE, partial(check_removed, removals=self.removals), rejections)


def shared_pairs(distinct: Iterable[Clip], captioned: Iterable[Clip]) -> Counter[Pair]:
    """Count the recordings of each pair of splits: of the clips that were read, and of those that are planned."""
    read = ((clip.recording, f"{clip.dataset}/{clip.split}", False) for clip in distinct)
    planned = ((clip.recording, f"{clip.dataset}/{clip.split}", True) for clip in captioned)
    return shared_by(itertools.chain(read, planned))
