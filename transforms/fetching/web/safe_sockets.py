"""Open connections only to allowed addresses, and bound what they receive in time and bytes.

urllib3 takes connection classes but passes no arguments to them, so the limits of a download are kept in a context variable.
"""

from __future__ import annotations

import http.client
import io
import math
import socket
import time
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.connection import create_connection

from pipeline.records import Reason, Rejected
from transforms.fetching.web.proxies import Proxy, proxy_for
from transforms.fetching.web.public_addresses import is_loopback, is_public

MAX_ADDRESSES_TRIED = 8  # of one name
MAX_HOST_SHOWN = 200  # characters


class ConnectionFailedError(urllib3.exceptions.HTTPError):
    """No connection could be made: the name cannot be looked up, or all its addresses refuse. Its text is for users."""


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """What the download of this thread may do, down to its sockets.

    `deadline` is in seconds of `time.monotonic`; `max_bytes` bounds one response with its headers.
    """

    deadline: float = math.inf
    max_bytes: int = 0
    allow_private: bool = False


DOWNLOAD_LIMITS: ContextVar[DownloadLimits] = ContextVar("DOWNLOAD_LIMITS", default=DownloadLimits())  # noqa: B039 - frozen


def check_public(host: str, addresses: Iterable[str]) -> None:
    """Check that every address of a host is on the public internet.

    Raises:
        Rejected: `unsafe_address`, with the first address that is not.

    >>> check_public("example.org", ["93.184.215.14", "2606:4700::6810:84e5"])
    """
    for address in addresses:
        if not is_public(address):
            raise Rejected(Reason.UNSAFE_ADDRESS, f"{host[:MAX_HOST_SHOWN]} is {address}, not a public address")


class LimitedReader(io.RawIOBase):
    """Reads one response, until the deadline and up to the number of bytes that `limits` allow.

    A socket's own timeout starts anew with every byte, and http.client reads status, headers and chunk sizes without a limit.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, limits: DownloadLimits):
        self.raw = raw
        self.sock = sock
        self.limits = limits
        self.read_timeout = sock.gettimeout()
        self.n_bytes = 0

    def readable(self) -> bool:
        """Return that this can be read, as `io.BufferedReader` asks."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what has arrived into `buffer`; return the number of bytes.

        Raises:
            Rejected: `timeout` after the deadline, `too_large` when more bytes came than allowed.
            TimeoutError: nothing arrived within the read timeout, or until the deadline.
        """
        left = self.limits.deadline - time.monotonic()
        if left <= 0:
            raise Rejected(Reason.TIMEOUT, "not done in the time that all attempts together have")
        if self.read_timeout is not None and left < self.read_timeout:
            self.sock.settimeout(left)
        n_bytes = self.raw.readinto(buffer)
        self.n_bytes += n_bytes or 0
        if self.n_bytes > self.limits.max_bytes:
            raise Rejected(Reason.TOO_LARGE, f"more than {self.limits.max_bytes} bytes with all that is around the file")
        return n_bytes

    def readall(self) -> bytes:
        """Refuse to read without a limit: http.client tries that for a chunk of -1 bytes."""
        raise ValueError("a chunk of the body has no valid length")

    def close(self) -> None:
        """Close the reader and what it reads from."""
        self.raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any):
        super().__init__(sock, *args, **options)
        self.fp: Any = io.BufferedReader(LimitedReader(self.fp.detach(), sock, DOWNLOAD_LIMITS.get()))


def _connect(connection: HTTPConnection) -> socket.socket:
    """Look the host's name up once, check its addresses, and connect to one of these: a second look-up may have another result."""
    host = connection._dns_host.strip("[]")
    proxy = proxy_for("https" if isinstance(connection, HTTPSConnection) else "http", host, connection.port)
    addresses = _addresses_of(host, connection.port, proxy)
    fault, shown = OSError("it has no address"), host[:MAX_HOST_SHOWN]
    if proxy is not None:
        if any(is_loopback(address) for address in addresses):  # this machine, which no proxy reaches
            proxy = None
        elif proxy.fault:
            raise ConnectionFailedError(f"no connection to {shown}: the proxy {proxy.host[:MAX_HOST_SHOWN]}: {proxy.fault}")
        else:
            shown = f"{shown} through the proxy {proxy.host[:MAX_HOST_SHOWN]}"
    for address in addresses[:MAX_ADDRESSES_TRIED]:
        try:
            if proxy is not None:
                return proxy.tunnel(address, connection.port, connection.timeout)
            return create_connection((address, connection.port), connection.timeout, None, connection.socket_options)
        except OSError as error:
            fault = error
    if isinstance(fault, TimeoutError):
        raise urllib3.exceptions.ConnectTimeoutError(f"no connection to {shown} in time") from fault
    raise ConnectionFailedError(f"no connection to {shown}: {fault.strerror or fault}") from fault


def _addresses_of(host: str, port: int, proxy: Proxy | None) -> list[str]:
    """Return the addresses of a name, after the check that all are public.

    Where private addresses are allowed, nothing is left to check, so that a name that is not known here is left to the proxy.
    """
    may_be_private = DOWNLOAD_LIMITS.get().allow_private
    try:
        addresses = _look_up(host, port)
    except ConnectionFailedError:
        if proxy is None or not may_be_private:
            raise
        return [host]
    if not may_be_private:
        check_public(host, addresses)
    return addresses


def _look_up(host: str, port: int) -> list[str]:
    """Return the addresses of a name, each once, in the order of the system's preference."""
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise urllib3.exceptions.LocationParseError(host) from error
    except socket.gaierror as error:
        raise ConnectionFailedError(f"the name {host[:MAX_HOST_SHOWN]} cannot be looked up: {error.strerror}") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))


class _Connection(HTTPConnection):
    response_class = _Response
    _new_conn = _connect


class _TlsConnection(HTTPSConnection):
    response_class = _Response
    _new_conn = _connect


class Pool(HTTPConnectionPool):
    """Keeps limited connections to one host."""

    ConnectionCls = _Connection


class TlsPool(HTTPSConnectionPool):
    """Keeps limited connections over TLS to one host."""

    ConnectionCls = _TlsConnection
