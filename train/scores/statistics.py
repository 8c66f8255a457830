"""Scores as functions of the weights of clips: all weights 1 give the score, counts of a resample give one value of its bootstrap."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from train.scores.metrics import Ranks, average_precision, check_finite

Statistic = Callable[[np.ndarray], np.ndarray]
"""Weights (n_resamples, n_clips), whole numbers from 0 -> values (n_resamples,)."""
Statistics = Mapping[str, Statistic]
"""By name. A slash divides the way and the score, as in "t2a/R@1"."""


def retrieval_statistics(ranks: Ranks) -> Statistics:
    """Return R@k, mAP@k and the median rank, text to audio ("t2a") and audio to text ("a2t").

    t2a: each caption is a query. a2t: each clip is a query; R@k and median rank are those of its best caption, mAP@k is over all its
    captions, their ranks sorted. mAP@10 is that of the paper (Wu et al. 2023), mAP@16 that of DCASE 2025, task 6.
    """
    captions, by_clip = np.bincount(ranks.owner), ranks.by_clip()
    best = np.array([own.min() for own in by_clip])
    clips = np.arange(len(by_clip))

    def per_caption(values: np.ndarray) -> Statistic:
        return ratio(np.bincount(ranks.owner, values), captions)

    def per_clip(k: int, in_order: bool) -> Statistic:
        return ratio(np.array([average_precision(np.sort(own) if in_order else own, k) for own in by_clip]))

    return {
        **{f"t2a/R@{k}": per_caption(ranks.to_audio <= k) for k in (1, 5, 10)},
        **{f"t2a/mAP@{k}": per_caption(np.where(ranks.to_audio <= k, 1 / ranks.to_audio, 0)) for k in (10, 16)},
        "t2a/median_rank": median(ranks.to_audio, ranks.owner),
        **{f"a2t/R@{k}": ratio(best <= k) for k in (1, 5, 10)},
        **{f"a2t/mAP@{k}": per_clip(k, in_order=True) for k in (10, 16)},
        "a2t/median_rank": median(best, clips),
        "a2t/mAP@10_laion_compat": per_clip(10, in_order=False),
    }


def class_statistics(scores: np.ndarray, truth: np.ndarray, folds: np.ndarray | None = None) -> Statistics:
    """Return the mean average precision and, where each clip has one class, the accuracy. scores, truth: (n_clips, n_classes).

    folds: (n_clips,) the fold of each clip, for the mean of their accuracies; None if it is not known.
    """
    check_finite("scores of classes", scores)
    statistics: dict[str, Statistic] = {"mAP": mean_average_precision(scores, truth)}
    if bool((truth.sum(1) == 1).all()):
        hits = scores.argmax(1) == truth.argmax(1)
        statistics = {"accuracy": ratio(hits), **statistics}
        if folds is not None:
            statistics["fold_mean"] = mean([ratio(hits * (folds == fold), folds == fold) for fold in np.unique(folds)])
    return statistics


def ratio(values: np.ndarray, counts: np.ndarray | None = None) -> Statistic:
    """Return the sum of values over the sum of counts, NaN where that is 0. Both: (n_clips,); counts: 1 each by default."""
    above, below = np.asarray(values, float), np.ones(len(values)) if counts is None else np.asarray(counts, float)

    def statistic(weights: np.ndarray) -> np.ndarray:
        n = weights @ below
        return np.divide(weights @ above, n, out=np.full(len(n), np.nan), where=n > 0)

    return statistic


def mean(statistics: list[Statistic]) -> Statistic:
    """Return the mean of some statistics; see `mean_of_numbers`."""
    return lambda weights: mean_of_numbers(np.array([statistic(weights) for statistic in statistics]))


def mean_of_numbers(values: np.ndarray) -> np.ndarray:
    """Return the mean over the first dimension. NaN does not count; the mean is NaN if all are.

    >>> mean_of_numbers(np.array([[1.0, np.nan], [2.0, np.nan]])).tolist()
    [1.5, nan]
    """
    n = np.isfinite(values).sum(0)
    return np.divide(np.nansum(values, axis=0), n, out=np.full(n.shape, np.nan), where=n > 0)


def median(values: np.ndarray, clip: np.ndarray) -> Statistic:
    """Return the median of values. clip: the clip, and so the weight, of each value."""
    order = np.argsort(values, kind="stable")
    values, clip = values[order], clip[order]

    def statistic(weights: np.ndarray) -> np.ndarray:
        n = weights[:, clip].cumsum(1)
        half = n[:, -1:] / 2
        return (values[(n >= half).argmax(1)] + values[(n > half).argmax(1)]) / 2  # the same value if their number is odd

    return statistic


def mean_average_precision(scores: np.ndarray, truth: np.ndarray) -> Statistic:
    """Return the mean over classes of the average precision. Both: (n_clips, n_classes). Classes without clips do not count.

    Equal scores of a class are ranked in the order of the clips.
    """
    ranked = [np.argsort(-column, kind="stable") for column in scores.T]
    classes = [(rows, np.flatnonzero(true[rows])) for rows, true in zip(ranked, truth.T.astype(bool), strict=True) if true.any()]

    def statistic(weights: np.ndarray) -> np.ndarray:
        by_clip = np.ascontiguousarray(weights.T)  # rows of resamples are moved together: ten times as fast
        return mean_of_numbers(np.array([average_precisions(by_clip[rows[: relevant[-1] + 1]], relevant) for rows, relevant in classes]))

    return statistic


def average_precisions(ranked: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """Return the average precision of each resample, (n_resamples,); NaN where no result is relevant.

    ranked: (n_results, n_resamples) weights, the best result first, up to the last relevant one. relevant: indexes of relevant results.
    """
    own = ranked[relevant]
    n_results = np.add.reduceat(ranked, [0, *(relevant[:-1] + 1)], axis=0).cumsum(0)
    n_relevant = own.cumsum(0)
    total = (own * n_relevant / np.maximum(n_results, 1)).sum(0)  # no results: a weight of 0
    return np.divide(total, n_relevant[-1], out=np.full(len(total), np.nan), where=n_relevant[-1] > 0)


def values_of(statistics: Statistics, n_clips: int) -> dict[str, float]:
    """Return the score of each statistic, every clip counted once."""
    once = np.ones((1, n_clips))
    return {name: float(statistic(once)[0]) for name, statistic in statistics.items()}


def retrieval_scores(ranks: Ranks) -> dict[str, dict[str, float]]:
    """Return the scores of retrieval by way and name; see `retrieval_statistics`."""
    return nested(values_of(retrieval_statistics(ranks), int(ranks.owner.max()) + 1))


def mean_scores(scores: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Return the mean of each score of several sets, each set counted once.

    >>> mean_scores([{"t2a": {"R@1": 0.0}}, {"t2a": {"R@1": 1.0}}])
    {'t2a': {'R@1': 0.5}}
    """
    return {way: {name: float(np.mean([each[way][name] for each in scores])) for name in names} for way, names in scores[0].items()}


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by the parts of their names.

    >>> nested({"t2a/R@1": 0.5, "accuracy": 1.0})
    {'t2a': {'R@1': 0.5}, 'accuracy': 1.0}
    """
    values: dict[str, Any] = {}
    for name, value in flat.items():
        way, slash, rest = name.partition("/")
        if slash:
            values.setdefault(way, {})[rest] = value
        else:
            values[way] = value
    return values
