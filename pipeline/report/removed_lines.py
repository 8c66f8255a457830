"""Say what a removal changed, or would change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.counted import counted
from pipeline.verbs.same_clips import EXCERPT, SOUND

if TYPE_CHECKING:
    from pipeline.verbs.remove import RemoveOutcome


def removed_lines(outcome: RemoveOutcome, is_dry_run: bool) -> Iterator[str]:
    """Yield lines about what was removed; in a dry run a line for each clip that would go."""
    matched = outcome.matched
    if matched.already:
        yield f"{counted(len(matched.already), 'id was', 'ids were')} removed before"
    if is_dry_run:
        for name, row in sorted(matched.clips.items()):
            because = f" ({matched.because[name]})" if name in matched.because else ""
            yield f"{row.dataset}/{row.id}: in {row.shard}{because}"
        for _, row in sorted(matched.left_out.items()):
            yield f"{row.dataset}/{row.id}: a row that is left out of the plan"
    verb = "would be removed" if is_dry_run else "removed"
    of_others = {
        reason: sum(each == reason for name, each in matched.because.items() if name in matched.clips) for reason in (EXCERPT, SOUND)
    }
    more = "".join(f", {n} of them because of {reason} as a clip that was named" for reason, n in of_others.items() if n)
    rows = f" and {counted(len(matched.left_out), 'row')} that no shard has" if matched.left_out else ""
    yield f"{counted(len(matched.clips), 'clip')}{rows} {verb}{more}"
    if not is_dry_run:
        names = ", ".join(shard.name for shard in outcome.finished.written)
        yield f"{counted(len(outcome.finished.written), 'shard')} changed{f': {names}' if names else ''}; all others are as they were"
    if outcome.reports:
        yield f"removed, since they named these clips: {', '.join(outcome.reports)}"
