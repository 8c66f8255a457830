"""Ranks and scores, on matrices small enough to check by hand."""

import numpy as np
import pytest

from train.errors import NotFinite
from train.scores.metrics import average_precision, confusion, rank_retrieval
from train.scores.statistics import class_statistics, retrieval_scores, values_of


def retrieval(similarity: np.ndarray, owner: np.ndarray) -> dict:
    return retrieval_scores(rank_retrieval(similarity, owner))


def mean_ap(scores: np.ndarray, truth: np.ndarray) -> float:
    return values_of(class_statistics(scores, truth), len(scores))["mAP"]


def test_retrieval_by_hand():
    similarity = np.array([[0.9, 0.2, 0.5], [0.1, 0.3, 0.6], [0.0, 0.8, 0.4]])  # clips x captions
    scores = retrieval(similarity, np.array([0, 1, 2]))
    # ranks of its clip for each caption: 1, 2, 3; of its caption for each clip: 1, 2, 2
    mean = (1 + 1 / 2 + 1 / 3) / 3
    assert scores["t2a"] == pytest.approx({"R@1": 1 / 3, "R@5": 1, "R@10": 1, "median_rank": 2, "mAP@10": mean, "mAP@16": mean})
    assert scores["a2t"]["R@1"] == pytest.approx(1 / 3)
    assert scores["a2t"]["mAP@10"] == pytest.approx((1 + 1 / 2 + 1 / 2) / 3)


def test_recall_is_of_the_best_caption_and_map_of_all_captions():
    similarity = np.zeros((2, 10))
    similarity[0] = [0.9, 0.7, 0.5, 0.3, 0.1, 0.8, 0.6, 0.4, 0.2, 0.0]  # own captions at ranks 1, 3, 5, 7, 9
    similarity[1] = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    a2t = retrieval(similarity, np.repeat([0, 1], 5))["a2t"]
    assert a2t["R@1"] == 1
    assert a2t["mAP@10"] == pytest.approx(((1 / 1 + 2 / 3 + 3 / 5 + 4 / 7 + 5 / 9) / 5 + 1) / 2)


def test_the_unsorted_average_precision_of_the_reference_exceeds_one_and_ours_does_not():
    similarity = np.zeros((2, 10))
    similarity[0, :5] = [0.1, 0.2, 0.3, 0.4, 0.5]  # ranks 5, 4, 3, 2, 1 in the order of the captions
    similarity[0, 5:] = -1
    similarity[1, 5:] = [1, 2, 3, 4, 5]
    a2t = retrieval(similarity, np.repeat([0, 1], 5))["a2t"]
    assert a2t["mAP@10_laion_compat"] == pytest.approx(1.74)
    assert a2t["mAP@10"] == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_similarities_that_are_not_finite_are_refused(value):
    similarity = np.eye(3)
    similarity[2, 0] = value
    with pytest.raises(NotFinite, match="1 of 9 similarities are not finite"):
        retrieval(similarity, np.arange(3))
    with pytest.raises(NotFinite, match="1 of 9 scores of classes are not finite"):
        mean_ap(similarity, np.eye(3))


def test_equal_embeddings_score_zero():
    scores = retrieval(np.ones((20, 40)), np.repeat(np.arange(20), 2))
    assert scores["t2a"]["R@10"] == scores["a2t"]["R@10"] == 0
    assert scores["t2a"]["median_rank"] == 20


def test_a_perfect_model_scores_one_both_ways():
    scores = retrieval(np.repeat(np.eye(30), 5, axis=1), np.repeat(np.arange(30), 5))
    for way in ("t2a", "a2t"):
        assert scores[way] == {**scores[way], "R@1": 1, "R@10": 1, "mAP@10": 1, "median_rank": 1}


def test_clips_may_have_different_numbers_of_captions():
    similarity = np.array([[0.9, 0.8, 0.1], [0.2, 0.3, 0.7]])
    scores = retrieval(similarity, np.array([0, 0, 1]))
    assert scores["t2a"]["R@1"] == scores["a2t"]["mAP@10"] == 1


def test_random_scores_are_near_chance():
    similarity = np.random.default_rng(0).normal(size=(200, 1000))
    scores = retrieval(similarity, np.repeat(np.arange(200), 5))
    assert scores["t2a"]["R@10"] == pytest.approx(0.05, abs=0.02)
    assert 80 < scores["t2a"]["median_rank"] < 120


def test_ranks_beyond_k_add_nothing():
    assert average_precision(np.array([11, 12]), 10) == 0
    assert average_precision(np.array([11, 17]), 16) == 1 / 11 / 2


def test_map_at_16_counts_ranks_11_to_16_which_map_at_10_does_not():
    similarity = -np.arange(20.0)[:, None]  # clip i has rank i + 1 for the only caption of each clip
    similarity = np.repeat(similarity, 20, axis=1)
    scores = retrieval(similarity, np.arange(20))["t2a"]
    ranks = np.arange(1, 21)
    assert scores["mAP@10"] == pytest.approx((1 / ranks[:10]).sum() / 20) and scores["mAP@16"] == pytest.approx((1 / ranks[:16]).sum() / 20)


def test_ranks_are_those_of_counting_one_by_one_whatever_the_order_of_captions():
    rng = np.random.default_rng(0)
    similarity, owner = rng.integers(5, size=(7, 30)).astype(float), rng.permutation(np.arange(30) % 7)  # many ties
    ranks = rank_retrieval(similarity, owner)
    for caption, clip in enumerate(owner):
        mine = similarity[clip, caption]
        assert ranks.to_audio[caption] == sum(similarity[other, caption] >= mine for other in range(7))
        before = [c for c in range(30) if owner[c] == clip and (-similarity[clip, c], c) < (-mine, caption)]
        others = [c for c in range(30) if owner[c] != clip and similarity[clip, c] >= mine]
        assert ranks.to_text[caption] == 1 + len(before) + len(others)


def test_mean_average_precision_by_hand_leaves_empty_classes_out():
    scores = np.array([[0.9, 0.1, 0.5], [0.8, 0.9, 0.5], [0.1, 0.5, 0.5]])
    truth = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]])
    assert mean_ap(scores, truth) == pytest.approx(((1 + 2 / 3) / 2 + 1) / 2)


def test_average_precision_ranks_equal_scores_in_the_order_of_the_clips():
    rng = np.random.default_rng(0)
    scores, truth = rng.integers(2, size=(1000, 1)), rng.integers(2, size=(1000, 1))
    ranked = [truth[i, 0] for i in sorted(range(1000), key=lambda i: -scores[i, 0])]
    precisions = [sum(ranked[: i + 1]) / (i + 1) for i in range(1000) if ranked[i]]
    assert mean_ap(scores, truth) == pytest.approx(np.mean(precisions), abs=1e-12)


def test_confusion_counts_true_by_predicted():
    assert confusion(np.array([1, 1, 0]), np.array([0, 1, 0]), 2).tolist() == [[1, 1], [0, 1]]
