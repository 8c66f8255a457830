"""Run a real proxy on 127.0.0.1 that makes tunnels, all to one server of this machine, whatever address it is asked for."""

from __future__ import annotations

import contextlib
import selectors
import socket
import socketserver
import threading
from types import TracebackType


class TunnelProxy:
    """The proxy.

    Attributes:
        asked: the request line of each request.
        headers: the headers of each request, in lower case.
    """

    def __init__(self, port: int, status: str = "200 Connection established", raw: bytes | None = None):
        self.target = ("127.0.0.1", port)
        self.answer = raw if raw is not None else f"HTTP/1.1 {status}\r\n\r\n".encode()
        self.opens = raw is None and status.startswith("200")
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []

    def __enter__(self) -> TunnelProxy:
        owner = self

        class Request(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                owner.serve(self)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Request)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,)).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self, request: socketserver.StreamRequestHandler) -> None:
        """Answer a request, and carry bytes both ways until one side closes."""
        self.asked.append(request.rfile.readline().decode().strip())
        lines = iter(lambda: request.rfile.readline().decode().strip(), "")
        self.headers.append({name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)})
        request.wfile.write(self.answer)
        if self.opens:
            with socket.create_connection(self.target) as far, contextlib.suppress(OSError):
                _carry(request.connection, far)


def _carry(near: socket.socket, far: socket.socket) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(near, selectors.EVENT_READ, far)
        selector.register(far, selectors.EVENT_READ, near)
        while True:
            for key, _ in selector.select():
                data = key.fileobj.recv(1 << 16)  # type: ignore[union-attr]
                if not data:
                    return
                key.data.sendall(data)
