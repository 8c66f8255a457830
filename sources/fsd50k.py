"""Read clips from FSD50K (Fonseca et al., 2022): Freesound sounds of 0.3 to 30 s with labels of 200 classes.

Licence: CC per clip, CC-BY-4.0 for the labels. Needed: nothing, `FSD50K.ground_truth` and `FSD50K.metadata` of Zenodo record 4060432 are
fetched. Audio: the folders `FSD50K.dev_audio` and `FSD50K.eval_audio` in `path`, `audio_root` by the number of the sound, or Freesound.
Splits: train and valid as `dev.csv` says, and test, which is `eval.csv`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from annotated_types import MinLen
from pydantic import Strict

from pipeline.keys import stable_hash
from pipeline.records import Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card, Download, Need, Part
from sources.metadata.cells import text_of
from sources.metadata.file_hash import file_sha256
from sources.metadata.freesound_ids import page_of, recording_name, sound_number
from sources.metadata.fsd50k_labels import display_name, vocabulary_in
from sources.metadata.licenses import spdx
from sources.metadata.official_files import OfficialFile, OfficialTable, Record, audio_folder, audio_need, read_tables
from sources.metadata.options import DatasetName, SourceOptions

ZENODO = "https://zenodo.org/records/4060432/files"
GROUND_TRUTH = Download(f"{ZENODO}/FSD50K.ground_truth.zip?download=1", "FSD50K.ground_truth.zip", n_bytes=334_701)
METADATA = Download(
    f"{ZENODO}/FSD50K.metadata.zip?download=1",
    "FSD50K.metadata.zip",
    "9a738e032546f9a2c6e3d04566928d04a65fb79b422cc9d78bb781723537bd19",
    n_bytes=6_700_838,
)
STEP = "`plan` and `build` fetch it; or put {0} of Zenodo record 4060432 into `path`, unpacked or not"
NAMES = ("{1}/{0}", "*[Ff][Ss][Dd]50[Kk]*{0}")
OWN_NAMES = ("{2}/{0}", "{0}")


def _file(name: str, zipped: Download, what: str, is_required: bool = True) -> OfficialFile:
    folder = zipped.name.removesuffix(".zip")
    names, own = (
        tuple(each.format(name, folder, folder.removeprefix("FSD50K.")) for each in patterns)
        for patterns in (NAMES, (NAMES[0], *OWN_NAMES))
    )
    return OfficialFile(names, what, STEP.format(zipped.name), zipped, is_required, member=f"{folder}/{name}", own_names=own)


VOCABULARY = _file("vocabulary.csv", GROUND_TRUTH, "labels of the 200 classes")
TABLES = {part: _file(f"{part}.csv", GROUND_TRUTH, f"labels of the {part} set") for part in ("dev", "eval")}
DETAILS = {
    part: _file(f"{part}_clips_info_FSD50K.json", METADATA, f"title, author and licence of the {part} set", is_required=False)
    for part in ("dev", "eval")
}
AUDIO_STEP = "unpack FSD50K.{0}_audio.zip of Zenodo record 4060432 into `path`, or set audio_root; else Freesound is asked"
CARD = Card(
    title="FSD50K: Freesound sounds of 0.3 to 30 s, 200 classes",
    license="labels CC-BY-4.0; per clip CC0, CC-BY, CC-BY-NC or Sampling+",
    bring="nothing: the tables are fetched; audio unpacked in `path`, in `audio_root` by number, or from Freesound (a key)",
    text="a template over the labels",
    size="51,197 clips; 108.3 h",
    parts={"train": Part(36_796, 70.4), "valid": Part(4170, 10.0), "test": Part(10_231, 27.9)},
    faults="labels write `_` for a blank and `_and_` for a comma; sounds of ESC-50, UrbanSound8K and Clotho are among its clips",
)
SPLITS = {"train": "train", "val": "valid"}  # of dev.csv
MAX_DETAILS = 1 << 28  # bytes of a JSON file; the largest official one has 29 MB


class Options(SourceOptions):
    """Keys of an `fsd50k` entry: `path`, the folder of the unpacked archives, and the `splits` to read."""

    dataset: DatasetName = "fsd50k_class_label"
    path: str = "fsd50k"
    splits: Annotated[tuple[Literal["train", "valid", "test"], ...], Strict(False), MinLen(1)] = ("train", "valid", "test")

    @property
    def parts(self) -> tuple[str, ...]:
        """The official parts that hold the splits: dev, eval."""
        return (*(["dev"] if {"train", "valid"} & set(self.splits) else []), *(["eval"] if "test" in self.splits else []))


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every row of the splits and a rejection for every bad row.

    Raises:
        ValueError: a file is missing, or is another file.
    """
    labels = vocabulary_in(VOCABULARY.path(options, options.path))
    tables = [_table(part, options) for part in options.parts]
    details = {table.split: _details(part, options) for part, table in zip(options.parts, tables, strict=True)}
    roots = {table.split: _audio_root(part, options) for part, table in zip(options.parts, tables, strict=True)}

    def clip_of(table: OfficialTable, record: Record, number: int) -> Clip | None:
        split = _split(record)
        return _clip(record, split, labels, details[table.split], roots[table.split], number, options) if split in options.splits else None

    yield from read_tables(tables, options, clip_of)


