"""Write the page of a report completely or not at all."""

from __future__ import annotations

from pathlib import Path

from pipeline.output.disk import flush
from pipeline.output.layout import REPORT
from pipeline.output.storage import Folder


def write_report(page: bytes, folder: Folder, output: Path | None) -> str:
    """Write a page to a file of this machine, or as report.html into its folder; return where it is.

    On a disk nothing but the file itself is touched: a build may be at work in the folder.
    """
    if output is None and not folder.is_local:
        folder.write(REPORT, page)
        return f"{folder.root.rstrip('/')}/{REPORT}"
    path = output or Path(folder.path(REPORT))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(page)
    flush(part)
    part.replace(path)
    return str(path)
