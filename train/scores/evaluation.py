"""The verb `evaluate`: score every dataset below a folder by its protocol."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from train.data.samples import FixedClips
from train.data.shards import find_shards
from train.evaluate import by_dataset
from train.loop.checkpoint import load_run, read_run
from train.scores.classes import published_classes
from train.scores.datasets import Scored, as_json, difference, score_dataset
from train.scores.protocols import PROMPT, PROMPTS, PROTOCOLS, Protocol, protocol_of
from train.scores.queries import check_suffix, write_queries


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` is asked for.

    run: folder of the run. protocol: its name, or "" for that of each dataset's folder. against: folder of a run to compare with.
    ranks: file for the rank of every query.
    """

    run: Path
    shards: str
    split: str
    cache: Path
    device: Callable[[], torch.device]
    protocol: str = ""
    ensemble: bool = False
    against: Path | None = None
    ranks: Path | None = None

    @property
    def prompts(self) -> tuple[str, ...]:
        return PROMPTS if self.ensemble else (PROMPT,)

    def protocol_of(self, dataset: str) -> Protocol:
        return PROTOCOLS[self.protocol] if self.protocol else protocol_of(dataset)


def evaluate(asked: Evaluation) -> dict:
    """Score each dataset, and the difference to another run if there is one. Return what is printed; write the ranks of queries.

    Raise BadInput, before a model is built, if files, runs or tags cannot be used.
    """
    if asked.ranks:
        check_suffix(asked.ranks)
    sets = {run: open_sets(asked, run) for run in (asked.run, asked.against) if run}
    for dataset, clips in sets[asked.run].items():
        protocol = asked.protocol_of(dataset)
        if protocol.kind != "retrieval":
            published_classes(dataset, clips.tags(), protocol)
    step, scored = score_run(asked, asked.run, sets[asked.run])
    summaries = {name: each.summary() for name, each in scored.items()}
    if asked.against:
        others = score_run(asked, asked.against, sets[asked.against])[1]
        for name, each in scored.items():
            summaries[name]["difference"] = as_json(difference(each, others[name]))
    if asked.ranks:
        write_queries(asked.ranks, list(scored.values()))
    against = {"against": str(asked.against)} if asked.against else {}
    return {"split": asked.split, "step": step, **against, "datasets": summaries}


def open_sets(asked: Evaluation, run: Path) -> dict[str, FixedClips]:
    """Open the clips of each dataset as the model of a run needs them."""
    shards = find_shards(asked.shards, asked.split)
    return by_dataset(FixedClips(shards, read_run(run)[0].fusion != "none", asked.cache))


def score_run(asked: Evaluation, folder: Path, sets: Mapping[str, FixedClips]) -> tuple[int, dict[str, Scored]]:
    """Load a run; return the step of its checkpoint and the scores of each dataset."""
    run = load_run(folder, asked.device())
    scored = {name: score_dataset(run, name, clips, asked.protocol_of(name), asked.split, asked.prompts) for name, clips in sets.items()}
    return run.step, scored
