"""What the verbs of the command line do. Heavy imports are inside the functions that need them."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from train.errors import BadInput

if TYPE_CHECKING:
    import torch

    from train.loop.checkpoint import Run
    from train.recipe import TrainRecipe
    from train.start import RunEnvironment

Report = Callable[[str], None]


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
    without = {"accuracy": "no accuracy: some clips have several classes"} if result.accuracy is None else {}
    line = "  ".join(without.get(k) or (f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}") for k, v in scores.items())
    report(json.dumps(scores, indent=1) if options.json else f"{line}\n{plot}")


def run_embed(options: argparse.Namespace, report: Report) -> None:
    """Write embeddings of clips or texts to a file."""
    from train.data.folder import open_clips
    from train.data.lines import read_lines
    from train.evaluate import embed_clips, embed_texts
    from train.search import save_embeddings

    if options.output.suffix not in (".npz", ".parquet"):
        raise BadInput(f"--output {options.output} has a suffix that is not supported; .npz and .parquet are")
    if options.text:
        names = read_lines(options.text, "caption")
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
    from train.data.lines import check_words
    from train.search import search

    check_words("WORDS", options.words)
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

    facts = gather_facts(options.run, options.shards, options.scores, options.cache)
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
