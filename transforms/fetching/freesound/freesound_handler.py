"""Fetch sounds of Freesound through its API: previews with a token, originals with an OAuth2 token of the user."""

from __future__ import annotations

from pathlib import Path

from pipeline.records import Clip, Reason, Recording, Rejected
from transforms.fetching.freesound.freesound_api import FreesoundSettings
from transforms.fetching.freesound.freesound_client import FreesoundClient
from transforms.fetching.limits.budgets import Budgets
from transforms.fetching.web.http import HttpSettings

PREVIEWS = ("preview-hq-mp3", "preview-hq-ogg", "preview-lq-mp3", "preview-lq-ogg")  # names in the API, the best known to the set first


class FreesoundHandler:
    """Fetches pages of sounds, as `https://freesound.org/s/ID/`, and previews; safe to share between threads."""

    def __init__(self, settings: FreesoundSettings, http: HttpSettings, budgets: Budgets):
        self.settings = settings
        self._client = FreesoundClient(settings, http, budgets)

    def matches(self, clip: Clip) -> bool:
        """Return whether the clip has the address of a sound's page, or of a preview."""
        return self.settings.is_preview(clip.url) or self.settings.sound_of(clip.url) is not None

    def fetch(self, clip: Clip, work: Path) -> Recording:
        """Download a preview or the original into `work`; the provenance says which it is.

        Raises:
            Rejected: as `FreesoundClient.record`; `not_found` for a sound that was deleted.
        """
        sound = self.settings.sound_of(clip.url)
        if sound is None:
            return self._client.preview(clip.url, work)
        if self.settings.audio == "original":
            return self._client.original(sound, work)
        return self._client.preview(preview_of(self._client.record(f"sounds/{sound}/", fields="id,previews")), work)


def preview_of(record: object) -> str:
    """Return the address of the preview in the record of a sound.

    Raises:
        Rejected: `not_found`, where it has none.

    >>> preview_of({"id": 1, "previews": {"preview-lq-ogg": "https://cdn.freesound.org/previews/0/1_2-lq.ogg"}})
    'https://cdn.freesound.org/previews/0/1_2-lq.ogg'
    """
    previews = record.get("previews") if isinstance(record, dict) else None
    addresses = [previews.get(name) for name in PREVIEWS] if isinstance(previews, dict) else []
    address = next((address for address in addresses if isinstance(address, str) and address), None)
    if address is None:
        raise Rejected(Reason.NOT_FOUND, "the record of the sound has no preview")
    return address