def needs(options: Options) -> tuple[Need, ...]:
    """Return the tables, the details of clips, and the folders of audio."""
    listed = [VOCABULARY.need(options, options.path)]
    for part in options.parts:
        audio = audio_need(options, _audio_root(part, options), f"audio: FSD50K.{part}_audio", AUDIO_STEP.format(part), is_required=False)
        listed += [TABLES[part].need(options, options.path), DETAILS[part].need(options, options.path), audio]
    return tuple(listed)


def check(options: Options) -> None:
    """Raise ValueError when a table is missing, or is another table."""
    vocabulary_in(VOCABULARY.path(options, options.path))
    for part in options.parts:
        _table(part, options)
        _details(part, options)


def fingerprint(options: Options) -> str:
    """Return a hash of the content of all files, and of the folders of audio."""
    files = [VOCABULARY.path(options, options.path)]
    for part in options.parts:
        files += [path for file in (TABLES[part], DETAILS[part]) if (path := file.find(options, options.path)) is not None]
    return stable_hash(*map(file_sha256, files), *(_audio_root(part, options) or "" for part in options.parts))


def _table(part: str, options: Options) -> OfficialTable:
    """Return the table of a part. Only dev.csv has a column split, which tells the two apart."""
    file = TABLES[part]
    path = file.path(options, options.path)
    columns = file.columns(path, ("fname", "labels", "split") if part == "dev" else ("fname", "labels"), ("split",))
    if part == "eval" and "split" in columns:
        raise ValueError(f"{path}: there is a column split, as in dev.csv: is it eval.csv of FSD50K? If not, {file.step}")
    return OfficialTable(path, columns, "test" if part == "eval" else "train")


def _details(part: str, options: Options) -> Mapping[str, Any]:
    """Return the number of each sound -> its title, uploader and licence; nothing without the file.

    Raises:
        ValueError: it is another file.
    """
    file = DETAILS[part]
    path = file.find(options, options.path)
    if path is None:
        return {}
    try:
        if path.stat().st_size > MAX_DETAILS:
            raise ValueError(f"more than {MAX_DETAILS} bytes")
        details = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not the JSON of {file.official} ({str(error)[:200]}): {file.step}") from error
    if not isinstance(details, dict):
        raise ValueError(f"{path}: an object of clips by number is needed: is it {file.official}? If not, {file.step}")
    return details


def _audio_root(part: str, options: Options) -> str | None:
    return audio_folder(options, options.path, f"FSD50K.{part}_audio", f"{part}_audio")


def _split(record: Record) -> str:
    """Return the split of a row, or raise Rejected."""
    if "split" not in record:
        return "test"
    split = text_of(record["split"], "split")
    if split not in SPLITS:
        raise Rejected(Reason.BAD_ROW, f"split {split[:40]!r} is neither train nor val")
    return SPLITS[split]


def _clip(
    record: Record, split: str, labels: frozenset[str], details: Mapping[str, Any], root: str | None, number: int, options: Options
) -> Clip:
    """Return the clip of a row, or raise Rejected."""
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
        row_number=number,
    )
