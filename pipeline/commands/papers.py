"""Write the papers of a folder."""

from __future__ import annotations

import argparse

from pipeline.commands.options import FOLDER, add_verb, output_folder
from pipeline.failures import DONE
from pipeline.report.terminal import print_json, print_lines


def add(verbs: argparse._SubParsersAction) -> None:
    """Add the verb to the parser."""
    text = (
        "write the papers of a folder: DATACARD.md, ATTRIBUTION.csv (title, creator and licence of every clip), croissant.json, and "
        "papers.json with the summary of training content that the AI Act asks for"
    )
    papers = add_verb(verbs, "papers", text, "data/quickstart")
    papers.add_argument("folder", metavar="DIR", type=output_folder, help=FOLDER)
    papers.add_argument("--json", action="store_true", help="print the hash of each file, and of the set that they are of, as JSON")


def run(options: argparse.Namespace, _: tuple[str, ...], __: list[str]) -> int:
    """Write the papers, and print what was written."""
    from pipeline.output.storage import Folder
    from pipeline.verbs.papers import write_papers
    from pipeline.verbs.status import snapshot_of

    folder = Folder(options.folder)
    snapshot_of(folder)
    with folder.locked():
        papers = write_papers(snapshot_of(folder))
    if options.json:
        print_json(papers.to_json())
    else:
        print_lines(papers.lines(options.folder))
    return DONE
