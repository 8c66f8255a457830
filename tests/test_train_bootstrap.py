"""Confidence intervals, compared with what is known of simple distributions."""

import numpy as np
import pytest

from train.scores.bootstrap import RESAMPLES, intervals, paired_intervals, resamples
from train.scores.statistics import ratio


def test_every_resample_has_as_many_clips_as_the_set():
    drawn = np.concatenate(list(resamples(7)))
    assert drawn.shape == (RESAMPLES, 7) and (drawn.sum(1) == 7).all()
    assert drawn.mean(0) == pytest.approx(np.ones(7), abs=0.15)


def test_the_interval_of_an_accuracy_is_that_of_its_standard_error():
    hits = np.arange(400) < 120
    estimate = intervals({"accuracy": ratio(hits)}, 400)["accuracy"]
    error = 1.96 * np.sqrt(0.3 * 0.7 / 400)
    assert estimate.value == 0.3
    assert (estimate.low, estimate.high) == pytest.approx((0.3 - error, 0.3 + error), abs=0.006)


def test_captions_of_a_clip_are_drawn_together():
    hits = np.repeat(np.arange(100) % 2, 5)  # all five captions of a clip are right, or none
    together = intervals({"R@1": ratio(np.bincount(np.repeat(np.arange(100), 5), hits), np.full(100, 5))}, 100)["R@1"]
    alone = intervals({"R@1": ratio(hits)}, 500)["R@1"]
    assert together.high - together.low > 1.8 * (alone.high - alone.low)  # five captions are one observation: sqrt(5)


def test_the_interval_covers_the_true_value_about_95_times_of_100():
    rng = np.random.default_rng(1)
    estimates = [intervals({"x": ratio(rng.random(60) < 0.4)}, 60)["x"] for _ in range(100)]
    assert 88 <= sum(each.low <= 0.4 <= each.high for each in estimates) <= 99


def test_a_paired_interval_does_not_hold_what_is_hard_for_both():
    hard = np.random.default_rng(2).random(300) < 0.5
    better, worse = hard | (np.arange(300) < 15), hard  # never worse on a clip
    gain = paired_intervals({"x": ratio(better)}, {"x": ratio(worse), "y": ratio(worse)}, 300)
    assert set(gain) == {"x"} and gain["x"].value == pytest.approx(better.mean() - worse.mean())
    assert gain["x"].low > 0
    alone = intervals({"x": ratio(better)}, 300)["x"]
    assert gain["x"].high - gain["x"].low < (alone.high - alone.low) / 2


def test_a_model_compared_with_itself_has_no_difference():
    gain = paired_intervals(*[{"x": ratio(np.arange(50) % 3 == 0)}] * 2, 50)["x"]
    assert (gain.value, gain.low, gain.high) == (0, 0, 0)


def test_two_calls_give_the_same_interval():
    statistics = {"x": ratio(np.arange(30) % 4 == 0)}
    assert intervals(statistics, 30) == intervals(statistics, 30)
