"""A folder of recordings: text from `captions.csv`, from a side-car of the same stem, or from the parent folder's name.

In this order: `captions.csv` in the root (`file_name` and caption columns, and whatever else the source `table` knows);
`rain.json` (`caption` or `text`, `labels` or `tags`, and title, license, creator, split) or `rain.txt` (a caption a line)
beside `rain.wav`; the name of the folder that holds the file, as its label.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.records import Caption, Clip, Reason, Rejection
from sources import table
from sources.metadata.card import Card
from sources.metadata.licenses import spdx
from sources.metadata.options import SourceOptions, split_name

CARD = Card(
    title="a folder of recordings",
    license="per clip, in captions.csv or the side-car",
    bring="the folder (`root`)",
    text="captions.csv, a side-car .json or .txt, or the parent folder's name as a label",
)
SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("wav", "w64", "rf64", "flac", "ogg", "oga", "opus", "mp3", "mp2", "m4a", "mp4", "aac", "webm", "mka", "mkv"),
        *("aiff", "aif", "aifc", "au", "caf", "wma", "wv", "tta", "ac3", "amr"),
    )
)
CAPTIONS = "captions.csv"


class Options(SourceOptions):
    """Keys of a `folder` entry: its `root`, and the split that files without one belong to."""

    root: str
    split: str = "train"


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every recording below `root`, in the order of their paths; those in captions.csv come first.

    Raises:
        ValueError: `root` is no folder, or captions.csv cannot be read.
    """
    check(options)
    root = options.resolve(options.root)
    named: set[str] = set()
    if (root / CAPTIONS).is_file():
        for outcome in table.read(_captions_table(options), split_name(options.split)):
            named.add(outcome.url if isinstance(outcome, Clip) else outcome.clip.url)
            yield outcome
    for path in _recordings(root):
        url = table.located(path.relative_to(root).as_posix(), PurePosixPath(options.root))
        if url not in named:
            yield _clip_or_rejection(options, root, path, url)


def check(options: Options) -> None:
    """Raise ValueError when `root` is no folder, its captions.csv cannot be read, or the split is no name."""
    if not options.resolve(options.root).is_dir():
        raise ValueError(f"root = {options.root!r}: no such folder below {options.base}")
    split_name(options.split)
    if (options.resolve(options.root) / CAPTIONS).is_file():
        table.check(_captions_table(options))


def metadata(options: Options) -> list[Path]:
    """Return every file whose name or content decides what the clips are; recordings count by name."""
    root = options.resolve(options.root)
    recordings = _recordings(root)
    beside = {path.with_suffix(suffix) for path in recordings for suffix in (".json", ".txt")}
    return [*recordings, *(path for path in (root / CAPTIONS, *sorted(beside)) if path.is_file())]


def _recordings(root: Path) -> list[Path]:
    return [path for path in sorted(root.rglob("*")) if path.suffix.lower() in SUFFIXES and path.is_file()]


def _captions_table(options: Options) -> table.Options:
    """Return captions.csv as a table whose `file_name` column is the path and the id."""
    path = str(PurePosixPath(options.root) / CAPTIONS)
    return table.Options(source=options.source, dataset=options.dataset, base=options.base, path=path, url="file_name", id="file_name")


def _clip_or_rejection(options: Options, root: Path, path: Path, url: str) -> Clip | Rejection:
    clip_id = path.relative_to(root).as_posix()
    clip = Clip(options.source, options.dataset, split_name(options.split), clip_id, url, recording=url)
    try:
        told = _side_car(path)
        split = split_name(_text(told, "split") or options.split)
    except ValueError as error:
        return Rejection(clip, Reason.BAD_ROW, "read", str(error))
    captions = table.texts(told.get("caption", told.get("text")))
    labels = table.labels_of(told.get("labels", told.get("tags")))
    if not captions and not labels and path.parent != root:
        labels = [path.parent.name]
    return replace(
        clip,
        split=split,
        captions=tuple(map(Caption, captions)),
        labels=tuple(dict.fromkeys(labels)),
        title=_text(told, "title"),
        license=spdx(_text(told, "license")),
        creator=_text(told, "creator"),
    )


def _side_car(path: Path) -> dict[str, Any]:
    """Return what the side-car of a recording says; nothing where there is none.

    Raises:
        ValueError: the side-car is not UTF-8, or not a JSON object.
    """
    text, data = path.with_suffix(".txt"), path.with_suffix(".json")
    try:
        if data.is_file():
            told = json.loads(data.read_text(encoding="utf-8-sig"))
            if not isinstance(told, dict):
                raise ValueError(f"a JSON object is needed, not a {type(told).__name__}")
            return told
        return {"caption": text.read_text(encoding="utf-8-sig").splitlines()} if text.is_file() else {}
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{(data if data.is_file() else text).name}: {error}") from error


def _text(told: dict[str, Any], name: str) -> str | None:
    value = told.get(name)
    return str(value).strip() or None if value is not None else None
