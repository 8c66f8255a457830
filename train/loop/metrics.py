"""Scores of retrieval and classification, from NumPy arrays."""

import numpy as np

from train.errors import NotFinite


def retrieval(similarity: np.ndarray, owner: np.ndarray) -> dict[str, dict[str, float]]:
    """Score text-to-audio ("t2a") and audio-to-text ("a2t") retrieval.

    similarity: (n_clips, n_captions). owner: (n_captions,) index of the clip that each caption belongs to.
    Ties count against the model, so that equal embeddings score 0. t2a: each caption is a query. a2t: each clip is a query; R@k and
    median rank are those of its best caption, mAP@10 is over all its captions, their ranks sorted.

    Raise NotFinite if a similarity is not finite: every comparison with NaN is false, so that a broken model would have rank 0.
    """
    check_finite("similarities", similarity)
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


def mean_map(scores: dict) -> float:
    """Return the mean mAP@10 of both ways, by which the best checkpoint is chosen. scores: of `retrieval`."""
    return float((scores["t2a"]["mAP@10"] + scores["a2t"]["mAP@10"]) / 2)


def check_finite(what: str, values: np.ndarray) -> None:
    """Raise NotFinite, with the number of values that are not finite."""
    n_broken = int((~np.isfinite(values)).sum())
    if n_broken:
        raise NotFinite(f"{n_broken} of {values.size} {what} are not finite")


def _ranks(scores: np.ndarray, captions: np.ndarray) -> np.ndarray:
    """Return the rank of each of a clip's captions among all captions, from 1. Ties with captions of other clips count against it."""
    descending = np.argsort(-scores[captions], kind="stable")
    others = np.delete(scores, captions)
    ranks = np.empty(len(captions), int)
    for n_better, i in enumerate(descending):
        ranks[i] = 1 + n_better + (others >= scores[captions[i]]).sum()
    return ranks


def recalls(ranks: np.ndarray) -> dict[str, float]:
    """Return the share of ranks within 1, 5 and 10 (R@k), and the median rank.

    >>> recalls(np.array([1, 3, 20]))["R@5"] == 2 / 3
    True
    """
    return {**{f"R@{k}": float((ranks <= k).mean()) for k in (1, 5, 10)}, "median_rank": float(np.median(ranks))}


def average_precision_at_10(ranks: np.ndarray) -> float:
    """Return the average precision within the first 10 results: the sum of i / rank_i, divided by min(n_relevant, 10).

    ranks: of the relevant results, sorted. Ranks in the order of the captions give the reference trainer's value, which can exceed 1.

    >>> average_precision_at_10(np.array([1, 2, 3, 4, 5])), round(average_precision_at_10(np.array([5, 4, 3, 2, 1])), 2)
    (1.0, 1.74)
    """
    within = ranks[ranks <= 10]
    return float((np.arange(1, len(within) + 1) / within).sum() / min(len(ranks), 10))


def mean_average_precision(scores: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean over classes of the average precision. Both: (n_clips, n_classes). Classes without clips do not count.

    Raise NotFinite if a score is not finite.
    """
    check_finite("scores of classes", scores)
    values = []
    for score, true in zip(scores.T, truth.T.astype(bool), strict=True):
        if true.any():
            ranked = true[np.argsort(-score, kind="stable")]
            ranks = np.flatnonzero(ranked) + 1
            values.append((np.arange(1, len(ranks) + 1) / ranks).mean())
    return float(np.mean(values))


def confusion(predicted: np.ndarray, true: np.ndarray, n_classes: int) -> np.ndarray:
    """Count clips by (true class, predicted class).

    >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    counts = np.zeros((n_classes, n_classes), int)
    np.add.at(counts, (true, predicted), 1)
    return counts
