"""Download with limits that suit tests, and look names up in a table instead of a name server."""

from __future__ import annotations

import errno
import hashlib
import pickle
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.records import Rejected
from tests.loopback import BODY
from transforms.fetching.limits.budgets import Budgets, BudgetSettings
from transforms.fetching.web.http import HttpClient, HttpSettings

QUICK = HttpSettings(allow_private=True, connect_timeout=5, read_timeout=5, total_timeout=30, max_bytes=1_000_000, backoff=0.5)
GUARDED = replace(QUICK, allow_private=False)
PUBLIC = "93.184.215.14"
SHA256 = hashlib.sha256(BODY).hexdigest()


class Naps:
    """A sleep that returns at once and writes down its seconds."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@contextmanager
def client_of(
    settings: HttpSettings, naps: Callable[[float], None] | None = None, jitter: Callable[[], float] = lambda: 0.5
) -> Iterator[HttpClient]:
    """A client without waits, whose connections are closed in the end."""
    client = HttpClient(settings, Budgets(BudgetSettings()), naps or Naps(), jitter)
    yield client
    client.manager.clear()


def rejection_of(url: str, work: Path, settings: HttpSettings = QUICK, naps: Callable[[float], None] | None = None) -> Rejected:
    """Return what `url` is rejected with, after checks that no file is left and that the detail is fit for the books."""
    with client_of(settings, naps) as client, pytest.raises(Rejected) as caught:
        client.download(url, work)
    rejected = caught.value
    assert list(work.iterdir()) == [], "a partial file is left"
    assert rejected.provenance is not None
    assert 0 < len(rejected.detail) <= 300
    assert rejected.detail.isprintable()
    assert "Connection(" not in rejected.detail and "Pool(" not in rejected.detail and "Error(" not in rejected.detail
    assert pickle.loads(pickle.dumps(rejected)).detail == rejected.detail
    return rejected


class Names:
    """A table of names -> the addresses that each look-up in turn returns; other names are looked up as always."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: list[list[str]]):
        self.answers = answers
        self.asked: list[str] = []
        self.connected: list[str] = []
        self._really_look_up, self._really_connect = socket.getaddrinfo, socket.socket.connect
        monkeypatch.setattr(socket, "getaddrinfo", self.look_up)
        monkeypatch.setattr(socket.socket, "connect", lambda sock, address: self.connect(sock, address))

    def look_up(self, host, port, *args, **options):
        if host not in self.answers:
            return self._really_look_up(host, port, *args, **options)
        self.asked.append(host)
        turns = self.answers[host]
        addresses = turns.pop(0) if len(turns) > 1 else turns[0]
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    def connect(self, sock, address):
        self.connected.append(address[0])
        if address[0] not in {"127.0.0.1", "::1"}:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")  # nothing leaves this machine
        self._really_connect(sock, address)
