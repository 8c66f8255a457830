"""The encoder study of the paper (Wu et al. 2023, table 2): every audio tower with every text tower, on the same shards."""

import json
from dataclasses import replace
from typing import Literal

from train.data.samples import FixedClips
from train.data.shards import find_shards
from train.evaluate import by_dataset, score
from train.fit import fit
from train.loop.atomic import atomic_write
from train.loop.checkpoint import load_run
from train.recipe import TrainRecipe
from train.start import RunEnvironment

AUDIO: tuple[Literal["htsat-tiny", "cnn14"], ...] = ("htsat-tiny", "cnn14")
TEXT: tuple[Literal["clip", "bert", "roberta"], ...] = ("clip", "bert", "roberta")


def compare_encoders(shards: str, recipe: TrainRecipe, environment: RunEnvironment, split: str = "test") -> dict[str, dict]:
    """Train and score each pair of towers, each in a folder of its own. A finished pair is not trained again.

    Return the scores by pair, such as "cnn14-bert", and write them to scores.json after each pair.
    """
    sets = by_dataset(FixedClips(find_shards(shards, split), recipe.fusion != "none", environment.cache))
    scores: dict[str, dict] = {}
    for audio in AUDIO:
        for text in TEXT:
            folder = environment.output / f"{audio}-{text}"
            environment.report(f"{audio} with {text}")
            pair = replace(recipe, audio=audio, text=text)
            fit(shards, pair, replace(environment, output=folder), resume="auto")
            run = load_run(folder, environment.device)
            scores[f"{audio}-{text}"] = score(run.model, run.tokenizer, sets, recipe.context)
            with atomic_write(environment.output / "scores.json") as file:
                file.write(json.dumps(scores, indent=1).encode())
    return scores


def study_table(scores: dict[str, dict]) -> str:
    """Format the scores as the paper does: R@1, R@10 and mAP@10 both ways, one row for each pair."""
    columns = [(way, name) for way in ("t2a", "a2t") for name in ("R@1", "R@10", "mAP@10")]
    head = f"{'towers':22}" + "".join(f"{way + ' ' + name:>13}" for way, name in columns)
    rows = [f"{pair:22}" + "".join(f"{both[way][name]:13.3f}" for way, name in columns) for pair, both in scores.items()]
    return "\n".join([head, *rows])
