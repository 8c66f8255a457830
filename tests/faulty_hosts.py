"""Run several hosts on loopback addresses that serve recordings, fail one request in five, and count what they are asked for."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FaultyHost(ThreadingHTTPServer):
    """One host. With `is_faulty` it fails the first request for every fifth path; `throttles_after` requests it answers 429.

    Attributes:
        arrivals: the times of all requests, in seconds.
        most_at_once: the largest number of requests at the same time.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: str, files: dict[str, bytes]):
        super().__init__((address, 0), _Handler)
        self.files = files
        self.is_faulty = True
        self.throttles_after: int | None = None
        self.arrivals: list[float] = []
        self.seen: set[str] = set()
        self.lock = threading.Lock()
        self.n_now = self.most_at_once = 0

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return f"http://{self.server_address[0]}:{self.server_address[1]}{path}"

    @contextlib.contextmanager
    def counted(self, path: str) -> Iterator[bool]:
        """Count a request; yield whether it is the first for its path."""
        with self.lock:
            self.arrivals.append(time.time())
            self.n_now += 1
            self.most_at_once = max(self.most_at_once, self.n_now)
            is_first = path not in self.seen
            self.seen.add(path)
        try:
            yield is_first
        finally:
            with self.lock:
                self.n_now -= 1

    def most_in(self, seconds: float) -> int:
        """Return the largest number of requests in any window of that length."""
        times = sorted(self.arrivals)
        return max((sum(1 for other in times[n:] if other - begin < seconds) for n, begin in enumerate(times)), default=0)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyHost

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        host, body = self.server, self.server.files[self.path]
        with host.counted(self.path) as is_first:
            if host.throttles_after is not None and len(host.arrivals) > host.throttles_after:
                self._answer(429, b"", {"Retry-After": "3600"})
            elif host.is_faulty and is_first and (fault := hashlib.sha256(self.path.encode()).digest()[0]) < 51:  # a fifth of 256
                if fault % 3 == 0:
                    self._answer(500, b"no")
                elif fault % 3 == 1:
                    self.close_connection = True  # no answer
                else:
                    self._answer(200, body[: len(body) // 2], {"Content-Length": str(len(body))})
                    self.close_connection = True
            else:
                self._answer(200, body)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body)), "Content-Type": "audio/wav"} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def serving(hosts: list[FaultyHost]) -> Iterator[None]:
    """Run hosts until the block ends."""
    threads = [threading.Thread(target=host.serve_forever, args=(0.02,), daemon=True) for host in hosts]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for host in hosts:
            host.shutdown()
            host.server_close()
