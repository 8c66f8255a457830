"""Remove clips from a folder and from all its later plans."""

from __future__ import annotations

import argparse

from pipeline.commands.options import FOLDER, add_verb, output_folder
from pipeline.failures import DONE, WRONG
from pipeline.report.terminal import print_errors, print_json, print_lines


def add(verbs: argparse._SubParsersAction) -> None:
    """Add the verb to the parser."""
    examples = ("data/my-sounds --ids rain_01,Set/wind_2", "data/my-sounds --ids ids.txt --why 'the uploader asked for it' --dry-run")
    text = "remove clips from a folder and from all its later plans; only the shards that hold them are rewritten"
    remove = add_verb(verbs, "remove", text, *examples)
    remove.add_argument("folder", metavar="DIR", type=output_folder, help=FOLDER)
    text = (
        "ids or sample keys with commas between them, or a file with one a line; DATASET/ID where several datasets have an id; "
        "may be given several times, as the options below"
    )
    remove.add_argument("--ids", metavar="FILE|ID[,ID...]", action="append", default=[], help=text)
    for name, what in (
        ("creator", "all clips of a creator"),
        ("source", "all clips of a source or dataset"),
        ("url", "all clips with this address"),
        ("recording", "all clips of a recording, as the books name it, such as freesound:12345"),
    ):
        text = f"{what}; also those that come later"
        remove.add_argument(f"--{name}", metavar=name.upper(), action="append", default=[], help=text)
    remove.add_argument("--why", metavar="TEXT", default="", help="words that are kept in removed.parquet, beside the time")
    remove.add_argument("--dry-run", action="store_true", help="change nothing, list what would go")
    remove.add_argument("--json", action="store_true", help="print JSON for scripts")


def run(options: argparse.Namespace, _: tuple[str, ...], __: list[str]) -> int:
    """Remove clips from a folder and print what changed."""
    from pipeline.output.storage import Folder
    from pipeline.report.removed_lines import removed_lines
    from pipeline.verbs.removal_request import RemovalRequest
    from pipeline.verbs.remove import remove, what_would_go

    request = RemovalRequest.of(options.ids, options.creator, options.source, options.url, options.recording)
    folder = Folder(options.folder)
    outcome = what_would_go(request, folder) if options.dry_run else remove(request, folder, options.why)
    if options.json:
        print_json(outcome.to_json() | {"dry_run": options.dry_run})
    else:
        print_lines(removed_lines(outcome, options.dry_run))
    damaged = outcome.finished.damaged
    print_errors(f"{shard}: damaged, so it still holds removed clips; run build, which makes it again without them" for shard in damaged)
    return WRONG if damaged else DONE
