"""Run a real HTTP server on 127.0.0.1 that serves files, and has the faults that a path asks for.

    with Loopback({"/rain.wav": data}) as server:
        fetch(server.url("/rain.wav"))
    assert server.n_requests["/rain.wav"] == 1

The first part of a path names the behaviour (`tests/misbehaviour.py`), the rest of it is free, so that every clip can have its own:
`/truncated-once/rain.wav` breaks off at its first request, whatever other paths did.
"""

from __future__ import annotations

import collections
import contextlib
import socket
import ssl
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.misbehaviour import BEHAVIOURS

BODY = bytes(range(256)) * 40  # what `/good` and all that end well send


class Loopback:
    """The server. Counts by path, without the query.

    Attributes:
        files: path -> bytes that are served there, before any behaviour is looked for.
        n_requests: requests for each path.
        most_in_flight: the largest number of requests for each path at the same time; `""` is for all paths together.
        n_connections: connections accepted, also those without a request.
        headers: those of each request, in order of arrival.
    """

    def __init__(
        self, files: dict[str, bytes] | None = None, body: bytes = BODY, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
    ):
        self.files = dict(files or {})
        self.body = body
        self.host = host
        self.tls = tls
        self.n_requests: collections.Counter[str] = collections.Counter()
        self.most_in_flight: collections.Counter[str] = collections.Counter()
        self.n_connections = 0
        self.headers: list[dict[str, str]] = []
        self.faults: list[BaseException] = []
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self._in_flight: collections.Counter[str] = collections.Counter()
        self._sockets: set[socket.socket] = set()

    def __enter__(self) -> Loopback:
        self._server = _Server(self)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="loopback")
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        with self.lock:
            for sock in self._sockets:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        if self.faults and error is None:
            raise AssertionError(f"the server itself failed: {self.faults[0]!r}") from self.faults[0]

    def url(self, path: str, host: str | None = None) -> str:
        """Return the address of a path, under another name of the host if wanted."""
        name = host or self.host
        return f"{'https' if self.tls else 'http'}://{f'[{name}]' if ':' in name else name}:{self.port}{path}"

    def begin(self, path: str, headers: dict[str, str]) -> int:
        """Count a request; return its number among those for its path, from 1."""
        with self.lock:
            self.headers.append(headers)
            self.n_requests[path] += 1
            for name in (path, ""):
                self._in_flight[name] += 1
                self.most_in_flight[name] = max(self.most_in_flight[name], self._in_flight[name])
            return self.n_requests[path]

    def end(self, path: str) -> None:
        """Count a request as answered."""
        with self.lock:
            self._in_flight[path] -= 1
            self._in_flight[""] -= 1


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # closing the server waits for all, so that no socket outlives a test
    request_queue_size = 64

    def __init__(self, owner: Loopback):
        self.owner = owner
        self.address_family = socket.AF_INET6 if ":" in owner.host else socket.AF_INET
        super().__init__((owner.host, 0), Handler)

    def server_bind(self) -> None:
        # not HTTPServer's own, which looks up the name of the host
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.owner.host, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.owner.lock:
            self.owner.n_connections += 1
            self.owner._sockets.add(request)
        super().process_request(request, client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.owner.tls is None:
            super().finish_request(request, client_address)
            return
        with self.owner.tls.wrap_socket(request.dup(), server_side=True) as wrapped:
            super().finish_request(wrapped, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self.owner.lock:
            self.owner._sockets.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError):  # clients may hang up
            self.owner.faults.append(error)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        owner = self.server.owner
        path = unquote(urlsplit(self.path).path)
        n = owner.begin(path, dict(self.headers.items()))
        try:
            if path in owner.files:
                self.reply(200, owner.files[path])
            else:
                behaviour = BEHAVIOURS.get(path.split("/")[1])
                if behaviour is None:
                    self.reply(404, b"no such path")
                else:
                    behaviour(self, n)
        finally:
            owner.end(path)

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer; an underscore in a header's name is a hyphen."""
        self.head(status, Content_Length=str(len(body)), **headers)
        self.wfile.write(body)

    def head(self, status: int, **headers: str) -> None:
        """Send status and headers."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if not {"Content_Length", "Transfer_Encoding"} & headers.keys():
            self.close_connection = True
        self.end_headers()

    def good(self) -> None:
        """Send what was asked for."""
        self.reply(200, self.server.owner.body, Content_Type="audio/wav")

    def query(self, name: str) -> str | None:
        """Return a value of the query."""
        return parse_qs(urlsplit(self.path).query).get(name, [None])[0]

    def pour(self, block: bytes, pause: float = 0.0) -> None:
        """Send a block again and again, until the client hangs up or the test ends."""
        while not self.server.owner.closing.wait(pause):
            self.wfile.write(block)

    def hang_up(self, with_reset: bool = False) -> None:
        """Close the connection."""
        self.wfile.flush()
        if with_reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.server.owner._sockets.discard(self.connection)
            self.rfile.close()
            self.connection.close()
        self.close_connection = True
