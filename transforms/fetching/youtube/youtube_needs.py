"""Find the program that yt-dlp needs: a runtime for the JavaScript of YouTube's player."""

from __future__ import annotations

import shutil

from sources.metadata.card import Need, NeedKind

RUNTIMES = {"deno": "deno", "node": "node", "bun": "bun", "quickjs": "qjs"}
"""yt-dlp's name of a runtime -> its program, the recommended one first."""


def runtimes() -> dict[str, str]:
    """Return the runtimes on this machine: yt-dlp's name -> path."""
    paths = {name: shutil.which(program) for name, program in RUNTIMES.items()}
    return {name: path for name, path in paths.items() if path is not None}


def youtube_needs() -> tuple[Need, ...]:
    """Return what fetching from YouTube needs.

    ffmpeg is not among it: streams are neither joined nor encoded, and sections are copied by the libraries of PyAV.
    """
    step = "install one of: deno 2.3, node 22, bun 1.2.11, quickjs 2023-12-09, or later; yt-dlp reads few videos of YouTube without"
    return (Need(NeedKind.PROGRAM, "a JavaScript runtime for yt-dlp", next(iter(runtimes().values()), None), step),)
