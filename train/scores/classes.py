"""Classify clips by prompts: one text embedding a class, the nearest class is the predicted one."""

import numpy as np
from transformers import PreTrainedTokenizerBase

from train.errors import BadInput
from train.evaluate import ClipEmbeddings, embed_texts
from train.scores.protocols import Protocol, class_key
from train.towers.model import Clap

MOST_NAMED = 5  # tags or clips in a message


def embed_classes(model: Clap, tokenizer: PreTrainedTokenizerBase, classes: list[str], prompts: list[str], context: int) -> np.ndarray:
    """Return a unit vector for each class, (n_classes, 512): the mean of the embeddings of its prompts, normalised again."""
    texts = [prompt.format(label=name) for prompt in prompts for name in classes]
    mean = embed_texts(model, tokenizer, texts, context).reshape(len(prompts), len(classes), -1).mean(0)
    return mean / np.linalg.norm(mean, axis=1, keepdims=True)


def class_matrix(tags: list[tuple[str, ...]], classes: list[str]) -> np.ndarray:
    """Return (n_clips, n_classes) float32: 1 where a clip has the class as a tag.

    >>> class_matrix([("b",), ("a", "b")], ["a", "b"]).tolist()
    [[0.0, 1.0], [1.0, 1.0]]
    """
    column = {name: i for i, name in enumerate(classes)}
    matrix = np.zeros((len(tags), len(classes)), np.float32)
    for row, names in zip(matrix, tags, strict=True):
        row[[column[name] for name in names if name in column]] = 1
    return matrix


def published_classes(dataset: str, tags: list[tuple[str, ...]], protocol: Protocol) -> list[tuple[str, ...]]:
    """Return the tags of each clip as the protocol spells its classes.

    Raise BadInput if a tag is no class, if no clip has a tag, or if a clip has not exactly one where the protocol counts accuracy.
    """
    names = {class_key(name): name for name in protocol.classes()}
    unknown = sorted({tag for clip in tags for tag in clip if class_key(tag) not in names})
    if unknown:
        raise BadInput(
            f"{dataset}: {len(unknown)} tags are no classes of the protocol {protocol.name}: {', '.join(unknown[:MOST_NAMED])}; "
            "correct the tags, or score by captions with --protocol retrieval"
        )
    published = [tuple(dict.fromkeys(names[class_key(tag)] for tag in clip)) for clip in tags]
    if not any(published):
        raise BadInput(f"{dataset}: no clip has a tag, which the protocol {protocol.name} needs; --protocol retrieval scores by captions")
    n_wrong = sum(len(clip) != 1 for clip in published)
    if protocol.kind == "accuracy" and n_wrong:
        raise BadInput(f"{dataset}: {n_wrong} of {len(tags)} clips have not exactly one tag, which the protocol {protocol.name} needs")
    return published


def folds_of(protocol: Protocol, embeddings: ClipEmbeddings) -> np.ndarray:
    """Return the fold of each clip, from 1, 0 where it is not known: (n_clips,)."""
    return np.array([protocol.fold_of(*pair) for pair in zip(embeddings.addresses, embeddings.keys, strict=True)])


def class_ranks(scores: np.ndarray) -> np.ndarray:
    """Return the rank of each class for each clip, from 1; equal scores in the order of the classes. Both: (n_clips, n_classes).

    >>> class_ranks(np.array([[0.1, 0.9, 0.1]])).tolist()
    [[2, 1, 3]]
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.argsort(order, axis=1, kind="stable") + 1
