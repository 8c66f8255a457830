"""Map a function over items in a pool of threads, with the results in order."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(function: Callable[[Item], Result], items: Iterable[Item], n_threads: int) -> Iterator[Result]:
    """Yield `function(item)` for every item, in the order of the items.

    At most `2 * n_threads` results are computed before they are asked for. An exception of `function` is raised here, and items that
    are still waiting are cancelled.

    >>> list(ordered_map(abs, [-3, 1, -2], 2))
    [3, 1, 2]
    """
    waiting: collections.deque[Future[Result]] = collections.deque()
    with ThreadPoolExecutor(n_threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= 2 * n_threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
