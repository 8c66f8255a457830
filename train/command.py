"""The command line of the trainer: `python -m train VERB`. Heavy imports are inside the functions that need them."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from train.errors import BadInput, Interrupted, NotFinite, Stopped

if TYPE_CHECKING:
    import torch

    from train.loop.checkpoint import Run
    from train.recipe import TrainRecipe
    from train.start import RunEnvironment

Report = Callable[[str], None]


def main(arguments: list[str], report: Report, report_error: Report) -> int:
    """Run one verb. Return 0; 1 if the run was stopped; 2 if the input cannot be used; 128 + number after a signal."""
    options = parser().parse_args(arguments)
    try:
        options.run_verb(options, report)
    except BadInput as error:
        report_error(f"python -m train: {error}")
        return 2
    except Interrupted as error:
        report_error(f"python -m train: {error}")
        return 128 + error.number
    except Stopped as error:
        report_error(f"python -m train: stopped: {error}")
        return 1
    except NotFinite as error:
        report_error(f"python -m train: {error}; use another checkpoint of the run")
        return 1
    except OSError as error:
        report_error(f"python -m train: {error}")
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Describe all verbs and their options."""
    top = argparse.ArgumentParser(prog="python -m train", description="Train CLAP on WebDataset shards, and use what was trained.")
    verbs = top.add_subparsers(required=True, metavar="VERB")

    def add_verb(run: Callable[[argparse.Namespace, Report], None], summary: str, *positional: str) -> argparse.ArgumentParser:
        verb = verbs.add_parser(run.__name__.removeprefix("run_"), help=summary, description=summary)
        verb.set_defaults(run_verb=run)
        for name in positional:
            verb.add_argument(name.lower(), metavar=name, type=Path if name in ("RUN", "FOLDER") else str)
        verb.add_argument("--device", default="", help="cpu, cuda, mps; default: the fastest of this machine")
        verb.add_argument(
            "--cache", type=Path, default=default_cache(), metavar="DIR", help="indexes of shards, and parts of remote shards"
        )
        return verb

    fit = add_verb(run_fit, "train on SHARDS, a folder or address that holds <dataset>/<split>/0.tar")
    fit.add_argument("shards", metavar="SHARDS", nargs="?", help="needed, but for --show-recipe")
    fit.add_argument("--output", metavar="RUN", type=Path, help="folder of the run; needed, but for --show-recipe")
    fit.add_argument("--show-recipe", action="store_true", help="print the recipe as a TOML file, with every key, and do not train")
    text = (
        "continue the run in RUN with the same losses as without the interruption; auto: begin where there is no run yet, and take an older"
    )
    text += " checkpoint where the newest cannot be read, so that a scheduler may start the same command again"
    fit.add_argument("--resume", nargs="?", const="yes", default="no", choices=("yes", "auto"), help=text)
    evaluate = add_verb(run_evaluate, "scores of RUN on each dataset of SHARDS, by its published protocol", "RUN", "SHARDS")
    classify = add_verb(run_classify, "classify clips: shards with tags, or a folder with one folder a class", "RUN", "SHARDS_OR_FOLDER")
    embed = add_verb(run_embed, "write embeddings of clips or texts", "RUN")
    search = add_verb(run_search, "list the clips nearest to some words", "RUN", "WORDS")
    add_verb(run_index, "write an index beside each tar of DIR, before the set is copied to a server: it is then read faster", "DIR")
    export = add_verb(run_export, "write RUN as a folder that transformers loads", "RUN", "FOLDER")
    publish = add_verb(run_publish, "send an exported FOLDER to REPOSITORY of a model hub", "FOLDER", "REPOSITORY")
    compare = add_verb(run_compare, "the encoder study: 2 audio towers x 3 text towers on SHARDS", "SHARDS")
    compare.add_argument("--output", metavar="DIR", type=Path, required=True)

    add_evaluate_options(evaluate)
    add_classify_options(classify)
    add_embed_options(embed)
    add_export_options(export, publish)
    search.add_argument("--in", dest="root", metavar="DIR", required=True, help="shards or a folder of sound files")
    search.add_argument("-k", type=int, default=10, help="number of clips to list; default 10")
    for verb in (evaluate, classify):
        verb.add_argument("--split", default="test", help="default: test")
        verb.add_argument("--json", action="store_true", help="print the scores as JSON")
    for verb in (fit, compare):
        add_recipe_options(verb)
    return top


def add_evaluate_options(evaluate: argparse.ArgumentParser) -> None:
    """Add the options that only `evaluate` has."""
    from train.scores.protocols import PROMPTS, PROTOCOLS

    evaluate.add_argument("--protocol", choices=PROTOCOLS, default="", help="for all datasets; default: that of each dataset's folder")
    evaluate.add_argument("--ensemble", action="store_true", help=f"average {len(PROMPTS)} prompts a class instead of the published one")
    evaluate.add_argument("--against", type=Path, metavar="RUN", help="another run on the same clips: print the differences to it")
    evaluate.add_argument("--ranks", type=Path, metavar="X.parquet", help="write the rank of every query")


