"""Define how yt-dlp is used: the table `[youtube]` of a recipe, and the secrets of the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Ge

from pipeline.masking import is_secret_name
from pipeline.records import Clip
from transforms.fetching.addresses import host_of, plain_host, scheme_of

COOKIES, PROXY, ARGUMENTS = "LAION_AUDIO_YOUTUBE_COOKIES", "LAION_AUDIO_YOUTUBE_PROXY", "LAION_AUDIO_YOUTUBE_EXTRACTOR_ARGS"
"""Names in the environment of a file of cookies, the address of a proxy, and extractor arguments with a blank between two of them; they
come before those of the recipe."""
SESSION = frozenset({"visitor_data", "data_sync_id"})
"""Extractor arguments that are of a user, beside those whose names say so, as `po_token`."""


@dataclass(frozen=True, slots=True)
class YouTubeSettings:
    """How yt-dlp is used: the table `[youtube]` of a recipe.

    `hosts` are those whose pages yt-dlp reads, with their subdomains; `cookies` is a file in Netscape's format, relative to the recipe;
    `extractor_args` are written as for the command line of yt-dlp: "youtube:player_client=web,default"; `sleep` are seconds before
    each video.

    Raises:
        ValueError: the address of the proxy holds a user or a password, or an extractor argument holds a secret or has no `:` and `=`.
    """

    hosts: tuple[str, ...] = ("youtube.com", "youtu.be", "youtube-nocookie.com")
    cookies: str | None = None
    proxy: str | None = None
    extractor_args: tuple[str, ...] = ()
    sleep: Annotated[float, Ge(0)] = 0.0

    def __post_init__(self) -> None:
        if self.proxy is not None and "@" in self.proxy:
            raise ValueError(f"youtube.proxy holds a user or a password; recipes are published, so put it into the environment as {PROXY}")
        for extractor, values in parsed_arguments(self.extractor_args).items():
            for name in values:
                if name in SESSION or is_secret_name(name):
                    why = "is a secret; recipes are published, so put it into the environment as"
                    raise ValueError(f"youtube.extractor_args: {extractor}:{name} {why} {ARGUMENTS}")

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

    def arguments(self) -> dict[str, dict[str, list[str]]]:
        """Return the extractor arguments of the recipe and of the environment.

        Raises:
            ValueError: one in the environment has no `:` and `=`.
        """
        return parsed_arguments((*self.extractor_args, *os.environ.get(ARGUMENTS, "").split()))


def parsed_arguments(arguments: tuple[str, ...]) -> dict[str, dict[str, list[str]]]:
    """Return extractor arguments as yt-dlp's Python API takes them.

    Raises:
        ValueError: one is not written `EXTRACTOR:NAME=VALUE,VALUE;NAME=VALUE`.

    >>> parsed_arguments(("youtube:player_client=web,default;lang=en",))
    {'youtube': {'player_client': ['web', 'default'], 'lang': ['en']}}
    """
    parsed: dict[str, dict[str, list[str]]] = {}
    for number, argument in enumerate(arguments, 1):
        extractor, colon, pairs = argument.partition(":")
        for pair in pairs.split(";"):
            name, equals, values = pair.partition("=")
            if not (extractor and colon and name and equals):
                where = f"youtube.extractor_args: entry {number}"  # not the entry itself: it may hold a secret
                raise ValueError(f"{where} is not written EXTRACTOR:NAME=VALUE,VALUE;NAME=VALUE")
            known = parsed.setdefault(extractor.strip().lower(), {})
            known[name.strip().lower().replace("-", "_")] = [value.strip() for value in values.split(",")]
    return parsed
