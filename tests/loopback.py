"""A real HTTP server on 127.0.0.1 that serves files, and misbehaves where its paths say so.

    with Loopback({"/rain.wav": data}) as server:
        fetch(server.url("/rain.wav"))
    assert server.n_requests["/rain.wav"] == 1

The first part of a path names the behaviour (`BEHAVIOURS`), the rest of it is free, so that every clip can have its own:
`/truncated-once/rain.wav` breaks off at its first request, whatever other paths did.
"""

from __future__ import annotations

import collections
import contextlib
import email.utils
import gzip
import itertools
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

BODY = bytes(range(256)) * 40  # what `/good` and all that end well send
BLOCK = b"\0" * (1 << 16)


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
        """Count a request; return the how manieth it is for its path."""
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
        super().__init__((owner.host, 0), _Handler)

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


class _Handler(BaseHTTPRequestHandler):
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
        """Send a block again and again, until the client or the test has had enough."""
        while not self.server.owner.closing.wait(pause):
            self.wfile.write(block)

    def hang_up(self, with_reset: bool = False) -> None:
        """Close the connection without another word."""
        self.wfile.flush()
        if with_reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.server.owner._sockets.discard(self.connection)
            self.rfile.close()
            self.connection.close()
        self.close_connection = True


def _status(handler: _Handler, n: int) -> None:
    """`/status/404`: that status, always."""
    handler.reply(int(urlsplit(handler.path).path.split("/")[2]), b"<html>no</html>")


def _busy(handler: _Handler, n: int) -> None:
    """`/busy?after=60`: 429 with that Retry-After, `?in=5`: with the date five seconds from now; `/busy-once`: then good."""
    if n > 1 and handler.path.startswith("/busy-once"):
        handler.good()
    elif (seconds := handler.query("in")) is not None:
        handler.reply(429, Retry_After=email.utils.formatdate(time.time() + float(seconds), usegmt=True))
    elif (after := handler.query("after")) is not None:
        handler.reply(429, Retry_After=after)
    else:
        handler.reply(429)


def _unavailable(handler: _Handler, n: int) -> None:
    """`/unavailable?after=60`: 503 with that Retry-After."""
    handler.reply(503, Retry_After=handler.query("after") or "")


def _after_one(fault: Callable[[_Handler], None]) -> Callable[[_Handler, int], None]:
    return lambda handler, n: fault(handler) if n == 1 else handler.good()


def _always(fault: Callable[[_Handler], None]) -> Callable[[_Handler, int], None]:
    return lambda handler, n: fault(handler)


def _unknown_length(handler: _Handler) -> None:
    handler.head(200)
    handler.wfile.write(handler.server.owner.body)


def _chunked(handler: _Handler) -> None:
    handler.head(200, Transfer_Encoding="chunked")
    body = handler.server.owner.body
    for at in range(0, len(body), 1000):
        part = body[at : at + 1000]
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
    handler.wfile.write(b"0\r\n\r\n")


def _raw_chunk(line: bytes) -> Callable[[_Handler, int], None]:
    def send(handler: _Handler, n: int) -> None:
        handler.head(200, Transfer_Encoding="chunked")
        handler.close_connection = True
        handler.wfile.write(line)

    return send


