"""Let Python look for cycles of objects less often while millions of rows are planned: rows are in no cycles, and each look costs."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

EVERY = 200_000
"""Objects between two looks, in place of 700: a batch of rows has as many. With 700, looks took 6 % of the CPU of a plan (py-spy)."""


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for cycles after `EVERY` new objects inside of the block, and as before after it."""
    before = gc.get_threshold()
    gc.set_threshold(EVERY, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
