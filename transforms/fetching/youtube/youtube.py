"""Define how yt-dlp is used: the table `[youtube]` of a recipe, and the secrets of the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from annotated_types import Ge

from pipeline.records import Clip
from transforms.fetching.addresses import host_of, plain_host, scheme_of

COOKIES, PROXY = "LAION_AUDIO_YOUTUBE_COOKIES", "LAION_AUDIO_YOUTUBE_PROXY"
"""Names in the environment of a file of cookies and of the address of a proxy; they come before those of the recipe."""


@dataclass(frozen=True, slots=True)
class YouTubeSettings:
    """How yt-dlp is used: the table `[youtube]` of a recipe.

    `hosts` are those whose pages yt-dlp reads, with their subdomains; `cookies` is a file in Netscape's format, relative to the recipe;
    `extractor_args` are written as for the command line of yt-dlp: "youtube:player_client=web,default"; `sleep` are seconds before
    each video.

    Raises:
        ValueError: the address of the proxy holds a user or a password, or an extractor argument has no `:` and `=`.
    """

    hosts: tuple[str, ...] = ("youtube.com", "youtu.be", "youtube-nocookie.com")
    cookies: str | None = None
    proxy: str | None = None
    extractor_args: tuple[str, ...] = ()
    sleep: Annotated[float, Ge(0)] = 0.0

    def __post_init__(self) -> None:
        if self.proxy is not None and "@" in urlsplit(self.proxy).netloc:
            raise ValueError(f"youtube.proxy holds a user or a password; recipes are published, so put it into the environment as {PROXY}")
        parsed_arguments(self.extractor_args)

    def reads(self, clip: Clip) -> bool:
        """Return whether yt-dlp is to fetch a clip.

        >>> clip = Clip("table", "Set", "train", "a", "https://m.youtube.com/watch?v=abc")
        >>> YouTubeSettings().reads(clip), YouTubeSettings(hosts=("example.org",)).reads(clip)
        (True, False)
        """
        host, names = host_of(clip.url), map(plain_host, self.hosts)
        return scheme_of(clip.url) in {"http", "https"} and any(host == name or host.endswith(f".{name}") for name in names)

    def cookies_file(self, base: Path) -> Path | None:
        """Return the file of cookies; a path of the recipe starts from `base`."""
        given = os.environ.get(COOKIES)
        return Path(given) if given else base / self.cookies if self.cookies else None

    def proxy_address(self) -> str:
        """Return the address of the proxy; nothing where there is none."""
        return os.environ.get(PROXY) or self.proxy or ""


def parsed_arguments(arguments: tuple[str, ...]) -> dict[str, dict[str, list[str]]]:
    """Return extractor arguments as yt-dlp's Python API takes them.

    Raises:
        ValueError: one is not written `EXTRACTOR:NAME=VALUE,VALUE;NAME=VALUE`.

    >>> parsed_arguments(("youtube:player_client=web,default;lang=en",))
    {'youtube': {'player_client': ['web', 'default'], 'lang': ['en']}}
    """
    parsed: dict[str, dict[str, list[str]]] = {}
    for argument in arguments:
        extractor, colon, pairs = argument.partition(":")
        for pair in pairs.split(";"):
            name, equals, values = pair.partition("=")
            if not (extractor and colon and name and equals):
                raise ValueError(f"youtube.extractor_args: {argument!r} is not written EXTRACTOR:NAME=VALUE,VALUE;NAME=VALUE")
            known = parsed.setdefault(extractor.strip().lower(), {})
            known[name.strip().lower().replace("-", "_")] = [value.strip() for value in values.split(",")]
    return parsed
