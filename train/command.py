"""The command line of the trainer: `python -m train VERB`."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from train.problem import BadInput, Stopped

if TYPE_CHECKING:
    import torch

    from train.recipe import Recipe


def main(arguments: list[str], say: Callable[[str], None], complain: Callable[[str], None]) -> int:
    """Run one verb; return 0, 1 when a run went wrong, 2 when the input cannot be used."""
    options = parser().parse_args(arguments)
    try:
        options.verb(options, say)
    except BadInput as error:
        complain(f"python -m train: {error}")
        return 2
    except Stopped as error:
        complain(f"python -m train: stopped: {error}")
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Describe all verbs."""
    top = argparse.ArgumentParser(prog="python -m train", description="Train CLAP on WebDataset shards, and use what was trained.")
    verbs = top.add_subparsers(required=True, metavar="VERB")

    fit = add(verbs, "fit", run_fit, "train on SHARDS")
    fit.add_argument("shards", metavar="SHARDS", help="folder or address that holds <dataset>/<split>/0.tar")
    fit.add_argument("--output", metavar="RUN", type=Path, required=True, help="folder of the run")
    recipe_options(fit)
    fit.add_argument("--resume", action="store_true", help="go on with the run in RUN, exactly as if it had never stopped")

    evaluate = add(verbs, "evaluate", run_evaluate, "retrieval scores of RUN on SHARDS")
    evaluate.add_argument("run", metavar="RUN", type=Path)
    evaluate.add_argument("shards", metavar="SHARDS")
    evaluate.add_argument("--split", default="test")
    evaluate.add_argument("--json", action="store_true")
    return top


def add(verbs: argparse._SubParsersAction, name: str, verb: Callable, what: str) -> argparse.ArgumentParser:
    """Add a verb."""
    one = verbs.add_parser(name, help=what, description=what)
    one.set_defaults(verb=verb)
    one.add_argument("--device", default="", help="cpu, cuda, mps; by default the fastest there is")
    one.add_argument(
        "--cache", type=Path, default=default_cache(), metavar="DIR", help="indexes of read-only shards, copies of remote ones"
    )
    return one


def recipe_options(verb: argparse.ArgumentParser) -> None:
    """Add the options that make a recipe."""
    verb.add_argument("--recipe", default="tiny", metavar="NAME|FILE.toml", help="tiny, paper-ac-cl, paper-la-fusion, paper-2.5m or a file")
    verb.add_argument("--size", choices=("published", "tiny"), help="width of the towers")
    verb.add_argument("--steps", type=int, help="stop after so many steps")
    verb.add_argument("--compile", action="store_true", help="torch.compile the towers")
    verb.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="change keys of the recipe")


def chosen_recipe(options: argparse.Namespace) -> "Recipe":
    from train.recipe import load_recipe

    short = {"size": options.size, "steps": options.steps, "compile": options.compile or None}
    return load_recipe(options.recipe, [*options.set, *(f"{key}={value}" for key, value in short.items() if value is not None)])


def default_cache() -> Path:
    """Return the folder for what can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "laion-audio"


def get_device(options: argparse.Namespace) -> "torch.device":
    import torch

    if options.device:
        return torch.device(options.device)
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def run_fit(options: argparse.Namespace, say: Callable[[str], None]) -> None:
    recipe = chosen_recipe(options)
    from train.fit import Place, fit
    from train.ranks import join_ranks, leave_ranks

    device = get_device(options)
    join_ranks(device)
    fit(options.shards, recipe, Place(options.output, options.cache, device, say, sys.stderr.isatty()), options.resume)
    leave_ranks()


def run_evaluate(options: argparse.Namespace, say: Callable[[str], None]) -> None:
    from train.checkpoint import load_run
    from train.evaluate import score, table
    from train.shards import find_shards

    find_shards(options.shards, options.split)
    run = load_run(options.run, get_device(options))
    scores = score(run.model, run.tokenizer, options.shards, options.split, run.recipe.context, options.cache)
    say(json.dumps(scores, indent=1) if options.json else f"{options.split}, step {run.step}\n{table(scores)}")
