"""Check every file of a folder."""

from __future__ import annotations

import argparse

from pipeline.commands.options import FOLDER, add_engine, add_verb, engine_of, output_folder
from pipeline.counted import counted
from pipeline.failures import DONE, WRONG
from pipeline.report.terminal import console


def add(verbs: argparse._SubParsersAction) -> None:
    """Add the verb to the parser."""
    text = "read every file of a folder again and name every fault; an interrupted verify goes on where it stopped"
    verify = add_verb(verbs, "verify", text, "data/quickstart", "data/quickstart --deep")
    verify.add_argument("folder", metavar="DIR", type=output_folder, help=FOLDER)
    verify.add_argument("--deep", action="store_true", help="decode all audio too")
    add_engine(verify)


def run(options: argparse.Namespace, beam_options: tuple[str, ...], _: list[str]) -> int:
    """Check every file of a folder, and print every fault."""
    from pipeline.output.storage import Folder
    from pipeline.verbs.verify import verify
    from pipeline.verbs.verify_fault import Note

    folder, n_faults = Folder(options.folder), 0
    for fault in verify(folder, options.deep, engine_of(options, beam_options, folder)):
        n_faults += not isinstance(fault, Note)
        console().print(str(fault), markup=False, highlight=False, soft_wrap=True)
    console().print(counted(n_faults, "fault") if n_faults else "no faults", style="red" if n_faults else "green")
    return WRONG if n_faults else DONE
