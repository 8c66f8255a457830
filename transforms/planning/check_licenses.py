"""Leave out clips whose licence is not in the allow list of the recipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.records import Clip, Reason, Rejected
from sources.metadata.licenses import allows, spdx


def check_license(clip: Clip, allowed: Sequence[str]) -> Clip:
    """Return the clip if its licence is allowed. An empty list allows every clip; a list keeps out clips without a known licence.

    Raises:
        Rejected: `license`.
    """
    if allowed and not any(allows(entry, clip.license) for entry in allowed):
        raise Rejected(Reason.LICENSE, f"{clip.license or 'no licence given'}, allowed: {', '.join(allowed)}")
    return clip


def allow_list(names: Iterable[str]) -> tuple[str, ...]:
    """Return the licences of a recipe's allow list as SPDX identifiers. They may be written in any way that `spdx` reads."""
    return tuple(spdx(name) or name for name in names)
