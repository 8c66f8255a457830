"""Score the clips of a dataset by a protocol, with intervals and the rank of every query."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from train.data.samples import FixedClips
from train.errors import BadInput
from train.evaluate import ClipEmbeddings, embed_clips, embed_texts
from train.loop.checkpoint import Run
from train.scores.bootstrap import Estimate, intervals, paired_intervals
from train.scores.classes import class_matrix, class_ranks, embed_classes, folds_of, published_classes
from train.scores.metrics import rank_retrieval
from train.scores.protocols import Protocol
from train.scores.statistics import Statistics, class_statistics, nested, retrieval_statistics

MOST_NAMED = 5  # clips in a message


@dataclass(frozen=True)
class Queries:
    """Columns of equal length, a row for each query and each result that is right for it.

    way: t2a, a2t or zero_shot. key: the clip. text: the caption or class. rank: of the right result, from 1. similarity: of the two, the
    cosine. first: what was ranked first instead: the key of a clip, or a text.
    """

    way: Sequence[str]
    key: Sequence[str]
    text: Sequence[str]
    rank: Sequence[int]
    similarity: Sequence[float]
    first: Sequence[str]


@dataclass(frozen=True)
class Scored:
    """A dataset, scored by a protocol.

    counts: clips, captions or classes, broken clips left out. notes: what differs from the published set.
    """

    dataset: str
    protocol: Protocol
    statistics: Statistics
    keys: list[str]
    counts: dict[str, int]
    notes: list[str]
    queries: Queries
    prompts: tuple[str, ...] = ()

    def summary(self) -> dict:
        """Return everything but the queries as it is printed: scores and their 95 % intervals by way and name."""
        return {
            "protocol": self.protocol.name,
            **self.counts,
            **({"prompts": list(self.prompts)} if self.prompts else {}),
            **as_json(intervals(self.statistics, len(self.keys))),
            "notes": self.notes,
        }


def score_dataset(run: Run, dataset: str, clips: FixedClips, protocol: Protocol, split: str, prompts: tuple[str, ...]) -> Scored:
    """Embed the clips of a dataset and score them by a protocol. prompts: for protocols with classes."""
    embeddings = embed_clips(run.model, clips, run.recipe.workers)
    notes = differences(protocol, split, embeddings)
    if protocol.kind == "retrieval":
        return score_captions(run, dataset, embeddings, protocol, notes)
    return score_classes(run, dataset, embeddings, protocol, notes, prompts)


def score_captions(run: Run, dataset: str, embeddings: ClipEmbeddings, protocol: Protocol, notes: list[str]) -> Scored:
    """Score retrieval: every caption is a query for clips, every clip one for captions."""
    captions, owner = embeddings.texts()
    similarity = embeddings.audio @ embed_texts(run.model, run.tokenizer, captions, run.recipe.context).T
    ranks = rank_retrieval(similarity, owner)
    n, keys = len(captions), [embeddings.keys[clip] for clip in owner]
    first_clip = [embeddings.keys[clip] for clip in similarity.argmax(0)]
    first_caption = [captions[i] for i in similarity.argmax(1)[owner]]
    queries = Queries(
        way=["t2a"] * n + ["a2t"] * n,
        key=keys * 2,
        text=captions * 2,
        rank=[*ranks.to_audio.tolist(), *ranks.to_text.tolist()],
        similarity=similarity[owner, np.arange(n)].tolist() * 2,
        first=first_clip + first_caption,
    )
    counts = {"n_clips": len(embeddings.keys), "n_captions": n, "n_broken": len(embeddings.broken)}
    return Scored(dataset, protocol, retrieval_statistics(ranks), embeddings.keys, counts, notes, queries)


def score_classes(
    run: Run, dataset: str, embeddings: ClipEmbeddings, protocol: Protocol, notes: list[str], prompts: tuple[str, ...]
) -> Scored:
    """Score zero-shot classification among all classes of the protocol, whether the clips at hand have them or not."""
    classes = protocol.classes()
    truth = class_matrix(published_classes(dataset, embeddings.tags, protocol), classes)
    similarity = embeddings.audio @ embed_classes(run.model, run.tokenizer, classes, list(prompts), run.recipe.context).T
    folds = folds_of(protocol, embeddings)
    clip, label = np.nonzero(truth)
    queries = Queries(
        way=["zero_shot"] * len(clip),
        key=[embeddings.keys[i] for i in clip],
        text=[classes[i] for i in label],
        rank=class_ranks(similarity)[clip, label].tolist(),
        similarity=similarity[clip, label].tolist(),
        first=[classes[i] for i in similarity.argmax(1)[clip]],
    )
    statistics = class_statistics(similarity, truth, folds if folds.all() else None)
    counts = {"n_clips": len(truth), "n_classes": len(classes), "n_broken": len(embeddings.broken)}
    n_missing = int((truth.sum(0) == 0).sum())
    notes = [*notes, *([f"{n_missing} of {len(classes)} classes have no clip"] if n_missing else [])]
    if protocol.fold and not folds.all():
        notes.append("the folds of the clips are not known: no mean over folds")
    return Scored(dataset, protocol, statistics, embeddings.keys, counts, notes, queries, prompts)


def differences(protocol: Protocol, split: str, embeddings: ClipEmbeddings) -> list[str]:
    """Return in words what differs from the published set, so that a score is not compared with a published one by mistake."""
    notes = []
    n_clips, published = len(embeddings.keys), protocol.n_clips.get(split)
    if protocol.n_clips and published is None:
        notes.append(f"split {split} has no published scores; those of {protocol.name} are for {' and '.join(protocol.n_clips)}")
    elif published and n_clips != published:
        notes.append(f"{n_clips:,} clips; the published set has {published:,}, so the scores are not those of the complete set")
    n_other = sum(len(captions) != protocol.n_captions for captions in embeddings.captions)
    if protocol.n_captions and n_other:
        notes.append(f"{n_other:,} clips have another number of captions than the {protocol.n_captions} of the published set")
    return notes


def difference(first: Scored, second: Scored) -> dict[str, Estimate]:
    """Return the scores of `first` minus those of `second`, two models on the same clips, with paired intervals."""
    if first.keys != second.keys:
        unlike = sorted(set(first.keys) ^ set(second.keys))
        raise BadInput(
            f"{first.dataset}: the two runs cannot use the same clips, so they are not compared: {', '.join(unlike[:MOST_NAMED])}"
        )
    return paired_intervals(first.statistics, second.statistics, len(first.keys))


def as_json(estimates: dict[str, Estimate]) -> dict:
    """Return the values by way and name, and as "intervals" the bounds in the same way."""
    bounds = nested({name: [each.low, each.high] for name, each in estimates.items()})
    return {**nested({name: each.value for name, each in estimates.items()}), "intervals": bounds}
