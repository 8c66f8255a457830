"""What the list of sources says of one of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Card:
    """A source in a few words. `bring` is what the user must have; `dead` says what is known not to work any more."""

    title: str
    license: str
    bring: str
    text: str
    dead: str = ""
