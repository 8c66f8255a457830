"""Read clips from FSD50K (Fonseca et al., 2022): Freesound sounds of 0.3 to 30 s with labels of 200 classes.

Licence: CC per clip, CC-BY-4.0 for the labels. Needed: nothing, `FSD50K.ground_truth` and `FSD50K.metadata` of Zenodo record 4060432 are
fetched. Audio: the folders `FSD50K.dev_audio` and `FSD50K.eval_audio` in `path`, `audio_root` by the number of the sound, or Freesound.
Splits: train and valid as `dev.csv` says, and test, which is `eval.csv`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from pipeline.keys import stable_hash
from pipeline.records import Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card, Download, Kind, Need, Part
from sources.metadata.cells import text_of
from sources.metadata.freesound_ids import page_of, recording_name, sound_number
from sources.metadata.fsd50k_labels import display_name, vocabulary_in
from sources.metadata.licenses import spdx
from sources.metadata.needs import audio_folder, audio_need
from sources.metadata.official_files import OfficialFile, PartOptions, official_files, official_fingerprint, official_needs
from sources.metadata.official_rows import columns_of, outcomes, table_rows
from sources.metadata.options import DatasetName
from sources.metadata.row import Row

ZENODO = "https://zenodo.org/records/4060432/files"
GROUND_TRUTH = Download(f"{ZENODO}/FSD50K.ground_truth.zip?download=1", "FSD50K.ground_truth.zip", n_bytes=334_701)
METADATA = Download(
    f"{ZENODO}/FSD50K.metadata.zip?download=1",
    "FSD50K.metadata.zip",
    "9a738e032546f9a2c6e3d04566928d04a65fb79b422cc9d78bb781723537bd19",
    n_bytes=6_700_838,
)
STEP = "`plan` and `build` fetch it; or put {0} of Zenodo record 4060432 into `path`, unpacked or not"
PARTS = {"train": "dev", "valid": "dev", "test": "eval"}
"""Split -> official part that holds it."""


def _file(name: str, zipped: Download, what: str, part: str = "", is_required: bool = True) -> OfficialFile:
    folder = zipped.name.removesuffix(".zip")
    return OfficialFile(
        names=(f"{folder}/{name}", f"{folder.removeprefix('FSD50K.')}/{name}", name),
        distinct_names=(f"{folder}/{name}", f"*[Ff][Ss][Dd]50[Kk]*{name}"),
        step=STEP.format(zipped.name),
        download=zipped,
        what=what,
        part=part,
        is_required=is_required,
        member=f"{folder}/{name}",
    )


VOCABULARY = _file("vocabulary.csv", GROUND_TRUTH, "labels of the 200 classes")
TABLES = {split: _file(f"{part}.csv", GROUND_TRUTH, f"labels of the {part} set", split) for split, part in PARTS.items()}
DETAILS = {
    split: _file(f"{part}_clips_info_FSD50K.json", METADATA, f"title, author and licence of the {part} set", split, is_required=False)
    for split, part in PARTS.items()
}
AUDIO_STEP = "unpack FSD50K.{0}_audio.zip of Zenodo record 4060432 into `path`, or set audio_root; else Freesound is asked"
CARD = Card(
    kind=Kind.LABELS,
    title="FSD50K: Freesound sounds of 0.3 to 30 s, 200 classes",
    license="labels CC-BY-4.0; per clip CC0, CC-BY, CC-BY-NC or Sampling+",
    bring="nothing: the tables are fetched; audio unpacked in `path`, in `audio_root` by number, or from Freesound (a key)",
    text="a template over the labels",
    size="51,197 clips; 108.3 h",
    parts={"train": Part(36_796), "valid": Part(4_170), "test": Part(10_231)},
    hosts=("freesound.org",),
    faults="labels write `_` for a blank and `_and_` for a comma; sounds of ESC-50, UrbanSound8K and Clotho are among its clips",
)
SPLITS = {"train": "train", "val": "valid"}  # of dev.csv
EVAL_FIELDS = ("fname", "labels")
MAX_DETAILS = 1 << 28  # bytes of a JSON file; the largest official one has 29 MB


class Options(PartOptions):
    """Keys of an `fsd50k` entry: `path`, the folder of the unpacked archives, and the `splits` to read."""

    FILES: ClassVar[tuple[OfficialFile, ...]] = (VOCABULARY, *TABLES.values(), *DETAILS.values())

    dataset: DatasetName = "fsd50k_class_label"
    path: str = "fsd50k"


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every row of the splits and a rejection for every bad row.

    Raises:
        ValueError: a file is missing, or is another file.
    """
    files = official_files(options)
    labels = vocabulary_in(files[VOCABULARY])
    for split, path in _tables(files).items():
        _check_columns(split, path)
        details, root = _details(DETAILS[split], files), _audio_root(PARTS[split], options)
        clip_of = partial(_clip, labels=labels, details=details, root=root, options=options)
        yield from outcomes(path, table_rows(TABLES[split], path, _fields(split)), options, split, clip_of)


