"""Write the report of a folder: one page that people look at."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipeline.commands.options import FOLDER, add_verb, output_folder
from pipeline.counted import counted
from pipeline.failures import DONE, WRONG
from pipeline.report.terminal import print_errors, print_lines

MAX_FAULTS = 20  # printed; the page has ten


def add(verbs: argparse._SubParsersAction) -> None:
    """Add the verb to the parser."""
    text = "write report.html: books, sound, text, rights and samples of a folder on one page that needs nothing else"
    report = add_verb(verbs, "report", text, "data/quickstart", "data/quickstart --output quickstart.html")
    report.add_argument("folder", metavar="DIR", type=output_folder, help=FOLDER)
    report.add_argument("--output", metavar="FILE", type=output_file, help="file on this machine to write instead of DIR/report.html")


def run(options: argparse.Namespace, _: tuple[str, ...], __: list[str]) -> int:
    """Write report.html of a folder, and print where it is; the exit code is 1 where files could not be read."""
    from pipeline.output.storage import Folder
    from pipeline.report.html.page import make_report
    from pipeline.report.html.write import write_report
    from pipeline.report.tables import readable_bytes
    from pipeline.verbs.status import snapshot_of

    folder = Folder(options.folder)
    report = make_report(snapshot_of(folder))
    where, content = write_report(report.page, folder, options.output), report.content
    samples = f"{counted(content.books.total.samples, 'sample')}, {len(content.samples)} of them to hear"
    print_lines([f"{where}: {readable_bytes(len(report.page))}, {samples}"])
    if not content.books.complete:
        print_lines([f"not complete: {content.books.shards_done:,} of {counted(content.books.shards_planned, 'shard')} are built"])
    print_errors(content.faults[:MAX_FAULTS])
    if len(content.faults) > MAX_FAULTS:
        print_errors([f"and {counted(len(content.faults) - MAX_FAULTS, 'file')} more that cannot be read"])
    return WRONG if content.faults else DONE


def output_file(text: str) -> Path:
    """Return the path of a file to write on this machine; refuse an address and the path of a folder."""
    if not text.strip() or "://" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is not the path of a file on this machine")
    path = Path(text)
    if path.is_dir() or text.endswith("/"):
        raise argparse.ArgumentTypeError(f"{text!r} is a folder, give the path of a file, such as {path / 'report.html'}")
    return path
