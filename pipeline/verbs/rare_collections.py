"""Let Python look for cycles of objects less often: hardly any object of a command is in a cycle, and each look costs.

With the 700 objects of Python between two looks, they took a tenth of the CPU until a build starts, and 6 % of a plan (py-spy).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

EVERY = 200_000
"""Objects between two looks, in place of 700: a batch of rows has as many."""


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for cycles after `EVERY` new objects inside of the block, and as before after it."""
    before = gc.get_threshold()
    gc.set_threshold(EVERY, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
