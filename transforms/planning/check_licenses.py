"""Leave out clips whose licence is not in the allow list of the recipe."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import apache_beam as beam

from pipeline.records import Clip, Reason, Rejected
from sources.metadata.licenses import allows, spdx
from transforms.planning.map_or_reject import map_or_reject


def check_license(clip: Clip, allowed: Sequence[str]) -> Clip:
    """Return the clip if its licence is allowed. An empty list allows every clip; a list keeps out clips without a known licence.

    Raises:
        Rejected: `license`.
    """
    if allowed and not any(allows(entry, clip.license) for entry in allowed):
        raise Rejected(Reason.LICENSE, f"{clip.license or 'no licence given'}, allowed: {', '.join(allowed)}")
    return clip


class CheckLicenses(beam.PTransform):
    """Clips -> (clips with an allowed licence, rejections). Allowed licences may be written in any way that `spdx` reads."""

    def __init__(self, allowed: Sequence[str]):
        super().__init__()
        self.allowed = tuple(spdx(name) or name for name in allowed)

    def expand(self, clips: beam.PCollection) -> tuple[beam.PCollection, beam.PCollection]:
        return map_or_reject(clips, "check_licenses", partial(check_license, allowed=self.allowed))
