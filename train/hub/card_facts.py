"""Gather what a model card says: scores of the run and of files, and the datasets of the training shards."""

import json
from dataclasses import replace
from pathlib import Path

from train.errors import BadInput
from train.hub.leaks import leaks_from
from train.hub.model_card import CardFacts
from train.hub.training_data import DatasetSummary, summarize
from train.loop.checkpoint import Run, read_run, training_leaks, training_shards
from train.loop.log import flatten, read_log


def gather_facts(run: Path, shards: str, scores: list[Path], cache: Path) -> CardFacts:
    """Gather the facts that need no model.

    shards: where the training shards are; "" = where they were in training. scores: files of `evaluate --json` or `classify --json`.
    cache: folder of the index of shards.
    Raise BadInput if the shards or a file cannot be read.
    """
    data, leaks = training_data(run, shards, cache), leaks_from(training_leaks(run))
    return CardFacts(scores={path.stem: read_scores(path) for path in scores}, data=data, leaks=leaks)


def add_valid_scores(facts: CardFacts, run: Run) -> CardFacts:
    """Put the scores on valid of the exported checkpoint before the others."""
    valid = {
        f"valid, by which step {run.step} was chosen": event["valid"]
        for event in read_log(run.folder)
        if event["step"] == run.step and "valid" in event
    }
    return replace(facts, scores=valid | dict(facts.scores))


def training_data(run: Path, shards: str, cache: Path) -> list[DatasetSummary]:
    """Summarise the training shards, without datasets of weight 0.

    If the user named none, those of the run may have gone: the list is empty then.
    """
    weights = read_run(run)[0].dataset_weights
    address = shards or training_shards(run)
    try:
        datasets = summarize(address, cache) if address else []
    except BadInput:
        if shards:
            raise
        return []
    return [dataset for dataset in datasets if weights.get(dataset.name, 1)]


def read_scores(path: Path) -> dict:
    """Read a file of scores. Raise BadInput if it has none."""
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"--scores {path} cannot be read: {error}; give what `evaluate --json` or `classify --json` printed") from error
    if not isinstance(scores, dict) or not flatten(scores):
        raise BadInput(f"--scores {path} holds no scores; give what `evaluate --json` or `classify --json` printed")
    return scores
