"""Ranks of retrieval, average precision and confusion, from NumPy arrays."""

from dataclasses import dataclass

import numpy as np

from train.errors import NotFinite


@dataclass(frozen=True)
class Ranks:
    """Ranks of retrieval, from 1. All arrays are (n_captions,).

    owner: index of the clip that each caption belongs to; every clip owns at least one. to_audio: rank of its clip among all clips for
    each caption. to_text: rank of each caption among all captions for its clip.
    """

    owner: np.ndarray
    to_audio: np.ndarray
    to_text: np.ndarray

    def by_clip(self) -> list[np.ndarray]:
        """Return `to_text` of the captions of each clip, in the order of the captions."""
        return [self.to_text[captions] for captions in captions_of(self.owner)]


def rank_retrieval(similarity: np.ndarray, owner: np.ndarray) -> Ranks:
    """Rank clips for each caption, and captions for each clip. similarity: (n_clips, n_captions).

    Ties count against the model, so that equal embeddings score 0; among the captions of one clip they do not.

    Raise NotFinite if a similarity is not finite: every comparison with NaN is false, so that a broken model would have rank 0.
    """
    check_finite("similarities", similarity)
    own = similarity[owner, np.arange(len(owner))]
    to_text = np.empty(len(owner), int)
    for row, captions in zip(similarity, captions_of(owner), strict=True):
        mine = row[captions]
        n_others = (row >= mine[:, None]).sum(1) - (mine >= mine[:, None]).sum(1)
        descending = np.argsort(-mine, kind="stable")
        to_text[captions[descending]] = n_others[descending] + np.arange(1, len(mine) + 1)
    return Ranks(owner, (similarity >= own).sum(0), to_text)


def captions_of(owner: np.ndarray) -> list[np.ndarray]:
    """Return the indexes of the captions of each clip.

    >>> [captions.tolist() for captions in captions_of(np.array([0, 1, 0]))]
    [[0, 2], [1]]
    """
    return np.split(np.argsort(owner, kind="stable"), np.bincount(owner).cumsum()[:-1])


def average_precision(ranks: np.ndarray, k: int) -> float:
    """Return the average precision within the first k results: the sum of i / rank_i, divided by min(n_relevant, k).

    ranks: of the relevant results, sorted. Ranks in the order of the captions give the reference trainer's value, which can exceed 1.

    >>> average_precision(np.array([1, 2, 3, 4, 5]), 10), round(average_precision(np.array([5, 4, 3, 2, 1]), 10), 2)
    (1.0, 1.74)
    """
    within = ranks[ranks <= k]
    return float((np.arange(1, len(within) + 1) / within).sum() / min(len(ranks), k))


def check_finite(what: str, values: np.ndarray) -> None:
    """Raise NotFinite, with the number of values that are not finite."""
    n_broken = int((~np.isfinite(values)).sum())
    if n_broken:
        raise NotFinite(f"{n_broken} of {values.size} {what} are not finite")


def mean_map(scores: dict) -> float:
    """Return the mean mAP@10 of both ways, by which the best checkpoint is chosen. scores: of `retrieval_scores` or `mean_scores`."""
    return float((scores["t2a"]["mAP@10"] + scores["a2t"]["mAP@10"]) / 2)


def confusion(predicted: np.ndarray, true: np.ndarray, n_classes: int) -> np.ndarray:
    """Count clips by (true class, predicted class).

    >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    counts = np.zeros((n_classes, n_classes), int)
    np.add.at(counts, (true, predicted), 1)
    return counts
