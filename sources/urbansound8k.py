"""Read clips from UrbanSound8K (Salamon et al., 2014): slices of at most 4 s of Freesound sounds, one label of ten classes.

Licence: CC-BY-NC-3.0. Needed: `UrbanSound8K.csv`, and the slices, which are files of their own (`audio/fold1` to `audio/fold10` of the
archive); `FREESOUNDCREDITS.txt` names the authors, where it is there. `start` and `end` of the table are times in the sound on
Freesound, not in the slice, and are not read. Every clip is `test`: the set is for evaluation. Its fold is the last folder of its path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar

from pipeline.keys import stable_hash
from pipeline.records import Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card, Kind, Need, Part
from sources.metadata.cells import name_of, text_of
from sources.metadata.freesound_ids import recording_name, sound_number
from sources.metadata.needs import audio_need
from sources.metadata.official_files import OfficialFile, OfficialOptions, official_fingerprint, official_needs
from sources.metadata.official_rows import columns_of, outcomes, table_rows
from sources.metadata.options import DatasetName
from sources.metadata.row import Row
from sources.metadata.text_lines import lines_of, unreadable

STEP = "ask for UrbanSound8K on its page (a form) or take UrbanSound8K.tar.gz of Zenodo record 1203745, and unpack it"
TABLE = OfficialFile(
    distinct_names=(
        "metadata/UrbanSound8K.csv",
        "UrbanSound8K.csv",
        "UrbanSound8K/metadata/UrbanSound8K.csv",
        "*[Uu]rban[Ss]ound8[Kk]*.csv",
    ),
    what="table of slices",
    step=STEP,
)
CREDITS = OfficialFile(
    names=("FREESOUNDCREDITS.txt",),  # other sets have a file of this name
    distinct_names=("UrbanSound8K/FREESOUNDCREDITS.txt", "*[Uu]rban[Ss]ound8[Kk]*CREDITS.txt"),
    what="authors of the sounds",
    step=STEP,
    is_required=False,
)
CARD = Card(
    kind=Kind.LABELS,
    title="UrbanSound8K: slices of at most 4 s, 10 classes",
    license="CC-BY-NC-3.0",
    bring="the unpacked archive in `path`; or UrbanSound8K.csv in `path` and the slices in `audio_root`",
    text="a template over the label",
    size="8,732 slices of 1,297 Freesound sounds; 8.75 h",
    parts={"test": Part(8732, 8.75)},
    faults="slices of one sound are in one fold, but overlap: of one recording only the evaluation may be made, no training",
)
FIELDS = ("slice_file_name", "fsID", "fold", "class")
SLICE = re.compile(r"(\d+)-\d+-\d+-\d+\.\w+", re.ASCII)
CLASSES = frozenset({
    *("air_conditioner", "car_horn", "children_playing", "dog_bark", "drilling"),
    *("engine_idling", "gun_shot", "jackhammer", "siren", "street_music"),
})  # fmt: skip
N_FOLDS = 10
CREDIT = re.compile(r"(\d+) by (\S.*)", re.ASCII)


class Options(OfficialOptions):
    """Keys of an `urbansound8k` entry: `path`, the folder of the unpacked archive, or the table itself."""

    FILES: ClassVar[tuple[OfficialFile, ...]] = (TABLE, CREDITS)

    dataset: DatasetName = "UrbanSound8K"
    path: str = "urbansound8k"

    @property
    def paths_start_in(self) -> Path:
        """The folder of the archive."""
        return self.resolve(self.folder)


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every slice and a rejection for every bad row.

    Raises:
        ValueError: the table is missing, or is another table.
    """
    path = TABLE.path(options)
    clip_of = partial(_clip, below=_audio_below(options), authors=authors_in(CREDITS.find(options)), options=options)
    yield from outcomes(path, table_rows(TABLE, path, FIELDS), options, "test", clip_of)


def needs(options: Options) -> tuple[Need, ...]:
    """Return the table and the folder of slices."""
    slices = audio_need(options, options.folder, ("audio", "UrbanSound8K/audio"), "slices, fold1 to fold10", STEP, is_required=True)
    return *official_needs(options), slices


def check(options: Options) -> None:
    """Raise ValueError when the table is missing, or is another table."""
    columns_of(TABLE, TABLE.path(options), FIELDS)


def fingerprint(options: Options) -> str:
    """Return a hash of the content of the table and of the credits, and of the folder that paths of slices begin with."""
    return stable_hash(official_fingerprint(options), _audio_below(options))


def authors_in(path: Path | None) -> dict[str, str]:
    """Return the number of each sound -> its author, from the lines "100032 by nfrae"; other lines are left out."""
    matches = (CREDIT.fullmatch(line.strip()) for line in lines_of(path)) if path is not None else ()
    return {match[1]: match[2] for match in matches if match is not None and not unreadable(match[2])}


def _audio_below(options: Options) -> str:
    """Return the folder of the archive that holds the folds, relative to the recipe."""
    below = f"{options.folder}/UrbanSound8K/audio"
    return below if options.resolve(below).is_dir() else f"{options.folder}/audio"


def _clip(row: Row, below: str, authors: Mapping[str, str], options: Options) -> Clip:
    """Return the clip of a row, or raise Rejected."""
    record = row.values
    name, sound = name_of(record["slice_file_name"], "slice_file_name"), sound_number(record["fsID"], "fsID")
    match = SLICE.fullmatch(name)
    if match is None or match[1] != sound:
        raise Rejected(Reason.BAD_ROW, f"slice_file_name {name[:40]!r} is not the name of a slice of sound {sound}")
    fold, label = text_of(record["fold"], "fold"), text_of(record["class"], "class")
    if not (fold.isascii() and fold.isdigit() and 1 <= int(fold) <= N_FOLDS):
        raise Rejected(Reason.BAD_ROW, f"fold {fold[:40]!r} is not a number from 1 to {N_FOLDS}")
    if label not in CLASSES:
        raise Rejected(Reason.BAD_ROW, f"class {label[:40]!r} is none of the ten classes")
    return Clip(
        source=options.source,
        dataset=options.dataset,
        split="test",
        id=Path(name).stem,
        url=f"{below}/fold{int(fold)}/{name}",
        labels=(label.replace("_", " "),),
        license="CC-BY-NC-3.0",
        creator=authors.get(sound),
        recording=recording_name(sound),
        audio_root=options.audio_root,
        row_number=row.number,
    )
