"""The command line of the trainer: `python -m train VERB`. What the verbs do is in train/verbs.py."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from train import verbs
from train.errors import BadInput, Interrupted, NotFinite, Stopped
from train.verbs import Report

POSITIONAL = {
    "RUN": "folder of a training run: the --output of `fit`",
    "SHARDS": "folder that a build wrote, or its address; it holds <dataset>/<split>/0.tar",
    "SHARDS_OR_FOLDER": "shards, or a folder of sound files with one folder a class",
    "WORDS": "what is heard, in quotes",
    "DIR": "folder with the tars",
    "FOLDER": "folder that `export` writes",
    "REPOSITORY": "OWNER/NAME on the model hub",
}
"""Argument without a name -> its help."""
EPILOG = """\
examples:
  python -m train fit data/quickstart --output runs/tiny              train the small model of the recipe `tiny`
  python -m train evaluate runs/tiny data/quickstart                  print its scores on the test split
  python -m train search runs/tiny "a dog barks" --in data/quickstart
  python -m train VERB --help                                         explain a verb

Exit codes: 0 done, 1 stopped, 2 the input cannot be used, 128 + number after a signal."""


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
    top = argparse.ArgumentParser(
        prog="python -m train",
        description="Train CLAP on WebDataset shards, and use what was trained.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = top.add_subparsers(required=True, metavar="VERB")

    def add_verb(run: Callable[[argparse.Namespace, Report], None], summary: str, *positional: str) -> argparse.ArgumentParser:
        verb = subparsers.add_parser(run.__name__.removeprefix("run_"), help=summary, description=summary)
        verb.set_defaults(run_verb=run)
        for name in positional:
            verb.add_argument(name.lower(), metavar=name, type=Path if name in ("RUN", "FOLDER") else str, help=POSITIONAL[name])
        verb.add_argument("--device", default="", help="cpu, cuda, mps; default: the fastest of this machine")
        verb.add_argument(
            "--cache",
            type=Path,
            default=default_cache(),
            metavar="DIR",
            help="indexes of shards, and parts of remote shards; default: laion-audio in the cache folder of the user",
        )
        return verb

    fit = add_verb(verbs.run_fit, "train on SHARDS, a folder or address that holds <dataset>/<split>/0.tar")
    evaluate = add_verb(verbs.run_evaluate, "scores of RUN on each dataset of SHARDS, by its published protocol", "RUN", "SHARDS")
    classify = add_verb(
        verbs.run_classify, "classify clips: shards with tags, or a folder with one folder a class", "RUN", "SHARDS_OR_FOLDER"
    )
    embed = add_verb(verbs.run_embed, "write embeddings of clips or texts", "RUN")
    search = add_verb(verbs.run_search, "list the clips nearest to some words", "RUN", "WORDS")
    add_verb(verbs.run_index, "write an index beside each tar of DIR, before the set is copied to a server: it is then read faster", "DIR")
    export = add_verb(verbs.run_export, "write RUN as a folder that transformers loads", "RUN", "FOLDER")
    publish = add_verb(verbs.run_publish, "send an exported FOLDER to REPOSITORY of a model hub", "FOLDER", "REPOSITORY")
    compare = add_verb(verbs.run_compare, "the encoder study: 2 audio towers x 3 text towers on SHARDS", "SHARDS")
    compare.add_argument("--output", metavar="DIR", type=Path, required=True)

    add_fit_options(fit)
    add_evaluate_options(evaluate)
    add_classify_options(classify)
    add_embed_options(embed)
    add_export_options(export, publish)
    search.add_argument("--in", dest="root", metavar="DIR", required=True, help="shards or a folder of sound files")
    search.add_argument("-k", type=positive, default=10, help="number of clips to list; default 10")
    for verb in (evaluate, classify):
        verb.add_argument("--split", default="test", help="default: test")
        verb.add_argument("--json", action="store_true", help="print the scores as JSON")
    for verb in (fit, compare):
        add_recipe_options(verb)
    return top


def add_fit_options(fit: argparse.ArgumentParser) -> None:
    """Add the options that only `fit` has."""
    fit.add_argument("shards", metavar="SHARDS", nargs="?", help="needed, but for --show-recipe")
    fit.add_argument("--output", metavar="RUN", type=Path, help="folder of the run; needed, but for --show-recipe")
    fit.add_argument("--show-recipe", action="store_true", help="print the recipe as a TOML file, with every key, and do not train")
    text = "continue the run in RUN with the same losses as without the interruption; auto: begin where there is no run yet, and take"
    text += " an older checkpoint where the newest cannot be read, so that a scheduler may start the same command again"
    fit.add_argument("--resume", nargs="?", const="yes", default="no", choices=("yes", "auto"), help=text)


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
    verb.add_argument("--cache-gb", type=positive, default=200, metavar="N", help="what remote samples may take in the cache; default 200")
    verb.add_argument("--size", choices=("published", "tiny"), help="width of the towers")
    verb.add_argument("--steps", type=int, help="number of steps")
    verb.add_argument("--compile", action="store_const", const="true", help="torch.compile the towers")
    verb.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="change keys of the recipe, which are listed below"
    )


def positive(text: str) -> int:
    """Return the number that a text is. Raise ArgumentTypeError unless it is an integer from 1 on."""
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; give an integer from 1 on")
    return int(text)


def default_cache() -> Path:
    """Return the user's cache folder for this project."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "laion-audio"
