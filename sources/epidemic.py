"""Read clips from Epidemic Sound's effects: LAION's table of captions (csv), or its tables of metadata, one a class (parquet).

Licence: proprietary; LAION's terms allow research only. Needed: nothing, the tables of metadata are fetched; LAION's csv has captions
by a T5 too. Audio: mp3 at the addresses in the tables, or `audio_root` by id. There are no splits: every clip is `train`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

from pipeline.keys import stable_hash
from pipeline.records import Caption, Clip, Reason, Rejected, Rejection, TextHolds
from sources.metadata.card import Card, Kind, Need, Part
from sources.metadata.cells import name_of, split_texts, text_of
from sources.metadata.epidemic_tables import DOWNLOADS
from sources.metadata.file_hash import file_sha256
from sources.metadata.identity import id_of
from sources.metadata.local_paths import ADDRESS
from sources.metadata.needs import file_need
from sources.metadata.official_files import OfficialFile, OfficialOptions, official_needs
from sources.metadata.official_rows import columns_of, outcomes, table_rows
from sources.metadata.options import DatasetName
from sources.metadata.row import Row

CAPTIONS = OfficialFile(
    distinct_names=("Epidemic_all_debiased.csv", "Epidemic_all*.csv", "*[Ee]pidemic*.csv"),
    what="LAION's captions, some by a T5",
    step="take Epidemic_all_debiased.csv from the page of LAION-Audio-630K",
    is_required=False,
)
STEP = "`plan` and `build` fetch it; or copy Epidemic_sound(sound_effects) of github.com/LAION-AI/audio-dataset into `path`"
CLASSES = {
    name: OfficialFile(distinct_names=(download.name,), what=f"effects of the class {name}", step=STEP, download=download)
    for name, download in DOWNLOADS.items()
}
OWN_NAMES = ("*.parquet", "Epidemic_sound(sound_effects)/*.parquet")
"""The tables of metadata below `path`."""
OTHER_CLASS = OfficialFile(("CLASS.parquet",), what="effects of a class", step=STEP)
FIELDS = (
    (("id", "title", "url", "metadataTags"), ("genres",)),
    (("url", "caption1"), ("caption2", "caption_t5", "epidemic_id")),
)
"""(needed, others) of a table of metadata, and of LAION's captions."""
PREFIXED = re.compile(r"epidemic[ _-]+(?=\S)", re.IGNORECASE)
CARD = Card(
    kind=Kind.TITLES,
    title="Epidemic Sound: sound effects",
    license="proprietary; research only",
    bring="nothing: the tables of metadata are fetched; or Epidemic_all_debiased.csv in `path`; audio by address, or in `audio_root` by id",
    text="the title; a template over the tags; LAION's captions by a T5 where its csv has them",
    size="75,645 clips; 220.41 h",
    parts={"train": Part(75_645, 220.41)},
    hosts=("dkihjuum4jcjr.cloudfront.net",),
    faults="titles end in a counter; a clip may have one tag or none, which the published template cannot word",
)
LICENSE = "proprietary (Epidemic Sound)"
T5_MODEL = "mrm8488/t5-base-finetuned-common_gen"  # named by LAION's script for this source
INTEGER = re.compile(r"^(\d+)\.0$", re.ASCII)  # pandas writes a column of integers with empty cells as 1234.0
COUNTER = re.compile(r"\s*\d+$", re.ASCII)


class Options(OfficialOptions):
    """Keys of an `epidemic` entry: `path`, the folder of the tables, or one table itself."""

    FILES: ClassVar[tuple[OfficialFile, ...]] = (CAPTIONS,)

    dataset: DatasetName = "epidemic_sound_effects"
    path: str = "epidemic"


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every row and a rejection for every bad row.

    Raises:
        ValueError: a table is missing, or is another table.
    """
    files = _files(options)
    has_t5 = any("caption_t5" in columns_of(file, path, *FIELDS[file is CAPTIONS]) for file, path in files)
    for file, path in files:
        clip_of = partial(_clip, table=path, has_t5=has_t5, options=options)
        yield from outcomes(path, table_rows(file, path, *FIELDS[file is CAPTIONS]), options, "train", clip_of, ("url",))


def needs(options: Options) -> tuple[Need, ...]:
    """Return LAION's csv, and without it the tables of metadata: those below `path`, or else those that are fetched."""
    if options.names_a_file:
        return (file_need(options, options.path, "table", "name a table of Epidemic Sound"),)
    if CAPTIONS.look(options) is not None or _own_tables(options):
        return official_needs(options)
    return official_needs(options, *CLASSES.values())