def add_classify_options(classify: argparse.ArgumentParser) -> None:
    """Add the options that only `classify` has."""
    classify.add_argument("--labels", type=Path, metavar="FILE", help="class names, one a line, or JSON {name: number}; default: all tags")
    classify.add_argument("--supervised", choices=("linear", "mlp", "finetune"), help="train a classifier on the train split")
    classify.add_argument("--prompt", action="append", metavar="TEXT", help='with {label} in it; default "This is a sound of {label}."')


def add_embed_options(embed: argparse.ArgumentParser) -> None:
    """Add the options that only `embed` has."""
    inputs = embed.add_mutually_exclusive_group(required=True)
    inputs.add_argument("--audio", metavar="FOLDER", dest="root", help="a folder of sound files")
    inputs.add_argument("--shards", metavar="DIR", dest="root", help="all splits of a set of shards")
    inputs.add_argument("--text", metavar="FILE", type=Path, help="a text file, one caption a line")
    embed.add_argument("--output", metavar="X.npz", type=Path, required=True, help=".npz or .parquet")


def add_export_options(export: argparse.ArgumentParser, publish: argparse.ArgumentParser) -> None:
    """Add the options that only `export` and `publish` have."""
    text = "training shards, whose licences the model card lists; default: where they were when RUN was trained"
    export.add_argument("--shards", metavar="SHARDS", default="", help=text)
    text = "scores for the model card: what `evaluate --json` or `classify --json` printed"
    export.add_argument("--scores", metavar="FILE", type=Path, nargs="+", default=[], help=text)
    publish.add_argument("--yes", action="store_true", help="send; without it the files are listed and nothing is sent")
    publish.add_argument("--dry-run", action="store_true", help="list the files that would be sent, and end with exit code 0")


def add_recipe_options(verb: argparse.ArgumentParser) -> None:
    """Add the options that choose and change a recipe. The help ends with all keys."""
    from train.recipe_keys import keys_help

    verb.formatter_class = argparse.RawDescriptionHelpFormatter
    verb.epilog = f"keys of a recipe, with the values of those that it leaves out:\n{keys_help()}"
    verb.add_argument("--recipe", default="tiny", metavar="NAME|FILE.toml", help="tiny, paper-ac-cl, paper-la-fusion, paper-2.5m, a file")
    verb.add_argument("--cache-gb", type=int, default=200, metavar="N", help="what remote samples may take in the cache; default 200")
    verb.add_argument("--size", choices=("published", "tiny"), help="width of the towers")
    verb.add_argument("--steps", type=int, help="number of steps")
    verb.add_argument("--compile", action="store_const", const="true", help="torch.compile the towers")
    verb.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="change keys of the recipe, which are listed below"
    )


