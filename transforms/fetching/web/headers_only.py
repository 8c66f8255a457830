"""Ask for the headers of an address alone: a download that saves nothing."""

from __future__ import annotations

import os
from pathlib import Path

import urllib3

from transforms.fetching.web.partial_download import PartialDownload

MAX_BYTES = 1 << 20
"""Bytes of headers and of what arrives before the connection is closed."""


class HeadersOnly(PartialDownload):
    """A download of which only the answer counts. A body that is sent is not read: leaving it closes the connection."""

    def __init__(self, method: str = "HEAD"):
        super().__init__(Path(os.devnull), MAX_BYTES)
        self.method = method

    def save(self, response: urllib3.BaseHTTPResponse) -> None:
        """Save nothing."""

    def remove(self) -> None:
        """Remove nothing."""
