"""List the samples of a folder that are copies of each other."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipeline.commands.options import FOLDER, add_verb, output_folder
from pipeline.counted import counted
from pipeline.failures import DONE, WRONG
from pipeline.report.terminal import console, print_json, print_lines, print_notes


def add(verbs: argparse._SubParsersAction) -> None:
    """Add the verb to the parser."""
    text = "list samples that are copies of each other in another format, level, rate, or part; first those of test and training splits"
    similar = add_verb(verbs, "similar", text, "data/my-sounds", "data/my-sounds --write-holdout same-sound.csv")
    similar.add_argument("folder", metavar="DIR", type=output_folder, help=FOLDER)
    text = "write the recordings of training clips that sound like test clips to a list, or add them; name it in the recipe's `holdout`"
    similar.add_argument("--write-holdout", metavar="FILE", type=Path, help=text)
    similar.add_argument("--json", action="store_true", help="print every pair as JSON for scripts")


def run(options: argparse.Namespace, _: tuple[str, ...], __: list[str]) -> int:
    """Print the samples of a folder that are copies of each other; the exit code is 1 when test clips are in training."""
    from pipeline.output.storage import Folder
    from pipeline.report.similar_table import similar_lines, similar_table
    from pipeline.verbs.similar import add_to_list, find_similar
    from pipeline.verbs.status import snapshot_of

    similar = find_similar(snapshot_of(Folder(options.folder)))
    if options.json:
        print_json([each.to_json() for each in similar])
    else:
        console().print(similar_table(similar), markup=False)
        print_lines(similar_lines(similar))
    if options.write_holdout is not None:
        n_listed = counted(add_to_list(options.write_holdout, similar), "recording")
        print_notes([f"{options.write_holdout}: {n_listed}; write its name into the recipe's `holdout`, and build again"])
    return WRONG if any(each.is_leak for each in similar) else DONE
