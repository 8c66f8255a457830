"""Scores of retrieval and classification, on plain arrays."""

import numpy as np


def retrieval(similarity: np.ndarray, owner: np.ndarray) -> dict[str, dict[str, float]]:
    """Score a similarity matrix (n_clips, n_captions) both ways; owner: (n_captions,) the clip each caption belongs to.

    A tie counts against the model, so that equal embeddings score nothing. Text->audio: each caption is a query. Audio->text: R@k and
    median rank by a clip's best caption; mAP@10 over its captions, their ranks sorted.
    """
    own = similarity[owner, np.arange(len(owner))]
    to_audio = (similarity >= own).sum(0)  # rank of its clip for each caption, from 1
    to_text = [_ranks(similarity[clip], np.flatnonzero(owner == clip)) for clip in range(len(similarity))]
    best = np.array([ranks.min() for ranks in to_text])
    text_to_audio = {**recalls(to_audio), "mAP@10": float(np.where(to_audio <= 10, 1 / to_audio, 0).mean())}
    audio_to_text = {
        **recalls(best),
        "mAP@10": float(np.mean([average_precision_at_10(np.sort(ranks)) for ranks in to_text])),
        "mAP@10_laion_compat": float(np.mean([average_precision_at_10(ranks) for ranks in to_text])),
    }
    return {"t2a": text_to_audio, "a2t": audio_to_text}


def _ranks(scores: np.ndarray, captions: np.ndarray) -> np.ndarray:
    """Rank each of a clip's captions among all; ties with other clips' captions count against it, ties among its own do not matter."""
    order = np.argsort(-scores[captions], kind="stable")
    strangers = np.delete(scores, captions)
    ranks = np.empty(len(captions), int)
    for place, which in enumerate(order):
        ranks[which] = 1 + place + (strangers >= scores[captions[which]]).sum()
    return ranks


def recalls(ranks: np.ndarray) -> dict[str, float]:
    """Share of ranks within 1, 5 and 10, and the median.

    >>> recalls(np.array([1, 3, 20]))["R@5"] == 2 / 3
    True
    """
    return {**{f"R@{k}": float((ranks <= k).mean()) for k in (1, 5, 10)}, "median_rank": float(np.median(ranks))}


def average_precision_at_10(ranks: np.ndarray) -> float:
    """Sum of i / rank_i over the ranks within 10, by how many relevant ones could be there.

    Sorted ranks are the definition. Ranks in the order of the captions give the reference trainer's value, which can exceed 1:
    >>> average_precision_at_10(np.array([1, 2, 3, 4, 5])), round(average_precision_at_10(np.array([5, 4, 3, 2, 1])), 2)
    (1.0, 1.74)
    """
    within = ranks[ranks <= 10]
    return float((np.arange(1, len(within) + 1) / within).sum() / min(len(ranks), 10))


def mean_average_precision(scores: np.ndarray, truth: np.ndarray) -> float:
    """Mean over classes of the average precision of ranking clips; both (n_clips, n_classes). Classes without clips do not count."""
    values = []
    for score, true in zip(scores.T, truth.T.astype(bool), strict=True):
        if true.any():
            ranked = true[np.argsort(-score, kind="stable")]
            places = np.flatnonzero(ranked) + 1
            values.append((np.arange(1, len(places) + 1) / places).mean())
    return float(np.mean(values))


def confusion(predicted: np.ndarray, true: np.ndarray, n_classes: int) -> np.ndarray:
    """Count clips (true class, predicted class).

    >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    counts = np.zeros((n_classes, n_classes), int)
    np.add.at(counts, (true, predicted), 1)
    return counts
