"""What tests of several modules share."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from hypothesis import settings

from tests.loopback import Loopback

settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)  # the same examples in every run
settings.load_profile("repeatable")


collect_ignore = [name for name, package in (("engine_dataflow.py", "apitools"), ("report_check.py", "selenium")) if not find_spec(package)]
"""What needs packages of its own: those of Dataflow are in the environment of `make engines`, a browser in that of `make report-check`."""


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the proxies of this machine: tests make their own."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    """A running server on 127.0.0.1; its paths are the behaviours that `tests/misbehaviour.py` lists."""
    with Loopback() as server:
        yield server
