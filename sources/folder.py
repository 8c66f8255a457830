"""Read clips from a folder of recordings, with text from `captions.csv`, from side-car files or from names of folders.

The first text that exists is used: `captions.csv` in the root (`file_name`, caption columns, and the other columns of the
source `table`); `rain.json` (`caption` or `text`, `labels` or `tags`, and title, license, creator, split) or `rain.txt`
(one caption a line) beside `rain.wav`; the name of the folder that holds the file, as its label.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.keys import stable_hash
from pipeline.records import Caption, Clip, Reason, Rejected, Rejection
from sources import table
from sources.metadata.card import Card
from sources.metadata.cells import resolve_url, split_labels, split_texts, text_of
from sources.metadata.file_hash import file_sha256
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
    """Keys of a `folder` entry: its `root`, the `split` of files that name no split, and two keys of a `table` entry."""

    root: str
    split: str = "train"
    label_separator: table.Separator | None = None
    ignore_columns: table.ColumnNames = ()


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every row of captions.csv, then for every other recording below `root`, sorted by path.

    Raises:
        ValueError: `root` is not a folder, or captions.csv cannot be read.
    """
    check(options)
    root = options.resolve(options.root)
    urls: set[str] = set()
    if (root / CAPTIONS).is_file():
        for outcome in table.read(_captions_table(options), split_name(options.split)):
            urls.add(outcome.url if isinstance(outcome, Clip) else outcome.clip.url)
            yield outcome
    for path in _recordings(root):
        url = resolve_url(path.relative_to(root).as_posix(), PurePosixPath(options.root))
        if url not in urls:
            yield _clip_or_rejection(options, root, path, url)


def check(options: Options) -> None:
    """Raise ValueError when `root` is not a folder, its captions.csv cannot be read, or `split` is not a valid name."""
    if not options.resolve(options.root).is_dir():
        raise ValueError(f"root = {options.root!r}: no such folder below {options.base}")
    split_name(options.split)
    if (options.resolve(options.root) / CAPTIONS).is_file():
        table.check(_captions_table(options))


def fingerprint(options: Options) -> str:
    """Return a hash of the paths of all recordings below `root`, and of the content of captions.csv and the side-cars."""
    root = options.resolve(options.root)
    recordings = _recordings(root)
    side_cars = {path.with_suffix(suffix) for path in recordings for suffix in (".json", ".txt")}
    texts = [path for path in (root / CAPTIONS, *sorted(side_cars)) if path.is_file()]
    names = (path.relative_to(root).as_posix() for path in (*recordings, *texts))
    return stable_hash(*names, *map(file_sha256, texts))


def _recordings(root: Path) -> list[Path]:
    """Return the paths of all audio files below a folder, sorted."""
    return [path for path in sorted(root.rglob("*")) if path.suffix.lower() in SUFFIXES and path.is_file()]


def _captions_table(options: Options) -> table.Options:
    """Return captions.csv as a table whose `file_name` column is the path and the id."""
    path = str(PurePosixPath(options.root) / CAPTIONS)
    return table.Options(
        source=options.source,
        dataset=options.dataset,
        base=options.base,
        path=path,
        url="file_name",
        id="file_name",
        label_separator=options.label_separator,
        ignore_columns=options.ignore_columns,
    )


def _clip_or_rejection(options: Options, root: Path, path: Path, url: str) -> Clip | Rejection:
    """Return the clip of a recording at `path`; a rejection when its side-car is broken."""
    clip_id = path.relative_to(root).as_posix()
    clip = Clip(options.source, options.dataset, split_name(options.split), clip_id, url, recording=url)
    try:
        side_car = _side_car(path)
        title, license_name, creator, split = (text_of(side_car.get(name), name) for name in ("title", "license", "creator", "split"))
        captions = split_texts(side_car.get("caption", side_car.get("text")), "caption")
        labels = split_labels(side_car.get("labels", side_car.get("tags")), "labels", options.label_separator)
        split = split_name(split or options.split)
    except Rejected as rejected:
        return Rejection(clip, rejected.reason, "read", rejected.detail)
    except ValueError as error:
        return Rejection(clip, Reason.BAD_ROW, "read", str(error))
    if not captions and not labels and path.parent != root:
        labels = [path.parent.name]
    return replace(
        clip,
        split=split,
        captions=tuple(map(Caption, captions)),
        labels=tuple(dict.fromkeys(labels)),
        title=title or None,
        license=spdx(license_name),
        creator=creator or None,
    )


def _side_car(path: Path) -> dict[str, Any]:
    """Return the fields in the side-car of a recording: the .json file, else the .txt file, else nothing.

    Raises:
        ValueError: the side-car is not UTF-8, or not a JSON object.
    """
    text, data = path.with_suffix(".txt"), path.with_suffix(".json")
    try:
        if data.is_file():
            fields = json.loads(data.read_text(encoding="utf-8-sig"))
            if not isinstance(fields, dict):
                raise ValueError(f"a JSON object is needed, not a {type(fields).__name__}")
            return fields
        return {"caption": text.read_text(encoding="utf-8-sig").splitlines()} if text.is_file() else {}
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{(data if data.is_file() else text).name}: {error}") from error
