"""Confidence intervals by bootstrap over clips: a resample takes a clip with all its captions, or leaves it out."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from train.scores.statistics import Statistics, values_of

RESAMPLES = 1000
AT_ONCE = 100  # resamples in memory
BOUNDS = (2.5, 97.5)  # percent


@dataclass(frozen=True)
class Estimate:
    """A score, or a difference of two, and the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


def intervals(statistics: Statistics, n_clips: int) -> dict[str, Estimate]:
    """Return each score with its interval. The ranks stay those among all clips; the resamples are the same in every call."""
    return _estimates(values_of(statistics, n_clips), _resampled(statistics, n_clips))


def paired_intervals(first: Statistics, second: Statistics, n_clips: int) -> dict[str, Estimate]:
    """Return first - second for each score that both have. Each resample takes the same clips for both, which must be in one order.

    That is paired: what is hard for both does not widen the interval.
    """
    shared = [name for name in first if name in second]
    ones, others = (values_of({name: side[name] for name in shared}, n_clips) for side in (first, second))
    mine, theirs = (_resampled({name: side[name] for name in shared}, n_clips) for side in (first, second))
    return _estimates({name: ones[name] - others[name] for name in shared}, {name: mine[name] - theirs[name] for name in shared})


def resamples(n_clips: int) -> Iterator[np.ndarray]:
    """Yield how often each clip is in each of RESAMPLES resamples: (AT_ONCE, n_clips) float64, every row of sum n_clips."""
    rng = np.random.default_rng(n_clips)
    for _ in range(RESAMPLES // AT_ONCE):
        drawn = rng.integers(n_clips, size=(AT_ONCE, n_clips))
        yield np.array([np.bincount(row, minlength=n_clips) for row in drawn], float)


def _resampled(statistics: Statistics, n_clips: int) -> dict[str, np.ndarray]:
    parts = [{name: statistic(weights) for name, statistic in statistics.items()} for weights in resamples(n_clips)]
    return {name: np.concatenate([part[name] for part in parts]) for name in statistics}


def _estimates(values: dict[str, float], resampled: dict[str, np.ndarray]) -> dict[str, Estimate]:
    bounds = {name: np.nanpercentile(resampled[name], BOUNDS) for name in values}
    return {name: Estimate(value, *map(float, bounds[name])) for name, value in values.items()}