def check(options: Options) -> None:
    """Raise ValueError when the tables are missing, or are other tables."""
    for file, path in _files(options):
        columns_of(file, path, *FIELDS[file is CAPTIONS])


def fingerprint(options: Options) -> str:
    """Return a hash of the content of the tables, and of their classes."""
    return stable_hash(*(part for _, path in _files(options) for part in (class_of(path), file_sha256(path))))


def class_of(path: Path) -> str:
    """Return the class of a table of metadata, which is its name.

    >>> class_of(Path("Doors.parquet")), class_of(Path("epidemic_Brass%20band.parquet"))
    ('Doors', 'Brass band')
    """
    return PREFIXED.sub("", unquote(path.stem), count=1)


def title_of(title: str) -> str:
    """Return a title without the number at its end.

    >>> title_of("Wrestling Crowd 5"), title_of("Crowd01"), title_of("808")
    ('Wrestling Crowd', 'Crowd', '')
    """
    return COUNTER.sub("", title.strip())


def _own_tables(options: Options) -> list[Path]:
    """Return the tables of metadata that the user has: below `path`, or in the folder of the recipe with a prefix."""
    folder = options.resolve(options.path)
    if options.names_a_file:
        return [folder] if folder.is_file() and folder.suffix.lower() == ".parquet" else []
    below = [path for name in OWN_NAMES for path in sorted(folder.glob(name))] if folder.is_dir() else []
    is_shared = folder.is_dir() and folder.samefile(options.base)
    beside = [path for path in sorted(options.base.glob("*.parquet")) if PREFIXED.match(path.name)]
    return beside if is_shared or not below else below


def _files(options: Options) -> list[tuple[OfficialFile, Path]]:
    """Return LAION's csv; else the tables of metadata that the user has; else all that are fetched.

    Raises:
        ValueError: one is missing.
    """
    own = _own_tables(options)
    if options.names_a_file and not own:
        return [(CAPTIONS, CAPTIONS.path(options))]
    if not options.names_a_file and (captions := CAPTIONS.find(options)) is not None:
        return [(CAPTIONS, captions)]
    return [(CLASSES.get(class_of(path), OTHER_CLASS), path) for path in own] or [(file, file.path(options)) for file in CLASSES.values()]


def _clip(row: Row, table: Path, has_t5: bool, options: Options) -> Clip:
    """Return the clip of a row, or raise Rejected."""
    record = row.values
    url = name_of(record["url"], "url")
    if url and not ADDRESS.match(url):
        raise Rejected(Reason.BAD_ROW, f"url {url[:40]!r} is no address")
    given = INTEGER.sub(r"\1", name_of(record.get("id", record.get("epidemic_id")), "id"))
    clip_id = given or (id_of(url, None, None) if url else "")
    if not clip_id:
        raise Rejected(Reason.BAD_ROW, "neither an id nor an address")
    captions, labels = _from_captions(record) if "caption1" in record else _from_metadata(table, record, options.template_labels)
    return Clip(
        source=options.source,
        dataset=options.dataset,
        split="train",
        id=clip_id,
        url=url,
        captions=captions,
        labels=labels,
        title=text_of(record.get("title"), "title") or None,
        license=LICENSE,
        creator="Epidemic Sound",
        recording=f"epidemic:{clip_id}",
        audio_root=options.audio_root,
        row_number=row.number,
        text_holds=TextHolds.ALL if has_t5 else None,
    )


def _from_captions(record: Mapping[str, Any]) -> tuple[tuple[Caption, ...], tuple[str, ...]]:
    """Return the captions of a row of LAION's csv; it has no labels."""
    origins = {"caption1": ("title", None), "caption2": ("template", None), "caption_t5": ("t5", T5_MODEL)}
    texts = ((text_of(record.get(field), field), origin, model) for field, (origin, model) in origins.items())
    return tuple(Caption(text, origin, model) for text, origin, model in texts if text), ()


def _from_metadata(table: Path, record: Mapping[str, Any], max_labels: int) -> tuple[tuple[Caption, ...], tuple[str, ...]]:
    """Return the captions and labels of a row of a table of metadata: title and template over the tags; class, genre and tags."""
    from augment.templates import template  # slow to import, and `check` does without

    tags = _texts(record["metadataTags"], "metadataTags")
    labels = dict.fromkeys((class_of(table), *_texts(record.get("genres"), "genres"), *tags))
    texts = ((title_of(text_of(record["title"], "title")), "title"), (template(tags, max_labels) or "", "template"))
    return tuple(Caption(text, origin) for text, origin in texts if text), tuple(labels)


def _texts(cell: Any, column: str) -> list[str]:
    return list(dict.fromkeys(text.strip() for text in split_texts(cell, column)))
