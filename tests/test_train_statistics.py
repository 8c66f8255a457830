"""Scores as functions of weights: a clip of weight 2 counts as two equal clips."""

import numpy as np
import pytest

from train.scores.metrics import Ranks, rank_retrieval
from train.scores.statistics import class_statistics, mean_average_precision, mean_scores, median, ratio, retrieval_statistics, values_of

RNG = np.random.default_rng(0)


def repeated(ranks: Ranks, weights: np.ndarray) -> Ranks:
    """Return the ranks in which each clip, with its captions, is there as often as its weight says."""
    clips = np.repeat(np.arange(len(weights)), weights)
    captions = [np.flatnonzero(ranks.owner == clip) for clip in clips]
    owner = np.repeat(np.arange(len(clips)), [len(own) for own in captions])
    rows = np.concatenate(captions)
    return Ranks(owner, ranks.to_audio[rows], ranks.to_text[rows])


@pytest.mark.parametrize("weights", [[1, 1, 1, 1, 1], [2, 0, 1, 3, 0], [0, 0, 0, 0, 1]])
def test_a_weight_counts_a_clip_so_often_in_every_score_of_retrieval(weights):
    owner = np.array([0, 0, 0, 1, 2, 2, 3, 4, 4])  # clips with different numbers of captions
    ranks = rank_retrieval(RNG.normal(size=(5, 9)), owner)
    expected = values_of(retrieval_statistics(repeated(ranks, np.array(weights))), sum(weights))
    statistics = retrieval_statistics(ranks)
    assert {name: float(statistic(np.array([weights], float))[0]) for name, statistic in statistics.items()} == pytest.approx(expected)


@pytest.mark.parametrize("n", [1, 2, 7, 8])
def test_the_weighted_median_is_that_of_repeated_values(n):
    values, weights = RNG.integers(20, size=n), RNG.integers(1, 4, size=(5, n))
    expected = [np.median(np.repeat(values, row)) for row in weights]
    assert median(values, np.arange(n))(weights.astype(float)).tolist() == expected


def test_a_clip_of_weight_0_changes_no_average_precision_and_an_empty_class_counts_not():
    scores, truth = RNG.normal(size=(12, 4)), RNG.integers(2, size=(12, 4))
    truth[:3] = [[1, 0, 0, 0]] * 3
    truth[3:, 0] = 0  # class 0 has the first three clips alone
    weights = np.array([[0, 0, 0, *[1] * 9]], float)
    assert mean_average_precision(scores, truth)(weights)[0] == pytest.approx(
        mean_average_precision(scores[3:], truth[3:])(np.ones((1, 9)))[0]
    )


def test_the_mean_over_folds_counts_each_fold_once_and_the_accuracy_each_clip():
    scores, truth = np.eye(3)[[0, 0, 0, 1]], np.eye(3)[[0, 0, 0, 2]]
    statistics = class_statistics(scores, truth, folds=np.array([1, 1, 1, 2]))
    assert values_of(statistics, 4) == pytest.approx({"accuracy": 3 / 4, "fold_mean": 1 / 2, "mAP": (1 + 1 / 4) / 2})
    assert statistics["fold_mean"](np.array([[1.0, 1, 0, 0]]))[0] == 1  # a resample without fold 2


def test_clips_of_several_classes_have_no_accuracy():
    assert set(class_statistics(np.eye(3), np.ones((3, 3)), np.array([1, 2, 3]))) == {"mAP"}


def test_nothing_over_nothing_is_not_a_number():
    assert np.isnan(ratio(np.array([1, 0]), np.array([1, 0]))(np.array([[0.0, 2.0]]))).all()


def test_the_mean_of_sets_counts_a_small_set_as_much_as_a_large_one():
    small, large = ({"t2a": {"R@1": value}} for value in (1.0, 0.0))
    assert mean_scores([small, large]) == {"t2a": {"R@1": 0.5}}