def needs(options: Options) -> tuple[Need, ...]:
    """Return the tables, the details of clips, and the folders of audio."""
    parts = dict.fromkeys(PARTS[split] for split in options.parts)
    audio = (
        audio_need(options, options.folder, _audio_folders(part), f"audio of the {part} set", AUDIO_STEP.format(part)) for part in parts
    )
    return *official_needs(options), *audio


def check(options: Options) -> None:
    """Raise ValueError when a table is missing, or is another table."""
    files = official_files(options)
    vocabulary_in(files[VOCABULARY])
    for split, path in _tables(files).items():
        _check_columns(split, path)
        _details(DETAILS[split], files)


def fingerprint(options: Options) -> str:
    """Return a hash of the content of all files, and of the folders of audio."""
    return stable_hash(official_fingerprint(options), *(_audio_root(part, options) or "" for part in ("dev", "eval")))


def _tables(files: Mapping[OfficialFile, Path]) -> dict[str, Path]:
    """Return split -> its table; train and valid have one, which is read once."""
    tables = {split: files[file] for split, file in TABLES.items() if file in files}
    return {split: path for split, path in tables.items() if split != "valid" or "train" not in tables}


def _check_columns(split: str, path: Path) -> None:
    """Raise ValueError when the table of a split lacks a column. Only dev.csv has a column split, which tells the two apart."""
    if split == "test" and "split" in columns_of(TABLES[split], path, EVAL_FIELDS, ("split",)):
        raise ValueError(f"{path}: there is a column split, as in dev.csv: is it eval.csv of FSD50K? If not, {TABLES[split].step}")
    columns_of(TABLES[split], path, _fields(split))


def _fields(split: str) -> tuple[str, ...]:
    return EVAL_FIELDS if split == "test" else (*EVAL_FIELDS, "split")


def _details(file: OfficialFile, files: Mapping[OfficialFile, Path]) -> Mapping[str, Any]:
    """Return the number of each sound -> its title, uploader and licence; nothing without the file.

    Raises:
        ValueError: it is another file.
    """
    if (path := files.get(file)) is None:
        return {}
    try:
        if path.stat().st_size > MAX_DETAILS:
            raise ValueError(f"more than {MAX_DETAILS} bytes")
        details = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not the JSON of {file.shown} ({str(error)[:200]}): {file.step}") from error
    if not isinstance(details, dict):
        raise ValueError(f"{path}: an object of clips by number is needed: is it {file.shown}? If not, {file.step}")
    return details


def _audio_folders(part: str) -> tuple[str, str]:
    return f"FSD50K.{part}_audio", f"{part}_audio"


def _audio_root(part: str, options: Options) -> str | None:
    return audio_folder(options, options.folder, *_audio_folders(part))


def _split(record: Mapping[str, Any]) -> str:
    """Return the split of a row, or raise Rejected."""
    if "split" not in record:
        return "test"
    split = text_of(record["split"], "split")
    if split not in SPLITS:
        raise Rejected(Reason.BAD_ROW, f"split {split[:40]!r} is neither train nor val")
    return SPLITS[split]


def _clip(row: Row, labels: frozenset[str], details: Mapping[str, Any], root: str | None, options: Options) -> Clip | None:
    """Return the clip of a row, `None` for a split that is not asked for, or raise Rejected."""
    record = row.values
    split = _split(record)
    if split not in options.parts:
        return None
    sound, given = sound_number(record["fname"], "fname"), text_of(record["labels"], "labels")
    names = list(dict.fromkeys(filter(None, map(str.strip, given.split(",")))))
    if unknown := [name for name in names if name not in labels]:
        raise Rejected(Reason.BAD_ROW, f"label {unknown[0][:40]!r} is not in vocabulary.csv")
    about = details.get(sound, {})
    if not isinstance(about, dict):
        raise Rejected(Reason.BAD_ROW, f"the details of sound {sound} are no object")
    return Clip(
        source=options.source,
        dataset=options.dataset,
        split=split,
        id=sound,
        url=page_of(sound),
        labels=tuple(map(display_name, names)),
        title=text_of(about.get("title"), "title") or None,
        license=spdx(text_of(about.get("license"), "license"), options.license_version_default),
        creator=text_of(about.get("uploader"), "uploader") or None,
        recording=recording_name(sound),
        audio_root=root,
        row_number=row.number,
    )
