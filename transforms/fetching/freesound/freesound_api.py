"""Define how the API of Freesound is used: the table `[freesound]` of a recipe, and the tokens of the environment."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Literal

from sources.metadata.card import Need, NeedKind
from sources.metadata.freesound_request import HOW_TO_GET_TOKEN, TOKEN
from transforms.fetching.addresses import host_of, scheme_of

OAUTH_TOKEN = "FREESOUND_OAUTH_TOKEN"
"""The name in the environment of the OAuth2 token with which a user may get originals."""
SOUND = re.compile(r"https?://[^/?#]+/(?:s|people/[^/?#]+/sounds|apiv2/sounds|embed/sound/iframe)/(\d{1,12})(?:[/?#]|$)", re.IGNORECASE)
PREVIEW = re.compile(r"https?://[^/?#]+/(?:data/)?previews/\d+/\d+_[^/?#]+$", re.IGNORECASE)
HOW = {
    TOKEN: HOW_TO_GET_TOKEN,
    OAUTH_TOKEN: "get an OAuth2 token of a day as https://freesound.org/docs/api/authentication.html describes",
}
"""Name of a token -> how to get it."""


@dataclass(frozen=True, slots=True)
class FreesoundSettings:
    """How the API of Freesound is used: the table `[freesound]` of a recipe.

    `api` is its address. `audio` is "preview" (mp3 of about 128 kbit/s, with a token) or "original" (with an OAuth2 token of the user).
    """

    api: str = "https://freesound.org/apiv2"
    audio: Literal["preview", "original"] = "preview"

    def is_ours(self, url: str) -> bool:
        """Return whether an address is one of Freesound, or of the host of the API."""
        host = host_of(url)
        names = {"freesound.org", host_of(self.api)}
        return scheme_of(url) in {"http", "https"} and any(host == name or host.endswith(f".{name}") for name in names)

    def sound_of(self, url: str) -> str | None:
        """Return the number of the sound that an address is a page of; `None` for other addresses.

        >>> settings = FreesoundSettings()
        >>> settings.sound_of("https://freesound.org/s/1234/"), settings.sound_of("https://freesound.org/people/Ann/sounds/56/?x=1")
        ('1234', '56')
        >>> settings.sound_of("https://example.org/s/1234/")
        """
        match = SOUND.match(url) if self.is_ours(url) else None
        return match[1] if match else None

    def is_preview(self, url: str) -> bool:
        """Return whether an address is that of a preview.

        >>> FreesoundSettings().is_preview("https://cdn.freesound.org/previews/1/1234_56-hq.mp3")
        True
        """
        return self.is_ours(url) and PREVIEW.match(url) is not None


def freesound_needs(settings: FreesoundSettings) -> tuple[Need, ...]:
    """Return the secrets that the API asks for."""
    names = (TOKEN, OAUTH_TOKEN) if settings.audio == "original" else (TOKEN,)
    return tuple(Need(NeedKind.KEY, name, "the environment" if os.environ.get(name) else None, HOW[name]) for name in names)
