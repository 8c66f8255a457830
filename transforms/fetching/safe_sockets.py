"""Sockets that may be trusted with a stranger's address: judged before they connect, bounded in time and bytes.

urllib3 takes connection classes but hands nothing down to them, so what a download may do stands in a context variable.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
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

MAX_LOOKED_UP = 8  # addresses of a name that are tried
MAX_HOST_SHOWN = 200  # characters
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
NAT64 = ipaddress.ip_network("64:ff9b::/96")


def check_public(host: str, addresses: Iterable[str]) -> None:
    """Raise Rejected (`unsafe_address`) unless every address is on the public internet, also when written inside an IPv6 address.

    >>> check_public("example.org", ["93.184.215.14", "2606:4700::6810:84e5"])
    """
    for text in addresses:
        address = ipaddress.ip_address(text.split("%")[0])
        inner: list[ipaddress.IPv4Address | ipaddress.IPv6Address] = [address]
        if isinstance(address, ipaddress.IPv6Address):
            if address in NAT64:  # how a network without IPv4 writes the public ones
                inner = [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
            elif address not in GLOBAL_UNICAST:
                inner = []
            elif address.sixtofour is not None:
                inner.append(address.sixtofour)
        if not inner or not all(part.is_global and not part.is_multicast for part in inner):
            raise Rejected(Reason.UNSAFE_ADDRESS, f"{host[:MAX_HOST_SHOWN]} is {text}, not a public address")


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """What the download under way in this thread may do, down to its sockets."""

    deadline: float = math.inf
    max_bytes: int = 0
    allow_private: bool = False


DOWNLOAD_LIMITS: ContextVar[DownloadLimits] = ContextVar("DOWNLOAD_LIMITS", default=DownloadLimits())  # noqa: B039 - frozen; urllib3 hands nothing down to its sockets


class _Wire(io.RawIOBase):
    """The bytes of one response, until the deadline and up to the limit.

    A socket's own timeout starts anew with every byte, and status, headers and chunk sizes are read before anyone counts.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, terms: DownloadLimits):
        self.raw = raw
        self.sock = sock
        self.terms = terms
        self.patience = sock.gettimeout()
        self.n_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self.terms.deadline - time.monotonic()
        if left <= 0:
            raise Rejected(Reason.TIMEOUT, "not done in the time that all attempts together have")
        if self.patience is not None and left < self.patience:
            self.sock.settimeout(left)
        n_bytes = self.raw.readinto(buffer)
        self.n_bytes += n_bytes or 0
        if self.n_bytes > self.terms.max_bytes:
            raise Rejected(Reason.TOO_LARGE, f"more than {self.terms.max_bytes} bytes with all that is around the file")
        return n_bytes

    def readall(self) -> bytes:
        raise ValueError("nothing is read without a limit")  # what a chunk of -1 bytes asks for

    def close(self) -> None:
        self.raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any):
        super().__init__(sock, *args, **options)
        self.fp: Any = io.BufferedReader(_Wire(self.fp.detach(), sock, DOWNLOAD_LIMITS.get()))


def _connect(connection: HTTPConnection) -> socket.socket:
    """Look a name up once, and connect to what was found and judged: a second answer may be another."""
    host = connection._dns_host.strip("[]")
    try:
        found = list(dict.fromkeys(str(entry[4][0]) for entry in socket.getaddrinfo(host, connection.port, type=socket.SOCK_STREAM)))
    except UnicodeError as error:
        raise urllib3.exceptions.LocationParseError(host) from error
    except socket.gaierror as error:
        raise urllib3.exceptions.NameResolutionError(host, connection, error) from error
    if not DOWNLOAD_LIMITS.get().allow_private:
        check_public(host, found)
    fault = OSError("no address")
    for address in found[:MAX_LOOKED_UP]:
        try:
            return create_connection((address, connection.port), connection.timeout, None, connection.socket_options)
        except OSError as error:
            fault = error
    if isinstance(fault, TimeoutError):
        raise urllib3.exceptions.ConnectTimeoutError(connection, f"no connection to {host} in time") from fault
    raise urllib3.exceptions.NewConnectionError(connection, f"no connection to {host}: {fault}") from fault


class _Connection(HTTPConnection):
    response_class = _Response
    _new_conn = _connect


class _TlsConnection(HTTPSConnection):
    response_class = _Response
    _new_conn = _connect


class Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
