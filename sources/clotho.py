"""Read clips from Clotho (Drossos et al., 2020): excerpts of 15-30 s of Freesound sounds, with five captions by people each.

Licence: non-commercial research for the captions; CC per sound, as the metadata says. Needed: `clotho_captions_*.csv` and
`clotho_metadata_*.csv`, which are fetched where they are missing, and the audio of `clotho_audio_*.7z` in `audio_root`. Freesound has the
full sounds only, and no table says reliably which part of a sound a clip is, so nothing is fetched from there. Splits: development is
train, validation is valid, and evaluation is test; a script of the reference set had exchanged the last two.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pipeline.records import Caption, Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card, Download, Kind, Need, Part
from sources.metadata.cells import name_of, text_of
from sources.metadata.clotho_sounds import ClothoSound, clotho_sounds
from sources.metadata.needs import audio_need
from sources.metadata.official_files import OfficialFile, PartOptions, official_files, official_fingerprint, official_needs
from sources.metadata.official_rows import good, rejection
from sources.metadata.options import DatasetName
from sources.metadata.row import Row
from sources.metadata.rows import check_rows, columns_present, read_rows

CARD = Card(
    kind=Kind.PEOPLE,
    title="Clotho 2.1: excerpts of Freesound with five captions by people",
    license="captions for non-commercial research; audio CC, per sound",
    bring="the audio: clotho_audio_*.7z of Zenodo record 4783391, or their folders, in `audio_root`; the tables are fetched",
    text="the five captions",
    size="5,929 excerpts of 15-30 s",
    parts={"train": Part(3_839), "valid": Part(1_045), "test": Part(1_045)},
    faults='metadata is latin-1, and some sounds have no sound_id ("Not found"); five sounds are in two splits; ESC-50, UrbanSound8K and '
    "FSD50K share sounds with it",
)
FOLDERS = {"train": "development", "valid": "validation", "test": "evaluation"}  # official name of each split, and of its folder of audio
CAPTIONS = tuple(f"caption_{number}" for number in range(1, 6))
WIDE = ("file_name", *CAPTIONS)  # one row a clip
LONG = ("fname", "raw_text")  # one row a caption, as others published it; a column `text` holds it without case and punctuation
N_CAPTIONS = len(CAPTIONS)
RECORD = "https://zenodo.org/records/4783391/files"


def _files(part: str, folder: str) -> tuple[OfficialFile, OfficialFile]:
    captions, metadata = f"clotho_captions_{folder}.csv", f"clotho_metadata_{folder}.csv"
    return (
        OfficialFile(
            distinct_names=(captions, f"clotho_{folder}_captions.csv"),
            step=f"download {RECORD}/{captions}",
            download=Download(f"{RECORD}/{captions}?download=1", captions),
            part=part,
        ),
        OfficialFile(
            distinct_names=(metadata, f"clotho_{folder}_metadata.csv"),
            step=f"download {RECORD}/{metadata}",
            download=Download(f"{RECORD}/{metadata}?download=1", metadata),
            part=part,
            is_required=False,
        ),
    )


class Options(PartOptions):
    """Keys of a `clotho` entry: `path`, the folder of the tables, `splits`, those that are read, and `audio_root`, by default `path`."""

    FILES: ClassVar[tuple[OfficialFile, ...]] = tuple(file for part, folder in FOLDERS.items() for file in _files(part, folder))

    dataset: DatasetName = "Clotho"
    path: str = "clotho"


def needs(options: Options) -> tuple[Need, ...]:
    """Return the tables that an entry reads, and the audio."""
    folders = tuple(FOLDERS[part] for part in options.parts)
    step = "unpack clotho_audio_*.7z of https://zenodo.org/records/4783391 there, or name their folder or archive as audio_root"
    return *official_needs(options), audio_need(options, options.folder, folders, "audio, which is not fetched", step, is_required=True)


def check(options: Options) -> None:
    """Raise ValueError when a table is missing, is another table, or cannot be read to its end."""
    for part, (captions, metadata) in _tables(options).items():
        columns = _columns(captions, part)
        check_rows(captions, columns, columns)
        if metadata is not None:
            clotho_sounds(metadata)


fingerprint = official_fingerprint


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every file that has five captions, and a rejection for every other file and every row that cannot be read.

    Raises:
        ValueError: a table is missing, is another table, or cannot be read to its end.
    """
    for part, (captions, metadata) in _tables(options).items():
        sounds = clotho_sounds(metadata) if metadata is not None else {}
        yield from _clips(captions, sounds, part, options)


