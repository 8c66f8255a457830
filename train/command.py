"""The command line of the trainer: `python -m train VERB`."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from train.errors import BadInput, Stopped

if TYPE_CHECKING:
    import torch

    from train.loop.checkpoint import Run
    from train.recipe import TrainRecipe

Say = Callable[[str], None]


def main(arguments: list[str], say: Say, complain: Say) -> int:
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

    def verb(run: Callable[[argparse.Namespace, Say], None], what: str, *positional: str) -> argparse.ArgumentParser:
        one = verbs.add_parser(run.__name__.removeprefix("run_"), help=what, description=what)
        one.set_defaults(verb=run)
        for name in positional:
            one.add_argument(name.lower(), metavar=name, type=Path if name in ("RUN", "FOLDER") else str)
        one.add_argument("--device", default="", help="cpu, cuda, mps; by default the fastest there is")
        one.add_argument("--cache", type=Path, default=default_cache(), metavar="DIR", help="indexes of shards, and what remote ones gave")
        return one

    fit = verb(run_fit, "train on SHARDS, a folder or address that holds <dataset>/<split>/0.tar", "SHARDS")
    fit.add_argument("--output", metavar="RUN", type=Path, required=True, help="folder of the run")
    fit.add_argument("--resume", action="store_true", help="go on with the run in RUN, exactly as if it had never stopped")

    evaluate = verb(run_evaluate, "retrieval scores of RUN on SHARDS", "RUN", "SHARDS")

    classify = verb(run_classify, "name the class of clips: shards with tags, or a folder of sounds a class", "RUN", "SHARDS_OR_FOLDER")
    classify.add_argument("--labels", type=Path, metavar="FILE", help="class names, one a line, or JSON {name: number}; default: all tags")
    classify.add_argument("--supervised", choices=("linear", "mlp", "finetune"), help="train a classifier on the train split")
    classify.add_argument("--prompt", action="append", metavar="TEXT", help='with {label} in it; default "This is a sound of {label}."')
    for scored in (evaluate, classify):
        scored.add_argument("--split", default="test")
        scored.add_argument("--json", action="store_true")

    embed = verb(run_embed, "write embeddings of sounds or texts", "RUN")
    what = embed.add_mutually_exclusive_group(required=True)
    what.add_argument("--audio", metavar="FOLDER", dest="where")
    what.add_argument("--shards", metavar="DIR", dest="where")
    what.add_argument("--text", metavar="FILE", type=Path)
    embed.add_argument("--output", metavar="X.npz", type=Path, required=True, help=".npz or .parquet")

    search = verb(run_search, "find the clips that fit some words", "RUN", "WORDS")
    search.add_argument("--in", dest="where", metavar="DIR", required=True, help="shards or a folder of sounds")
    search.add_argument("-k", type=int, default=10)

    verb(run_export, "write RUN as a folder that transformers loads", "RUN", "FOLDER")

    compare = verb(run_compare, "the encoder study: 2 audio towers x 3 text towers on SHARDS", "SHARDS")
    compare.add_argument("--output", metavar="DIR", type=Path, required=True)
    for trains in (fit, compare):
        trains.add_argument(
            "--recipe", default="tiny", metavar="NAME|FILE.toml", help="tiny, paper-ac-cl, paper-la-fusion, paper-2.5m, a file"
        )
        trains.add_argument("--size", choices=("published", "tiny"), help="width of the towers")
        trains.add_argument("--steps", type=int, help="stop after so many steps")
        trains.add_argument("--compile", action="store_const", const="true", help="torch.compile the towers")
        trains.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="change keys of the recipe")
    return top


def default_cache() -> Path:
    """Return the folder for what can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "laion-audio"


def get_device(options: argparse.Namespace) -> "torch.device":
    """Return the device that was asked for, or the fastest one."""
    import torch

    fastest = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    try:
        device = torch.device(options.device or fastest.type)
        if device.type == "cuda" and device.index is None:
            device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise BadInput(f"--device {options.device}: {str(error).splitlines()[0]}; this machine's fastest is {fastest.type}") from error
    return device


def get_recipe(options: argparse.Namespace) -> "TrainRecipe":
    """Return the recipe, with --set and what has an option of its own."""
    from train.recipe import load_recipe

    short = {key: getattr(options, key) for key in ("size", "steps", "compile")}
    return load_recipe(options.recipe, [*options.set, *(f"{key}={value}" for key, value in short.items() if value is not None)])


