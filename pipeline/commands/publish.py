"""Send a set to a dataset repository of the Hugging Face hub."""

from __future__ import annotations

import argparse

from pipeline.commands.options import FOLDER, add_verb, output_folder
from pipeline.failures import DONE, UsageError
from pipeline.report.terminal import print_json, print_lines, print_notes


def add(verbs: argparse._SubParsersAction) -> None:
    """Add the verb to the parser."""
    examples = ("data/my-sounds me/my-sounds --dry-run", "data/mine me/mine --licenses NOASSERTION --yes")
    text = "send a set to a dataset repository of the Hugging Face hub, with its papers; run again to go on. Nothing is sent without --yes"
    publish = add_verb(verbs, "publish", text, *examples)
    publish.add_argument("folder", metavar="DIR", type=output_folder, help=FOLDER)
    publish.add_argument("repository", metavar="REPO", help="name of the repository, OWNER/NAME; it is made, as a private one, if needed")
    publish.add_argument("--dry-run", action="store_true", help="print every file that would go; ask no host anything")
    publish.add_argument("--yes", action="store_true", help="send the files")
    text = (
        "licences that may go, as SPDX identifiers with commas between them, NOASSERTION for clips without one (default: those with which "
        "anybody may pass on a changed recording)"
    )
    publish.add_argument("--licenses", metavar="L[,L...]", type=_licenses, default=(), help=text)
    publish.add_argument("--prune", action="store_true", help="remove shards from the repository that are not in the set any more")
    publish.add_argument("--json", action="store_true", help="print the files as JSON")


def run(options: argparse.Namespace, _: tuple[str, ...], __: list[str]) -> int:
    """Send a set, or print what would go."""
    from pipeline.output.storage import Folder
    from pipeline.verbs.published_files import check_licenses, listing, published_files
    from pipeline.verbs.status import snapshot_of

    try:
        from huggingface_hub import HfApi

        from pipeline.verbs.publish import check_repository, publish
    except ModuleNotFoundError as error:
        raise UsageError("publish needs the package huggingface_hub: install laion-audio[publish]") from error
    check_repository(options.repository)
    snapshot = snapshot_of(Folder(options.folder))
    check_licenses(snapshot, options.licenses)
    files = published_files(snapshot, options.repository)
    if options.json:
        print_json({"repository": options.repository, "files": [{"name": file.name, "bytes": file.size} for file in files]})
    elif options.dry_run or not options.yes:
        print_lines(listing(files, options.repository))
    if options.dry_run:
        return DONE
    if not options.yes:
        raise UsageError("nothing was sent; --yes sends these files")
    print_notes([publish(snapshot.folder, files, options.repository, HfApi(), options.prune, lambda line: print_notes([line]))])
    return DONE


def _licenses(text: str) -> tuple[str, ...]:
    """Return the licences in a list with commas, as SPDX expressions; refuse what names no licence."""
    from sources.metadata.licenses import license_fault, spdx

    names = [part.strip() for part in text.split(",") if part.strip()]
    for name in names:
        if name != "NOASSERTION" and (fault := license_fault(name)):
            raise argparse.ArgumentTypeError(f"{name!r}: {fault}")
    if not names:
        raise argparse.ArgumentTypeError("no licence is given")
    return tuple(name if name == "NOASSERTION" else spdx(name) or name for name in names)