def _tables(options: Options) -> dict[str, tuple[Path, Path | None]]:
    """Return (captions, metadata or `None`) of each split that is read."""
    tables: dict[str, tuple[Path, Path | None]] = {}
    for file, path in official_files(options).items():  # captions stand before metadata
        tables[file.part] = (path, None) if file.is_required else (tables[file.part][0], path)
    return tables


def _columns(path: Path, part: str) -> tuple[str, ...]:
    """Return the columns of captions that a table has.

    Raises:
        ValueError: it has neither form of them.
    """
    present = columns_present(path)
    for columns in (WIDE, LONG):
        if set(columns) <= set(present):
            return columns
    official = f"Clotho's clotho_captions_{FOLDERS[part]}.csv, with {', '.join(WIDE)}"
    raise ValueError(f"{path}: there are columns {', '.join(present)[:200]}; is it {official}?")


def _clips(path: Path, sounds: dict[str, ClothoSound], split: str, options: Options) -> Iterator[Clip | Rejection]:
    """Yield the outcomes of a table; a clip stands where its first row is."""
    columns = _columns(path, split)
    first_rows: dict[str, int] = {}
    captions: dict[str, list[Caption]] = {}
    for row in read_rows(path, columns):
        try:
            name, texts = _cells(good(row), columns)
        except Rejected as rejected:
            yield rejection(path, row.number, options, split, rejected)
            continue
        first_rows.setdefault(name, row.number)
        captions.setdefault(name, []).extend(map(Caption, texts))
    for name, number in first_rows.items():
        if len(captions[name]) == N_CAPTIONS:
            yield _clip(name, tuple(captions[name]), sounds.get(_folded(name)), split, number, options)
        else:
            fault = Rejected(Reason.BAD_ROW, f"file {name[:80]!r} has {len(captions[name])} captions, in Clotho each has {N_CAPTIONS}")
            yield rejection(path, number, options, split, fault)


def _cells(row: Row, columns: tuple[str, ...]) -> tuple[str, list[str]]:
    """Return (file name, captions) of a row, or raise Rejected."""
    name, *texts = (
        name_of(row.values[column], column) if column == columns[0] else text_of(row.values[column], column) for column in columns
    )
    if not name or name.startswith("/") or ".." in name.split("/"):
        raise Rejected(Reason.BAD_ROW, f"{columns[0]} {name[:40]!r} is not the name of a file")
    if not all(texts):
        raise Rejected(Reason.BAD_ROW, f"{columns[1:][texts.index('')]} is empty")
    return name, texts


def _clip(name: str, captions: tuple[Caption, ...], sound: ClothoSound | None, split: str, number: int, options: Options) -> Clip:
    file = f"{FOLDERS[split]}/{name}"  # a name may stand in two splits
    return Clip(
        source=options.source,
        dataset=options.dataset,
        split=split,
        id=file,
        url=file,
        captions=captions,
        labels=sound.keywords if sound else (),
        title=Path(name).stem,
        license=sound.license if sound else None,
        creator=sound.creator if sound else None,
        recording=f"freesound:{sound.freesound_id}" if sound and sound.freesound_id else f"{options.dataset}:{file}",
        audio_root=options.audio_root or options.folder,
        row_number=number,
    )


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip()
