"""Collect the settings of fetching: what a recipe and the command line say about hosts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from transforms.fetching.freesound.freesound_api import FreesoundSettings
from transforms.fetching.limits.budgets import BudgetSettings
from transforms.fetching.web.http import HttpSettings
from transforms.fetching.youtube.youtube import YouTubeSettings


@dataclass(frozen=True)
class FetchSettings:
    """Settings of all handlers; secrets are not among them: they are read from the environment where they are used.

    `cache` is the folder of archives and metadata, `None` for that of the machine where they are used.
    """

    http: HttpSettings = field(default_factory=HttpSettings)
    youtube: YouTubeSettings = field(default_factory=YouTubeSettings)
    freesound: FreesoundSettings = field(default_factory=FreesoundSettings)
    budgets: BudgetSettings = field(default_factory=BudgetSettings)
    cache: Path | None = None