def _truncated(handler: _Handler) -> None:
    body = handler.server.owner.body
    handler.head(200, Content_Length=str(len(body)))
    handler.wfile.write(body[: len(body) // 2])
    handler.hang_up()


def _truncated_chunks(handler: _Handler) -> None:
    handler.head(200, Transfer_Encoding="chunked")
    handler.wfile.write(b"1000\r\nonly this")
    handler.hang_up()


def _drip(handler: _Handler) -> None:
    handler.head(200, Content_Length="1000000")
    handler.pour(b"a", 0.05)


def _drip_head(handler: _Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    handler.pour(b"a", 0.05)


def _stall(handler: _Handler) -> None:
    handler.head(200, Content_Length="1000000")
    handler.wfile.write(b"begin")
    handler.server.owner.closing.wait()


def _stall_head(handler: _Handler) -> None:
    handler.server.owner.closing.wait()


def _endless(handler: _Handler) -> None:
    handler.head(200)
    handler.pour(BLOCK)


def _endless_chunks(handler: _Handler) -> None:
    handler.head(200, Transfer_Encoding="chunked")
    handler.pour(b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK))


def _endless_chunk_line(handler: _Handler) -> None:
    handler.head(200, Transfer_Encoding="chunked")
    handler.pour(b"1" * len(BLOCK))


def _endless_trailers(handler: _Handler) -> None:
    handler.head(200, Transfer_Encoding="chunked")
    handler.wfile.write(b"4\r\nabcd\r\n0\r\n")
    handler.pour(b"X: %s\r\n" % (b"a" * 1000))


def _endless_continue(handler: _Handler) -> None:
    handler.pour(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


def _endless_redirect(handler: _Handler) -> None:
    handler.head(302, Location="/good")
    handler.pour(BLOCK)


def _to(handler: _Handler) -> None:
    """`/to?ADDRESS`: a redirect to it, as it stands there with `%0A` and the like read."""
    handler.reply(302, Location=unquote(urlsplit(handler.path).query, encoding="latin-1"))


def _redirects(handler: _Handler, n: int) -> None:
    """`/redirects/3`: three redirects, then good; each of another kind, the addresses relative."""
    left = int(urlsplit(handler.path).path.split("/")[2])
    if left == 0:
        handler.good()
    else:
        handler.reply((301, 302, 303, 307, 308)[left % 5], b"moved", Location=f"../redirects/{left - 1}?token=secret{left}")


def _header(name: str, value: str, status: int = 200) -> Callable[[_Handler, int], None]:
    return lambda handler, n: handler.reply(status, handler.server.owner.body, **{name: value})


def _lengths(*values: str) -> Callable[[_Handler, int], None]:
    def send(handler: _Handler, n: int) -> None:
        handler.send_response(200)
        for value in values:
            handler.send_header("Content-Length", value)
        handler.end_headers()
        handler.close_connection = True
        handler.wfile.write(handler.server.owner.body)

    return send


def _many_headers(handler: _Handler) -> None:
    handler.reply(200, b"body", **{f"X-{number}": "a" * 100 for number in range(1000)})


def _endless_headers(handler: _Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in itertools.count():
        if handler.server.owner.closing.is_set():
            break
        handler.wfile.write(b"X-%d: %s\r\n" % (number, b"a" * 1000))


BEHAVIOURS: dict[str, Callable[[_Handler, int], None]] = {
    "good": _always(_Handler.good),
    "unknown-length": _always(_unknown_length),
    "chunked": _always(_chunked),
    "status": _status,
    "busy": _busy,
    "busy-once": _busy,
    "unavailable": _unavailable,
    "weak-once": _after_one(lambda handler: handler.reply(503, b"try again")),
    "truncated": _always(_truncated),
    "truncated-once": _after_one(_truncated),
    "truncated-chunks": _always(_truncated_chunks),
    "reset": _always(lambda handler: handler.hang_up(with_reset=True)),
    "reset-once": _after_one(lambda handler: handler.hang_up(with_reset=True)),
    "hang-up": _always(_Handler.hang_up),
    "drip": _always(_drip),
    "drip-head": _always(_drip_head),
    "stall": _always(_stall),
    "stall-head": _always(_stall_head),
    "endless": _always(_endless),
    "endless-chunks": _always(_endless_chunks),
    "endless-chunk-line": _always(_endless_chunk_line),
    "endless-trailers": _always(_endless_trailers),
    "endless-continue": _always(_endless_continue),
    "endless-headers": _always(_endless_headers),
    "endless-redirect": _always(_endless_redirect),
    "negative-chunk": _raw_chunk(b"-5\r\nabcde\r\n0\r\n\r\n"),
    "unbounded-chunk": _raw_chunk(b"-1\r\nabcde\r\n0\r\n\r\n"),
    "no-chunk": _raw_chunk(b"not a size\r\n"),
    "html": _always(lambda handler: handler.reply(200, b"<!DOCTYPE html><title>Sorry</title>", Content_Type="text/html")),
    "redirects": _redirects,
    "loop": _always(lambda handler: handler.reply(302, b"moved", Location=handler.path)),
    "to": _always(_to),
    "nowhere": _always(lambda handler: handler.reply(302, b"moved")),
    "gzip": _always(lambda handler: handler.reply(200, gzip.compress(handler.server.owner.body), Content_Encoding="gzip")),
    "noai": _header("X_Robots_Tag", "all, NoAI"),
    "nosnippet": _header("X_Robots_Tag", "nosnippet"),
    "huge": _lengths("9999999999999"),
    "contradiction": _lengths("5", "7"),
    "odd-length": _lengths("\xb2"),
    "long-length": _lengths("9" * 5000),
    "long-robots-tag": _header("X_Robots_Tag", "noai, " + "a" * 60000),
    "long-header": _header("X_Long", "a" * 70000),
    "many-headers": _always(_many_headers),
    "not-http": _always(lambda handler: handler.wfile.write(b"220 hush FTP server ready\r\n")),
    "endless-status": _always(lambda handler: handler.pour(BLOCK)),
}
