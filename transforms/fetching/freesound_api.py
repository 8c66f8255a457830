"""Fetch sounds through the API of Freesound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class FreesoundSettings:
    """How the API of Freesound is used: the table `[freesound]` of a recipe.

    `api` is its address. `audio` is "preview" (mp3 of about 128 kbit/s, with a token) or "original" (with an OAuth2 token of the user).
    """

    api: str = "https://freesound.org/apiv2"
    audio: Literal["preview", "original"] = "preview"
