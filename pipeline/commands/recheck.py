"""Ask hosts again what they say about the use of recordings."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from pipeline.commands.options import FOLDER, add_verb, output_folder
from pipeline.counted import counted
from pipeline.failures import DONE, WRONG
from pipeline.report.terminal import print_json, print_lines, print_notes


def add(verbs: argparse._SubParsersAction) -> None:
    """Add the verb to the parser."""
    text = (
        "ask hosts again what they say about the use of recordings (robots.txt, X-Robots-Tag, TDMRep, Content-Usage), record it, and print "
        "the clips that are to be removed, one DATASET/ID a line; recordings are not downloaded"
    )
    recheck = add_verb(verbs, "recheck", text, "data/my-sounds > opt-outs.txt", "data/my-sounds --json")
    recheck.add_argument("folder", metavar="DIR", type=output_folder, help=FOLDER)
    recheck.add_argument("--wait", action="store_true", help="wait until hosts may be asked again, instead of leaving clips for later")
    recheck.add_argument("--json", action="store_true", help="print JSON: what each host says, and what was asked")


def run(options: argparse.Namespace, _: tuple[str, ...], __: list[str]) -> int:
    """Ask hosts again, and print the clips that are to be removed; the exit code is 1 when there are any."""
    from pipeline.output.storage import Folder
    from pipeline.verbs.recheck import recheck_folder, to_remove

    snapshot, result = recheck_folder(Folder(options.folder), options.wait)
    listed = list(to_remove(snapshot))
    if options.json:
        print_json({"remove": list(map(asdict, listed)), "clips": result.counts, "no_answer": result.failed})
    else:
        print_lines(each.clip for each in listed)
        then = f"{counted(len(listed), 'clip is', 'clips are')} to be removed: give this list to `laion-audio remove DIR --ids FILE`"
        print_notes([*result.lines(), then if listed else "no host says anything against a clip"])
    return WRONG if listed else DONE
