"""Gather what a model card says: scores of the run and of files, and the datasets of the training shards."""

import json
from pathlib import Path

from train.errors import BadInput
from train.hub.model_card import CardFacts
from train.hub.training_data import DatasetSummary, summarize
from train.loop.checkpoint import training_shards
from train.loop.log import flatten, read_log


def gather_facts(run: Path, shards: str, scores: list[Path], step: int) -> CardFacts:
    """Gather the facts of a card.

    shards: where the training shards are; "" = where they were in training. scores: files of `evaluate --json` or `classify --json`.
    step: of the checkpoint that is exported. Raise BadInput if the shards or a file cannot be read.
    """
    valid = {f"valid, by which step {step} was chosen": e["valid"] for e in read_log(run) if e["step"] == step and "valid" in e}
    return CardFacts(training_data(run, shards), valid | {path.stem: read_scores(path) for path in scores})


def training_data(run: Path, shards: str) -> list[DatasetSummary]:
    """Summarise the training shards. If the user named none, those of the run may have gone: the list is empty then."""
    if shards:
        return summarize(shards)
    recorded = training_shards(run)
    try:
        return summarize(recorded) if recorded else []
    except BadInput:
        return []


def read_scores(path: Path) -> dict:
    """Read a file of scores. Raise BadInput if it has none."""
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"--scores {path} cannot be read: {error}; give what `evaluate --json` or `classify --json` printed") from error
    if not isinstance(scores, dict) or not flatten(scores):
        raise BadInput(f"--scores {path} holds no scores; give what `evaluate --json` or `classify --json` printed")
    return scores
