"""What tests of several modules share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.loopback import Loopback


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    """A running server on 127.0.0.1; its paths are the behaviours that `tests/loopback.py` lists."""
    with Loopback() as server:
        yield server