def default_cache() -> Path:
    """Return the user's cache folder for this project."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "laion-audio"


def get_device(options: argparse.Namespace) -> "torch.device":
    """Return the device of --device, or the fastest one. On CUDA each process of torchrun gets its own."""
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
    """Return the recipe, changed by --set and by --size, --steps and --compile."""
    from train.recipe import load_recipe

    short = {key: getattr(options, key) for key in ("size", "steps", "compile")}
    return load_recipe(options.recipe, [*options.set, *(f"{key}={value}" for key, value in short.items() if value is not None)])


def get_environment(options: argparse.Namespace, report: Report) -> "RunEnvironment":
    """Return where the run of `fit` or the runs of `compare` are made."""
    from train.start import RunEnvironment

    most_bytes = options.cache_gb * 10**9
    return RunEnvironment(options.output, options.cache, get_device(options), report, sys.stderr.isatty(), most_bytes)


def get_run(options: argparse.Namespace) -> "Run":
    """Load the trained model of RUN."""
    from train.loop.checkpoint import load_run

    return load_run(options.run, get_device(options))


def is_fused(options: argparse.Namespace) -> bool:
    """Return whether the model of RUN fuses long clips. Clips are opened by it before the model is built."""
    from train.loop.checkpoint import read_run

    return read_run(options.run)[0].fusion != "none"


def run_fit(options: argparse.Namespace, report: Report) -> None:
    """Train a model."""
    recipe = get_recipe(options)
    if options.show_recipe:
        from train.recipe_keys import recipe_toml

        return report(recipe_toml(recipe))
    if not (options.shards and options.output):
        raise BadInput("fit needs SHARDS and --output RUN; `fit --help` lists all options")
    from train.fit import fit
    from train.loop.ranks import join_ranks, leave_ranks

    environment = get_environment(options, report)
    join_ranks(environment.device)
    fit(options.shards, recipe, environment, options.resume)
    leave_ranks()


def run_evaluate(options: argparse.Namespace, report: Report) -> None:
    """Print the scores of every dataset."""
    from train.scores.evaluation import Evaluation, evaluate
    from train.scores.table import evaluation_table

    named = {name: getattr(options, name) for name in ("run", "shards", "split", "cache", "protocol", "ensemble", "against", "ranks")}
    scores = evaluate(Evaluation(**named, device=lambda: get_device(options)))
    report(json.dumps(scores, indent=1) if options.json else evaluation_table(scores))


def run_classify(options: argparse.Namespace, report: Report) -> None:
    """Print classification scores and draw the confusion of classes."""
    from train.classify import check_prompts, class_list, cross_validated, open_folds, open_train_and_test, supervised, zero_shot
    from train.data.folder import open_clips
    from train.loop.plots import confusion_matrix
    from train.scores.protocols import PROMPT

    root, method, prompts = options.shards_or_folder, options.supervised or "zero-shot", options.prompt or [PROMPT]
    check_prompts(prompts)
    folded = open_folds(root, is_fused(options), options.cache, options.split, method) if options.supervised else None
    if folded:
        labels = class_list(folded[:1], options.labels)
        result = cross_validated(get_run(options), *folded, labels, method)
    elif options.supervised:
        clips = open_train_and_test(root, is_fused(options), options.cache, options.split)
        labels = class_list(clips, options.labels)
        result = supervised(get_run(options), *clips, labels, method)
    else:
        scored = open_clips(root, is_fused(options), options.cache, (options.split,))
        labels = class_list([scored], options.labels)
        result = zero_shot(get_run(options), scored, labels, prompts)
    plot = options.run / f"confusion-{method}.png"
    confusion_matrix(result.confusion, labels, plot)
    measures = {"accuracy": result.accuracy, **({"fold_mean": result.fold_mean} if folded else {}), "mAP": result.mean_ap}
    scores = {"how": method, **measures, "n_clips": result.n_clips, "n_classes": len(labels)}
    line = "  ".join(f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}" for k, v in scores.items())
    report(json.dumps(scores, indent=1) if options.json else f"{line}\n{plot}")


def run_embed(options: argparse.Namespace, report: Report) -> None:
    """Write embeddings of clips or texts to a file."""
    from train.data.folder import open_clips
    from train.evaluate import embed_clips, embed_texts
    from train.search import read_lines, save_embeddings

    if options.output.suffix not in (".npz", ".parquet"):
        raise BadInput(f"--output {options.output} has a suffix that is not supported; .npz and .parquet are")
    if options.text:
        names = read_lines(options.text)
        run = get_run(options)
        vectors = embed_texts(run.model, run.tokenizer, names, run.recipe.context)
    else:
        clips = open_clips(options.root, is_fused(options), options.cache)
        embeddings = embed_clips(get_run(options).model, clips)
        names, vectors = embeddings.keys, embeddings.audio
        for message in embeddings.broken:
            report(f"left out: {message}")
    save_embeddings(options.output, names, vectors)
    report(f"{len(names)} embeddings in {options.output}")


def run_search(options: argparse.Namespace, report: Report) -> None:
    """Print the clips nearest to some words."""
    from train.data.folder import open_clips
    from train.search import search

    clips = open_clips(options.root, is_fused(options), options.cache)
    for hit in search(get_run(options), options.words, clips, options.k):
        report(f"{hit.score:6.3f}  {hit.path}  {hit.key}  {hit.caption}")


def run_index(options: argparse.Namespace, report: Report) -> None:
    """Write an index beside each tar."""
    from train.data.write_index import write_indexes

    n_written, n_samples, n_others = write_indexes(options.dir)
    others = f"; {n_others} others have books, which serve as well" if n_others else ""
    report(f"{n_written} shards of {n_samples} samples in {options.dir} have an index now{others}")


def run_export(options: argparse.Namespace, report: Report) -> None:
    """Write the model as transformers' ClapModel."""
    from train.export import check_folder, export
    from train.hub.card_facts import add_valid_scores, gather_facts

    facts = gather_facts(options.run, options.shards, options.scores)
    check_folder(options.folder)
    run = get_run(options)
    facts = export(run, options.folder, add_valid_scores(facts, run))
    report(f"{options.folder}: embeddings equal those of {options.run} within {facts.difference:.0e}; README.md says how to load them")


def run_publish(options: argparse.Namespace, report: Report) -> None:
    """Send an exported folder to a model hub, if the user agrees."""
    from huggingface_hub import HfApi

    from train.hub.publish import check_repository, listing, publish, published_files

    api = HfApi()
    check_repository(options.repository)
    report(listing(published_files(options.folder), f"{api.endpoint}/{options.repository}"))
    if options.dry_run:
        return
    if not options.yes:
        raise BadInput("nothing was sent; --yes sends these files, and makes the repository, as a private one, if it does not exist")
    report(f"sent: {publish(options.folder, options.repository, api)}")


def run_compare(options: argparse.Namespace, report: Report) -> None:
    """Train all pairs of towers and print their scores."""
    recipe = get_recipe(options)
    from train.encoder_study import compare_encoders, study_table

    report(study_table(compare_encoders(options.shards, recipe, get_environment(options, report))))
