"""Fetch the audio of videos with yt-dlp."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class YouTubeSettings:
    """How yt-dlp is used: the table `[youtube]` of a recipe.

    `hosts` are those whose pages yt-dlp reads; `cookies` is a file in Netscape's format; `sleep` are seconds between two videos.
    """

    hosts: tuple[str, ...] = ("youtube.com", "youtu.be")
    cookies: str | None = None
    proxy: str | None = None
    sleep: float = 0.0