def get_run(options: argparse.Namespace) -> "Run":
    """Return the trained model."""
    from train.loop.checkpoint import load_run

    return load_run(options.run, get_device(options))


def is_fused(options: argparse.Namespace) -> bool:
    """Say whether RUN fuses long clips: that much must be known to open clips, which comes before a model is built."""
    from train.loop.checkpoint import read_run

    return read_run(options.run)[0].fusion != "none"


def run_fit(options: argparse.Namespace, say: Say) -> None:
    recipe = get_recipe(options)
    from train.fit import Place, fit
    from train.loop.ranks import join_ranks, leave_ranks

    device = get_device(options)
    join_ranks(device)
    fit(options.shards, recipe, Place(options.output, options.cache, device, say, sys.stderr.isatty()), options.resume)
    leave_ranks()


def run_evaluate(options: argparse.Namespace, say: Say) -> None:
    from train.data.batch import FixedClips
    from train.data.shards import find_shards
    from train.evaluate import score, table

    clips = FixedClips(find_shards(options.shards, options.split), is_fused(options), options.cache)
    run = get_run(options)
    scores = score(run.model, run.tokenizer, clips, run.recipe.context)
    say(json.dumps(scores, indent=1) if options.json else f"{options.split}, step {run.step}\n{table(scores)}")


def run_classify(options: argparse.Namespace, say: Say) -> None:
    from train.classify import PROMPT, check_prompts, class_list, supervised, two_parts, zero_shot
    from train.data.folder import open_clips
    from train.loop.plots import confusion_picture

    where, how, prompts = options.shards_or_folder, options.supervised or "zero-shot", options.prompt or [PROMPT]
    check_prompts(prompts)
    if options.supervised:
        clips = two_parts(where, is_fused(options), options.cache, options.split)
        labels = class_list(clips, options.labels)
        found = supervised(get_run(options), *clips, labels, options.supervised)
    else:
        scored = open_clips(where, is_fused(options), options.cache, (options.split,))
        labels = class_list([scored], options.labels)
        found = zero_shot(get_run(options), scored, labels, prompts)
    picture = options.run / f"confusion-{how}.png"
    confusion_picture(found.confusion, labels, picture)
    scores = {"how": how, "accuracy": found.accuracy, "mAP": found.mean_ap, "n_clips": found.n_clips, "n_classes": len(labels)}
    shown = "  ".join(f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}" for k, v in scores.items())
    say(json.dumps(scores, indent=1) if options.json else f"{shown}\n{picture}")


def run_embed(options: argparse.Namespace, say: Say) -> None:
    from train.data.folder import open_clips
    from train.evaluate import embed_clips, embed_texts
    from train.search import read_lines, save_embeddings

    if options.output.suffix not in (".npz", ".parquet"):
        raise BadInput(f"{options.output}: the suffix says how to write; .npz and .parquet are known")
    if options.text:
        names = read_lines(options.text)
        run = get_run(options)
        embeddings = embed_texts(run.model, run.tokenizer, names, run.recipe.context)
    else:
        clips = open_clips(options.where, is_fused(options), options.cache)
        found = embed_clips(get_run(options).model, clips)
        names, embeddings = found.keys, found.audio
        for line in found.broken:
            say(f"left out: {line}")
    save_embeddings(options.output, names, embeddings)
    say(f"{len(names)} embeddings in {options.output}")


def run_search(options: argparse.Namespace, say: Say) -> None:
    from train.data.folder import open_clips
    from train.search import search

    clips = open_clips(options.where, is_fused(options), options.cache)
    for hit in search(get_run(options), options.words, clips, options.k):
        say(f"{hit.score:6.3f}  {hit.path}  {hit.key}  {hit.caption}")


def run_export(options: argparse.Namespace, say: Say) -> None:
    from train.export import export

    export(get_run(options), options.folder)
    say(f"{options.folder}: ClapModel.from_pretrained and ClapProcessor.from_pretrained load it")


def run_compare(options: argparse.Namespace, say: Say) -> None:
    recipe = get_recipe(options)
    from train.encoder_study import compare_encoders, study_table
    from train.fit import Place

    scores = compare_encoders(options.shards, recipe, Place(options.output, options.cache, get_device(options), say, sys.stderr.isatty()))
    say(study_table(scores))
