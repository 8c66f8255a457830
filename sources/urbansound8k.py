"""Read clips from UrbanSound8K (Salamon et al., 2014): slices of at most 4 s of Freesound sounds, one label of ten classes.

Licence: CC-BY-NC-3.0. Needed: `UrbanSound8K.csv`, and the slices, which are files of their own (`audio/fold1` to `audio/fold10` of the
archive); `FREESOUNDCREDITS.txt` names the authors, where it is there. `start` and `end` of the table are times in the sound on
Freesound, not in the slice, and are not read. Every clip is `test`: the set is for evaluation. Its fold is the last folder of its path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.keys import stable_hash
from pipeline.records import Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card, Need, Part
from sources.metadata.cells import name_of, text_of
from sources.metadata.file_hash import file_sha256
from sources.metadata.freesound_ids import recording_name, sound_number
from sources.metadata.official_files import OfficialFile, OfficialTable, Record, audio_folder, audio_need, read_tables
from sources.metadata.options import DatasetName, SourceOptions
from sources.metadata.text_lines import lines_of, unreadable

STEP = "ask for UrbanSound8K on its page (a form) or take UrbanSound8K.tar.gz of Zenodo record 1203745, and unpack it"
TABLE = OfficialFile(
    ("metadata/UrbanSound8K.csv", "UrbanSound8K.csv", "UrbanSound8K/metadata/UrbanSound8K.csv", "*[Uu]rban[Ss]ound8[Kk]*.csv"),
    "table of slices",
    STEP,
    is_only=True,
)
CREDITS = OfficialFile(
    ("UrbanSound8K/FREESOUNDCREDITS.txt", "*[Uu]rban[Ss]ound8[Kk]*CREDITS.txt"),
    "authors of the sounds",
    STEP,
    is_required=False,
    own_names=("FREESOUNDCREDITS.txt",),  # other sets have a file of this name
)
CARD = Card(
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


class Options(SourceOptions):
    """Keys of an `urbansound8k` entry: `path`, the folder of the unpacked archive, or the table itself."""

    dataset: DatasetName = "UrbanSound8K"
    path: str = "urbansound8k"

    @property
    def folder(self) -> str:
        """The folder that the slices are looked for in, relative to the recipe."""
        return self.path if not self.resolve(self.path).is_file() else str(Path(self.path).parent)

    @property
    def paths_start_in(self) -> Path:
        """The folder of the archive."""
        return self.resolve(self.folder)


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every slice and a rejection for every bad row.

    Raises:
        ValueError: the table is missing, or is another table.
    """
    path = TABLE.path(options, options.path)
    table = OfficialTable(path, TABLE.columns(path, FIELDS), "test")
    below, authors = _audio_below(options), authors_in(CREDITS.find(options, options.folder))
    yield from read_tables([table], options, lambda table, record, number: _clip(record, number, below, authors, options))


def needs(options: Options) -> tuple[Need, ...]:
    """Return the table and the folder of slices."""
    root = audio_folder(options, options.folder, "audio", "UrbanSound8K/audio")
    audio = audio_need(options, root, "slices: audio/fold1 to audio/fold10", STEP, is_required=True)
    return TABLE.need(options, options.path), audio, CREDITS.need(options, options.folder)


def check(options: Options) -> None:
    """Raise ValueError when the table is missing, or is another table."""
    TABLE.columns(TABLE.path(options, options.path), FIELDS)


def fingerprint(options: Options) -> str:
    """Return a hash of the content of the table and of the credits, and of the folder that paths of slices begin with."""
    files = (TABLE.path(options, options.path), CREDITS.find(options, options.folder))
    return stable_hash(*(file_sha256(path) for path in files if path is not None), _audio_below(options))


def authors_in(path: Path | None) -> dict[str, str]:
    """Return the number of each sound -> its author, from the lines "100032 by nfrae"; other lines are left out."""
    matches = (CREDIT.fullmatch(line.strip()) for line in lines_of(path)) if path is not None else ()
    return {match[1]: match[2] for match in matches if match is not None and not unreadable(match[2])}


def _audio_below(options: Options) -> str:
    """Return the folder of the archive that holds the folds, relative to the recipe."""
    below = f"{options.folder}/UrbanSound8K/audio"
    return below if options.resolve(below).is_dir() else f"{options.folder}/audio"


def _clip(record: Record, number: int, below: str, authors: Mapping[str, str], options: Options) -> Clip:
    """Return the clip of a row, or raise Rejected."""
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
        row_number=number,
    )
