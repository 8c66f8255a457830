"""What tests of several modules share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.loopback import Loopback

settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)  # the same examples in every run
settings.load_profile("repeatable")


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    """A running server on 127.0.0.1; its paths are the behaviours that `tests/misbehaviour.py` lists."""
    with Loopback() as server:
        yield server
