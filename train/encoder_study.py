"""The encoder study of the paper (Wu et al. 2023, table 2): every audio tower with every text tower, on the same shards."""

import json
from dataclasses import replace
from typing import Literal

from train.data.batch import FixedClips
from train.data.shards import find_shards
from train.evaluate import score
from train.fit import Place, fit
from train.loop.atomic import atomic_write
from train.loop.checkpoint import load_run
from train.recipe import TrainRecipe

AUDIO: tuple[Literal["htsat-tiny", "cnn14"], ...] = ("htsat-tiny", "cnn14")
TEXT: tuple[Literal["clip", "bert", "roberta"], ...] = ("clip", "bert", "roberta")


def compare_encoders(shards: str, recipe: TrainRecipe, place: Place, split: str = "test") -> dict[str, dict]:
    """Train each pair into its own folder, or take it from there if it is done; return and write scores.json."""
    clips = FixedClips(find_shards(shards, split), recipe.fusion != "none", place.cache)
    scores: dict[str, dict] = {}
    for audio in AUDIO:
        for text in TEXT:
            folder = place.output / f"{audio}-{text}"
            place.say(f"{audio} with {text}")
            fit(shards, replace(recipe, audio=audio, text=text), replace(place, output=folder), resume=(folder / "run.json").exists())
            run = load_run(folder, place.device)
            scores[f"{audio}-{text}"] = score(run.model, run.tokenizer, clips, recipe.context)
            with atomic_write(place.output / "scores.json") as file:
                file.write(json.dumps(scores, indent=1).encode())
    return scores


def study_table(scores: dict[str, dict]) -> str:
    """Lay the study out as the paper does: mAP@10, R@1 and R@10 both ways."""
    columns = [(way, name) for way in ("t2a", "a2t") for name in ("R@1", "R@10", "mAP@10")]
    head = f"{'towers':22}" + "".join(f"{way + ' ' + name:>13}" for way, name in columns)
    rows = [f"{pair:22}" + "".join(f"{found[way][name]:13.3f}" for way, name in columns) for pair, found in scores.items()]
    return "\n".join([head, *rows])
