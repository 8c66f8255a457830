"""Compare the training splits of a folder with benchmarks."""

from __future__ import annotations

import argparse

from pipeline.commands.options import DATA, FOLDER, add_verb, input_folder, output_folder

SITES = ("freesound", "youtube")  # whose ids a list may hold without a prefix


def add(verbs: argparse._SubParsersAction) -> None:
    """Add the verb to the parser."""
    text = "compare the training splits of a folder with benchmarks: which of their clips are in training; exit code 1 if any is"
    examples = (
        "data/my-set --against evaluation --data metadata --write",
        "data/my-set --against data/esc50",
        "data/my-set --against held.csv",
    )
    leaks = add_verb(verbs, "leaks", text, *examples)
    leaks.add_argument("folder", metavar="DIR", type=output_folder, help=FOLDER)
    text = (
        "the benchmarks: a recipe of them, by name or path; another built folder, whose sounds are compared too; DIR itself, for its own "
        "splits valid and test; or a list of recordings, as holdout takes it. May be given several times"
    )
    leaks.add_argument("--against", metavar="RECIPE|DIR|LIST", action="append", required=True, help=text)
    leaks.add_argument("--data", metavar="DIR", type=input_folder, help=DATA)
    leaks.add_argument("--ids-of", choices=SITES, help="whose bare ids the lists hold")
    text = "count clips of one YouTube video only where they overlap in seconds, as seconds = true of holdout does"
    leaks.add_argument("--seconds", action="store_true", help=text)
    leaks.add_argument(
        "--write", action="store_true", help="write the result into the folder, as leaks.json: trainer and cards then name it"
    )
    leaks.add_argument("--json", action="store_true", help="print JSON for scripts, as in leaks.json")


def run(options: argparse.Namespace, _: tuple[str, ...], __: list[str]) -> int:
    """Print which clips of benchmarks are in the training splits of a folder."""
    from pipeline.output.leaks_file import write_certificate
    from pipeline.output.storage import Folder
    from pipeline.report.leaks_table import print_certificate
    from pipeline.verbs.leaks import find_leaks

    folder = Folder(options.folder)
    certificate = find_leaks(folder, options.against, options.data, options.ids_of, options.seconds)
    if options.write:
        with folder.locked():
            write_certificate(certificate, folder)
    return print_certificate(certificate, options.folder, options.json)
