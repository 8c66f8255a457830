"""Run a real HTTP server on 127.0.0.1 that sends media files by ranges, and can begin to fail.

with MediaHost({"/rain.webm": data}) as host:
    host.fault = lambda handler, n: handler.send_error(429) if n > 1 else None
    fetch(host.url("/rain.webm"))
"""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.threaded_host import ThreadedHost

TYPES = {"webm": "audio/webm", "m4a": "audio/mp4", "ogg": "audio/ogg", "mp3": "audio/mpeg", "html": "text/html"}
Fault = Callable[["Handler", int], bool]


class MediaHost(ThreadedHost):
    """The server. `fault` is called with every request and its number, from 1; where it returns True, it has answered.

    Attributes:
        ranges: the `Range` of every request for media, in order; "" where it has none.
        n_bytes: bytes of media that were sent.
        cut: break off an answer after so many bytes; None for never.
        has_ranges: whether `Range` is honoured.
    """

    def __init__(self, files: dict[str, bytes]):
        self.files = files
        self.fault: Fault = lambda handler, n: False
        self.cut: int | None = None
        self.has_ranges = True
        self.n_requests: Counter[str] = Counter()
        self.ranges: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.n_bytes = 0

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self._server.server_address[1]}{path}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"  # a connection for each request: yt-dlp's networking keeps none

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        owner: MediaHost = self.server.owner  # type: ignore[attr-defined]
        path = self.path.split("?")[0]
        owner.n_requests[path] += 1
        owner.headers.append(dict(self.headers.items()))
        if owner.fault(self, owner.n_requests.total()):
            return
        data = owner.files.get(path)
        if data is None:
            self.answer(404, b"no such file")
            return
        owner.ranges.append(self.headers.get("Range", ""))
        given = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")) if owner.has_ranges else None
        first, last = (int(given[1]), min(int(given[2] or len(data)), len(data) - 1)) if given else (0, len(data) - 1)
        headers = {"Content-Type": TYPES.get(path.rsplit(".")[-1], "application/octet-stream")}
        if given:
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        self.answer(206 if given else 200, data[first : last + 1], **headers)

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        """Send an answer; it breaks off where the host is to cut it."""
        owner: MediaHost = self.server.owner  # type: ignore[attr-defined]
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command == "GET":
            try:
                self.wfile.write(body if owner.cut is None else body[: owner.cut])
                owner.n_bytes += len(body)
            except OSError:
                pass  # the client hung up: it reads no more than the headers of a page that is media
            if owner.cut is not None:
                self.connection.shutdown(socket.SHUT_RDWR)


MediaHost.handler = Handler
