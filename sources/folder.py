"""Read clips from a folder of recordings, with text from `captions.csv`, from side-car files or from names of folders.

The first text that exists is used: `captions.csv` in the root (`file_name`, caption columns, and the other columns of the
source `table`); `rain.json` (`caption` or `text`, `labels` or `tags`, and title, license, creator, split) or `rain.txt`
(one caption a line) beside `rain.wav`; the name of the folder that holds the file, as its label.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.keys import stable_hash
from pipeline.records import Caption, Clip, Reason, Rejected, Rejection
from sources import table
from sources.metadata.card import Card, Need
from sources.metadata.cells import split_labels, split_texts, text_of
from sources.metadata.file_hash import file_sha256
from sources.metadata.file_names import FileNames
from sources.metadata.folder_files import FolderFiles, list_folder
from sources.metadata.identity import recording_of_file
from sources.metadata.licenses import spdx
from sources.metadata.local_paths import ADDRESS
from sources.metadata.needs import file_need
from sources.metadata.options import SourceOptions, split_name
from sources.metadata.recording_names import is_recording, may_be_recording
from sources.metadata.side_cars import side_cars
from sources.metadata.store_files import address_of

CARD = Card(
    title="a folder of recordings",
    license="per clip, in captions.csv or the side-car",
    bring="the folder (`root`)",
    text="captions.csv, a side-car .json or .txt, or the parent folder's name as a label",
)
CAPTIONS = "captions.csv"
NOT_IN_STORES = (
    "a folder of recordings is read from this machine, and this one is in an object store; "
    'list its files with their texts in a table, as source = "table", and name the folder as audio_root'
)


class Options(SourceOptions):
    """Keys of a `folder` entry: its `root`, the `split` of files that name no split, and two keys of a `table` entry."""

    root: str
    split: str = "train"
    label_separator: table.Separator | None = None
    ignore_columns: table.ColumnNames = ()

    @property
    def paths_start_in(self) -> Path:
        """The folder of recordings."""
        return self.resolve(self.root)


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every row of captions.csv, then for every other recording below `root`, sorted by path.

    A row of captions.csv means the file with its exact name, or the only file whose path ends like it: see `FileNames`.

    Raises:
        ValueError: `root` is not a folder, or captions.csv cannot be read.
    """
    check(options)
    root, recordings = options.resolve(options.root), _recordings(options)
    texts = side_cars(_files(options).names, recordings)
    rows: set[str] = set()
    if (root / CAPTIONS).is_file():
        names = FileNames(recordings, has_sound=may_be_recording)
        for outcome in table.read(_captions_table(options), split_name(options.split)):
            result = _of_the_file(outcome, names, options)
            rows.update(result[1])
            yield result[0]
    for name in recordings:
        if name not in rows:
            yield _clip_or_rejection(options, root, name, texts.get(name))


def _of_the_file(outcome: Clip | Rejection, names: FileNames, options: Options) -> tuple[Clip | Rejection, Sequence[str]]:
    """Return the outcome of a row of captions.csv for the file that it means, and the names of the files that are meant."""
    clip = outcome if isinstance(outcome, Clip) else outcome.clip
    given = os.path.relpath(clip.url, os.path.normpath(options.root)) if clip.url and not ADDRESS.match(clip.url) else None
    if given is None or given in names.names or (options.resolve(options.root) / given).is_file():
        return outcome, [given] if given else []
    try:
        result = names.find(given)
    except Rejected as rejected:
        return Rejection(clip, rejected.reason, "read", rejected.detail), names.alike(given)
    if result is None:
        return outcome, []
    url = _url(options, result)
    clip = replace(clip, url=url, recording=recording_of_file(url) or url)
    return (clip if isinstance(outcome, Clip) else replace(outcome, clip=clip)), [result]


def needs(options: Options) -> tuple[Need, ...]:
    """Return the files that an entry needs."""
    return (file_need(options, options.root, "folder of recordings", "name an existing folder"),)


def check(options: Options) -> None:
    """Raise ValueError when `root` is not a folder, its captions.csv cannot be read, or `split` is not a valid name."""
    if address_of(options.resolve(options.root)) is not None:
        raise ValueError(f"root = {options.root!r}: {NOT_IN_STORES}")
    if not options.resolve(options.root).is_dir():
        raise ValueError(f"root = {options.root!r}: no such folder below {options.base}")
    split_name(options.split)
    if (options.resolve(options.root) / CAPTIONS).is_file():
        table.check(_captions_table(options))


def fingerprint(options: Options) -> str:
    """Return a hash of the paths of all recordings below `root`, and of the content of captions.csv and the side-cars."""
    root, recordings = options.resolve(options.root), _recordings(options)
    texts = [CAPTIONS] if (root / CAPTIONS).is_file() else []
    texts += sorted(side_cars(_files(options).names, recordings).values())
    return stable_hash(*recordings, *texts, *(file_sha256(root / name) for name in texts))


def left_out(options: Options) -> list[tuple[str, str]]:
    """Return the files below `root` that are no recordings, and links that are not followed, as (path, why); `why` is empty for a file.

    captions.csv and side-cars are not left out: they are read.
    """
    files, recordings = _files(options), _recordings(options)
    read_too = {CAPTIONS, *recordings, *side_cars(files.names, recordings).values()}
    return [(name, "") for name in files.names if name not in read_too] + list(files.left_out)


def _files(options: Options) -> FolderFiles:
    return list_folder(options.resolve(options.root), options.allowed_folders)


def _recordings(options: Options) -> list[str]:
    """Return the paths of all recordings below `root`, relative to it, sorted by their components."""
    root = options.resolve(options.root)
    return sorted((name for name in _files(options).names if is_recording(root / name, name)), key=lambda name: name.split("/"))


def _url(options: Options, name: str) -> str:
    return os.path.normpath(f"{options.root}/{name}")


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
        license_version_default=options.license_version_default,
    )


def _clip_or_rejection(options: Options, root: Path, name: str, text: str | None) -> Clip | Rejection:
    """Return the clip of a recording; a rejection when its side-car `text` is broken."""
    url = _url(options, name)
    clip = Clip(options.source, options.dataset, split_name(options.split), name, url, recording=recording_of_file(url) or url)
    try:
        side_car = _side_car(root / text) if text else {}
        title, license_name, creator, split = (text_of(side_car.get(field), field) for field in ("title", "license", "creator", "split"))
        captions = split_texts(side_car.get("caption", side_car.get("text")), "caption")
        labels = split_labels(side_car.get("labels", side_car.get("tags")), "labels", options.label_separator)
        license = spdx(license_name, options.license_version_default)
        split = split_name(split or options.split)
    except Rejected as rejected:
        return Rejection(clip, rejected.reason, "read", rejected.detail)
    except ValueError as error:
        return Rejection(clip, Reason.BAD_ROW, "read", str(error))
    if not captions and not labels and "/" in name:
        labels = [PurePosixPath(name).parent.name]
    return replace(
        clip,
        split=split,
        captions=tuple(map(Caption, captions)),
        labels=tuple(dict.fromkeys(labels)),
        title=title or None,
        license=license,
        creator=creator or None,
    )


def _side_car(path: Path) -> dict[str, Any]:
    """Return the fields in a side-car: a JSON object, or the lines of a text as captions.

    Raises:
        ValueError: the side-car is not UTF-8, or not a JSON object.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".txt":
            return {"caption": text.splitlines()}
        fields = json.loads(text)
        if not isinstance(fields, dict):
            raise ValueError(f"a JSON object is needed, not a {type(fields).__name__}")
        return fields
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name}: {error}") from error
