"""Read clips from ESC-50 (Piczak, 2015): 2,000 clips of 5 s in 50 classes, cut from Freesound sounds.

Licence: CC-BY-NC-3.0, its part ESC-10 CC-BY-3.0; each clip has the licence of its sound, which the set's LICENSE lists. Needed: nothing.
`esc50.csv` and LICENSE are fetched once, and clips one by one from the set's repository, unless `path` or `audio_root` has them.
Every clip is `test`: the set is for evaluation. Its fold is the first number of its id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from pipeline.keys import stable_hash
from pipeline.records import Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card, Download, Kind, Need, Part
from sources.metadata.cells import name_of, text_of
from sources.metadata.freesound_ids import recording_name, sound_number
from sources.metadata.licenses import spdx
from sources.metadata.needs import audio_folder, audio_need
from sources.metadata.official_files import OfficialFile, OfficialOptions, official_fingerprint, official_needs
from sources.metadata.official_rows import columns_of, outcomes, table_rows
from sources.metadata.options import DatasetName
from sources.metadata.row import Row
from sources.metadata.text_lines import lines_of, unreadable

REPOSITORY = "https://raw.githubusercontent.com/karolpiczak/ESC-50/33c8ce9eb2cf0b1c2f8bcf322eb349b6be34dbb6"
STEP = "`plan` and `build` fetch it; or unpack the archive of github.com/karolpiczak/ESC-50 into `path`"
TABLE = OfficialFile(
    distinct_names=("meta/esc50.csv", "esc50.csv", "ESC-50-master/meta/esc50.csv", "*[Ee][Ss][Cc]*50*.csv"),
    what="table of clips",
    step=STEP,
    download=Download(
        f"{REPOSITORY}/meta/esc50.csv", "esc50.csv", "ca660da60191a97de289983a05821c9382d852a38a2ba8428980816b68cf6246", n_bytes=93_742
    ),
)
ATTRIBUTION = OfficialFile(
    names=("LICENSE",),  # beside a recipe it is most often that of a program
    distinct_names=("ESC-50-master/LICENSE", "*[Ee][Ss][Cc]*50*LICENSE*"),
    what="title, author and licence of each clip",
    step=STEP,
    download=Download(
        f"{REPOSITORY}/LICENSE", "esc50-LICENSE", "f6aec3a3283a2efdcbb1feff334adad7ab17c097bdec0cbb4eebdb9e16886074", n_bytes=284_523
    ),
    is_required=False,
)
CARD = Card(
    kind=Kind.LABELS,
    title="ESC-50: 5 s of environmental sounds, 50 classes",
    license="CC-BY-NC-3.0 as a set; per clip CC0, CC-BY, CC-BY-NC or Sampling+",
    bring="nothing: table and clips are fetched; or the unpacked archive in `path`, or the clips in `audio_root`",
    text="a template over the label",
    size="2,000 clips of 1,524 Freesound sounds; 2.78 h",
    parts={"test": Part(2000, 2.78)},
    hosts=("raw.githubusercontent.com",),
    faults="many clips are padded with digital silence",
)
FOLDERS = ("audio", "ESC-50-master/audio")
FIELDS = ("filename", "fold", "category", "esc10", "src_file")
CLIP = re.compile(r"([1-5])-(\d+)-[A-Z]-\d+\.\w+", re.ASCII)
CREDIT = re.compile(
    r"- \[(?P<stem>[1-5]-\d+-[A-Z])\w*\.\w+\]:\s+clip derived from (?P<title>.*?)\s?\(https?://[^()\s]*/people/[^()]*/sounds/\d+/?\) "
    r"by (?P<creator>.+?) \[(?P<license>[^\]]+)\]"
)


@dataclass(frozen=True, slots=True)
class Credit:
    """What the LICENSE of the set says of the sound that a clip was cut from."""

    title: str
    creator: str
    license: str


class Options(OfficialOptions):
    """Keys of an `esc50` entry: `path`, the folder of the unpacked archive, or the table itself."""

    FILES: ClassVar[tuple[OfficialFile, ...]] = (TABLE, ATTRIBUTION)

    dataset: DatasetName = "esc50"
    path: str = "esc50"


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every row and a rejection for every bad row.

    Raises:
        ValueError: the table is missing, or is another table.
    """
    path = TABLE.path(options)
    clip_of = partial(_clip, credits=credits_in(ATTRIBUTION.find(options)), root=_audio_root(options), options=options)
    yield from outcomes(path, table_rows(TABLE, path, FIELDS), options, "test", clip_of)


def needs(options: Options) -> tuple[Need, ...]:
    """Return the table, the attributions and the folder of clips, none of which a user has to bring."""
    return *official_needs(options), audio_need(options, options.folder, FOLDERS, "clips", "they are fetched one by one")


def check(options: Options) -> None:
    """Raise ValueError when the table is missing, or is another table."""
    columns_of(TABLE, TABLE.path(options), FIELDS)


def fingerprint(options: Options) -> str:
    """Return a hash of the content of the table and of the attributions, and of the folder of clips."""
    return stable_hash(official_fingerprint(options), _audio_root(options) or "")


def credits_in(path: Path | None) -> dict[str, Credit]:
    """Return the name of each clip without suffix and class ("1-100032-A") -> its credit; other lines of LICENSE are left out."""
    credits = {}
    for line in lines_of(path) if path is not None else ():
        match = CREDIT.fullmatch(line.strip())
        if match is not None and not unreadable(line):
            title = re.sub(r"\\x([0-9a-f]{2})", lambda code: chr(int(code[1], 16)), match["title"])  # the file has "\xf6" for an "ö"
            credits[match["stem"]] = Credit(title, match["creator"], match["license"])
    return credits


def _audio_root(options: Options) -> str | None:
    return audio_folder(options, options.folder, *FOLDERS)


def _clip(row: Row, credits: Mapping[str, Credit], root: str | None, options: Options) -> Clip:
    """Return the clip of a row, or raise Rejected."""
    record = row.values
    name, sound = name_of(record["filename"], "filename"), sound_number(record["src_file"], "src_file")
    match = CLIP.fullmatch(name)
    if match is None or match[2] != sound:
        raise Rejected(Reason.BAD_ROW, f"filename {name[:40]!r} is not the name of a clip of sound {sound}")
    if text_of(record["fold"], "fold") != match[1]:
        raise Rejected(Reason.BAD_ROW, f"fold is not that of the name {name[:40]!r}")
    label = text_of(record["category"], "category")
    if not label:
        raise Rejected(Reason.BAD_ROW, "category is empty")
    credit = credits.get(name.rpartition("-")[0])
    in_esc10 = text_of(record["esc10"], "esc10").casefold() == "true"
    return Clip(
        source=options.source,
        dataset=options.dataset,
        split="test",
        id=Path(name).stem,
        url=f"{REPOSITORY}/audio/{name}",
        labels=(label.replace("_", " "),),
        title=credit.title if credit else None,
        license=spdx(credit.license) if credit else "CC-BY-3.0" if in_esc10 else "CC-BY-NC-3.0",
        creator=credit.creator if credit else None,
        recording=recording_name(sound),
        audio_root=root,
        row_number=row.number,
    )
