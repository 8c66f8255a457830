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

    from train.checkpoint import Run
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

    classify = add(verbs, "classify", run_classify, "classify clips by words, or by a classifier trained on RUN's features")
    classify.add_argument("run", metavar="RUN", type=Path)
    classify.add_argument("shards", metavar="SHARDS_OR_FOLDER", help="shards with tags, or a folder with one folder of sounds a class")
    classify.add_argument("--labels", type=Path, metavar="FILE", help="class names, one a line, or JSON {name: number}; default: all tags")
    classify.add_argument("--supervised", choices=("linear", "mlp", "finetune"), help="train a classifier on the train split")
    classify.add_argument("--prompt", action="append", metavar="TEXT", help='with {label} in it; default "This is a sound of {label}."')
    classify.add_argument("--split", default="test")
    classify.add_argument("--json", action="store_true")

    embed = add(verbs, "embed", run_embed, "write embeddings of sounds or texts")
    embed.add_argument("run", metavar="RUN", type=Path)
    what = embed.add_mutually_exclusive_group(required=True)
    what.add_argument("--audio", metavar="FOLDER")
    what.add_argument("--shards", metavar="DIR")
    what.add_argument("--text", metavar="FILE", type=Path)
    embed.add_argument("--output", metavar="X.npz", type=Path, required=True, help=".npz or .parquet")

    search = add(verbs, "search", run_search, "find the clips that fit some words")
    search.add_argument("run", metavar="RUN", type=Path)
    search.add_argument("words", metavar="WORDS")
    search.add_argument("--in", dest="where", metavar="DIR", required=True, help="shards or a folder of sounds")
    search.add_argument("-k", type=int, default=10)

    export = add(verbs, "export", run_export, "write RUN as a folder that transformers loads")
    export.add_argument("run", metavar="RUN", type=Path)
    export.add_argument("folder", metavar="FOLDER", type=Path)

    compare = add(verbs, "compare", run_compare, "the encoder study: 2 audio towers x 3 text towers on SHARDS")
    compare.add_argument("shards", metavar="SHARDS")
    compare.add_argument("--output", metavar="DIR", type=Path, required=True)
    recipe_options(compare)
    return top


def add(verbs: argparse._SubParsersAction, name: str, verb: Callable, what: str) -> argparse.ArgumentParser:
    """Add a verb."""
    one = verbs.add_parser(name, help=what, description=what)
    one.set_defaults(verb=verb)
    one.add_argument("--device", default="", help="cpu, cuda, mps; by default the fastest there is")
    one.add_argument("--cache", type=Path, default=default_cache(), metavar="DIR", help="indexes of shards, and what remote ones gave")
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
    from train.evaluate import score, table
    from train.shards import find_shards

    find_shards(options.shards, options.split)
    run = get_run(options)
    scores = score(run.model, run.tokenizer, options.shards, options.split, run.recipe.context, options.cache)
    say(json.dumps(scores, indent=1) if options.json else f"{options.split}, step {run.step}\n{table(scores)}")


def get_run(options: argparse.Namespace) -> "Run":
    from train.checkpoint import load_run

    return load_run(options.run, get_device(options))


def run_classify(options: argparse.Namespace, say: Callable[[str], None]) -> None:
    from train.classify import PROMPT, read_labels, supervised, zero_shot
    from train.picture import confusion_picture

    labels = read_labels(options.labels) if options.labels else []
    run = get_run(options)
    if options.supervised:
        found = supervised(run, options.shards, options.split, labels, options.supervised, options.cache)
    else:
        found = zero_shot(run, options.shards, options.split, labels, options.prompt or [PROMPT], options.cache)
    how = options.supervised or "zero-shot"
    picture = options.run / f"confusion-{how}.png"
    confusion_picture(found.confusion, found.labels, picture)
    scores = {"how": how, "accuracy": found.accuracy, "mAP": found.mean_ap, "n_clips": found.n_clips, "n_classes": len(found.labels)}
    shown = "  ".join(f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}" for k, v in scores.items())
    say(json.dumps(scores, indent=1) if options.json else f"{shown}\n{picture}")


def run_embed(options: argparse.Namespace, say: Callable[[str], None]) -> None:
    from train.embed import embed_lines, embed_sounds, save_embeddings

    if options.output.suffix not in (".npz", ".parquet"):
        raise BadInput(f"{options.output}: the suffix says how to write; .npz and .parquet are known")
    run = get_run(options)
    if options.text:
        names, embeddings = embed_lines(run, options.text)
    else:
        found = embed_sounds(run, options.audio or options.shards, options.cache)
        names, embeddings = found.keys, found.audio
        for line in found.broken:
            say(f"left out: {line}")
    save_embeddings(options.output, names, embeddings)
    say(f"{len(names)} embeddings in {options.output}")


def run_search(options: argparse.Namespace, say: Callable[[str], None]) -> None:
    from train.embed import search

    for hit in search(get_run(options), options.words, options.where, options.k, options.cache):
        say(f"{hit.score:6.3f}  {hit.path}  {hit.key}  {hit.caption}")


def run_export(options: argparse.Namespace, say: Callable[[str], None]) -> None:
    from train.export import export

    export(get_run(options), options.folder)
    say(f"{options.folder}: ClapModel.from_pretrained and ClapProcessor.from_pretrained load it")


def run_compare(options: argparse.Namespace, say: Callable[[str], None]) -> None:
    recipe = chosen_recipe(options)
    from train.compare import compare, study_table
    from train.fit import Place

    scores = compare(options.shards, recipe, Place(options.output, options.cache, get_device(options), say, sys.stderr.isatty()))
    say(study_table(scores))
