"""Read clips from SoundDescs (Koepke et al., 2022): sounds of the BBC's archive with their descriptions, in published splits.

Licence: RemArc. Needed: the descriptions as csv (`id,description`) or JSON (`{"id": "description"}`), and the lists of the splits, which
are fetched where they are missing. SoundDescs publishes its descriptions as pickle files. A pickle file is a program, so it is never opened
here: docs/sources.md shows how to export it. Audio: `audio_root` by id, or the archives of the BBC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar

import ijson

from pipeline.records import Caption, Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card, Download, Kind, Part
from sources.metadata.cells import name_of, split_texts, text_of
from sources.metadata.official_files import (
    OfficialFile,
    PartOptions,
    files_of_parts,
    official_files,
    official_fingerprint,
    official_needs,
)
from sources.metadata.official_rows import outcomes, table_rows
from sources.metadata.options import DatasetName
from sources.metadata.row import Row
from sources.metadata.text_lines import lines_of

CARD = Card(
    kind=Kind.TITLES,
    title="SoundDescs: the BBC's sounds with descriptions, in splits",
    license="RemArc: personal, educational and research use, not commercial",
    bring="the descriptions as csv or JSON, exported from descriptions.pkl by yourself; the lists of the splits are fetched",
    text="the description",
    size="32,979 sounds",
    parts={"train": Part(23_085, 743.0), "valid": Part(4_947, 159.0), "test": Part(4_947, 158.0)},
    faults="published as pickle files, which are code; the same sounds are in bbc, and in WavCaps' BBC_Sound_Effects",
    hosts=("sound-effects-media.bbcrewind.co.uk",),
)
COMMIT = "55dce738ebe3e3e9fe700d3f439ce41c4d27faec"
CHECKSUMS = {
    "train": ("cd4221963a4d4d313ac7215443e53f1daedf8fe6f7feccbc3639b9a47d6a7fe4", 243_276),
    "val": ("5c3c4018cdb590be13fda2f60e172ed3b79c9bf041bcde923000b4a011a841b4", 52_152),
    "test": ("68f9fc580d3483dcb311095b008007e443ae690c7e51fc3fdd50194d17d90716", 51_904),
}
COLUMNS = ("id", "description")
BBC_ID = re.compile(r"[A-Za-z0-9]{1,40}", re.ASCII)


DESCRIPTIONS = OfficialFile(
    names=("descriptions.csv", "descriptions.json"),
    distinct_names=("sounddescs.csv", "sounddescs.json", "sounddescs_descriptions.csv", "sounddescs_descriptions.json"),
    step="export descriptions.pkl of SoundDescs as JSON, as docs/sources.md shows: pickle files are code and are not opened here",
    what="descriptions with columns id and description",
)


def _list(part: str, name: str) -> OfficialFile:
    address = f"https://raw.githubusercontent.com/akoepke/audio-retrieval-benchmark/{COMMIT}/data/SoundDescs/{name}_list.txt"
    return OfficialFile(
        names=(f"{name}_list.txt",),
        distinct_names=(f"sounddescs_{name}_list.txt",),
        step=f"download {address}",
        download=Download(address, f"sounddescs_{name}_list.txt", *CHECKSUMS[name]),
        part=part,
    )


class Options(PartOptions):
    """Keys of a `sounddescs` entry: `path`, the folder of the files, and `splits`, those that are read."""

    FILES: ClassVar[tuple[OfficialFile, ...]] = (
        DESCRIPTIONS,
        _list("train", "train"),
        _list("valid", "val"),
        _list("test", "test"),
    )

    dataset: DatasetName = "SoundDescs"
    path: str = "sounddescs"


needs = official_needs


def check(options: Options) -> None:
    """Raise ValueError when a file is missing or cannot be read."""
    _descriptions(official_files(options)[DESCRIPTIONS])


fingerprint = official_fingerprint


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every id in the lists of the splits, and a rejection for an id that is none or has no description.

    Raises:
        ValueError: a file is missing or cannot be read.
    """
    files = official_files(options)
    descriptions = _descriptions(files[DESCRIPTIONS])
    for file, path in files_of_parts(files):
        rows = (Row(number, {"id": line.strip()}) for number, line in enumerate(lines_of(path), 1))
        yield from outcomes(path, rows, options, file.part, partial(_clip, descriptions=descriptions, split=file.part, options=options))


def _descriptions(path: Path) -> dict[str, list[str]]:
    """Return id, in capital letters -> its descriptions. A row that cannot be read has none.

    Raises:
        ValueError: the table lacks a column, or is no JSON object.
    """
    descriptions: dict[str, list[str]] = {}
    for key, value in _pairs(path):
        try:
            texts = [text_of(item, "description") for item in value] if isinstance(value, list) else split_texts([value], "description")
            descriptions.setdefault(name_of(key, "id").upper(), []).extend(filter(None, texts))
        except Rejected:
            continue
    if not descriptions:
        raise ValueError(f"{path}: there is no description in it; is it an export of SoundDescs' descriptions.pkl?")
    return descriptions


def _pairs(path: Path) -> Iterator[tuple[object, object]]:
    """Yield (id, description) of a csv table or of a JSON object."""
    if path.suffix.lower() != ".json":
        rows = table_rows(DESCRIPTIONS, path, COLUMNS)
        yield from ((row.values["id"], row.values["description"]) for row in rows if not row.fault)
        return
    with path.open("rb") as file:
        try:
            yield from ijson.kvitems(file, "", use_float=True)
        except ijson.JSONError as error:
            raise ValueError(f"{path}: not a JSON object of ids and descriptions: {' '.join(str(error).split())[:200]}") from error


def _clip(row: Row, descriptions: Mapping[str, list[str]], split: str, options: Options) -> Clip:
    """Return the clip of a line of a list, or raise Rejected."""
    bbc_id = row.values["id"].upper()
    if not BBC_ID.fullmatch(bbc_id):
        raise Rejected(Reason.BAD_ROW, f"{row.values['id'][:40]!r} is not the id of a sound of the BBC")
    if not descriptions.get(bbc_id):
        raise Rejected(Reason.NO_TEXT, f"{bbc_id} has no description")
    return Clip(
        source=options.source,
        dataset=options.dataset,
        split=split,
        id=bbc_id,
        url=f"https://sound-effects-media.bbcrewind.co.uk/zip/{bbc_id}.wav.zip",
        captions=tuple(Caption(text, "description") for text in descriptions[bbc_id]),
        license="RemArc",
        creator="BBC",
        recording=f"bbc:{bbc_id}",
        audio_root=options.audio_root,
        row_number=row.number,
    )
