"""The description of a source that `laion-audio sources` prints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Card:
    """A short description of a source.

    `title`: what the source is. `license`: the licence of its clips. `bring`: the files that the user must have.
    `text`: where captions come from. `dead`: what is known to be unavailable today.
    """

    title: str
    license: str
    bring: str
    text: str
    dead: str = ""
