"""Read clips from MACS (Martin-Morato and Mesaros, 2021): scenes of 10 s of TAU Urban Acoustic Scenes 2019, with captions by people.

Licence: non-commercial, for captions and audio. Needed: `MACS.yaml`, which is fetched where it is missing, and the audio of TAU Urban
Acoustic Scenes 2019 (development) in `audio_root`. There are no splits: every clip is `train`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from pipeline.records import Caption, Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card, Download, Kind, Need, Part
from sources.metadata.cells import name_of, split_texts, text_of
from sources.metadata.needs import audio_need
from sources.metadata.official_files import OfficialFile, OfficialOptions, official_fingerprint, official_needs
from sources.metadata.official_rows import outcomes
from sources.metadata.options import DatasetName
from sources.metadata.row import Row
from sources.metadata.yaml_texts import read_yaml

CARD = Card(
    kind=Kind.PEOPLE,
    title="MACS: urban scenes (TAU Urban Acoustic Scenes 2019) with captions by people",
    license="captions and audio non-commercial",
    bring="the audio: TAU-urban-acoustic-scenes-2019-development.audio.*.zip of Zenodo record 2589280, or their folder, in `audio_root`; "
    "MACS.yaml is fetched",
    text="two to five captions a clip; the tags of the annotators are labels",
    size="3,537 scenes of 10 s in the reference set; 9.8 h",
    parts={"train": Part(3_537, 9.8)},
    faults="annotators differ much",
)
ADDRESS = "https://zenodo.org/records/5114771/files/MACS.yaml"
ANNOTATIONS = OfficialFile(
    distinct_names=("MACS.yaml",),
    step=f"download {ADDRESS}",
    download=Download(f"{ADDRESS}?download=1", "MACS.yaml"),
    what="captions",
)
MAX_BYTES = 64 << 20  # MACS.yaml has 5 MB; the file is held in memory
MAX_ANNOTATIONS = 100  # of a file; five at most in MACS.yaml


class Options(OfficialOptions):
    """Keys of a `macs` entry: `path`, the folder of MACS.yaml or the file itself, and `audio_root`, by default the same folder."""

    FILES: ClassVar[tuple[OfficialFile, ...]] = (ANNOTATIONS,)

    dataset: DatasetName = "MACS"
    path: str = "macs"


def needs(options: Options) -> tuple[Need, ...]:
    """Return the file that an entry reads, and the audio."""
    step = "unpack the audio of https://zenodo.org/records/2589280 there, or name its folder or archive as audio_root"
    names = ("*.wav", "audio", "*/audio")
    return *official_needs(options), audio_need(options, options.folder, names, "audio, which is not fetched", step, is_required=True)


def check(options: Options) -> None:
    """Raise ValueError when the file is missing or is not MACS.yaml."""
    _annotated_files(options)


fingerprint = official_fingerprint


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every annotated file and a rejection for every entry that is none.

    Raises:
        ValueError: the file is missing or is not MACS.yaml.
    """
    path, entries = _annotated_files(options)
    rows = (Row(number, {"entry": entry}) for number, entry in enumerate(entries, 1))
    yield from outcomes(path, rows, options, "train", lambda row: _clip(row.values["entry"], row.number, options))


def _annotated_files(options: Options) -> tuple[Path, list[Any]]:
    """Return the path of MACS.yaml, and its list `files`."""
    path = ANNOTATIONS.path(options)
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path}: {path.stat().st_size} bytes, at most {MAX_BYTES} are read: is it MACS.yaml?")
    document = read_yaml(path)
    if not isinstance(document, dict) or not isinstance(document.get("files"), list):
        raise ValueError(f"{path}: a mapping with a list `files` is needed: is it MACS.yaml?")
    return path, document["files"]


def _clip(entry: Any, number: int, options: Options) -> Clip:
    """Return the clip of an entry of `files`, or raise Rejected."""
    if not isinstance(entry, dict) or not isinstance(entry.get("annotations"), list):
        raise Rejected(Reason.BAD_ROW, "a filename and a list of annotations are needed")
    name, annotations = name_of(entry.get("filename"), "filename"), entry["annotations"]
    if not name or name.startswith("/") or ".." in name.split("/"):
        raise Rejected(Reason.BAD_ROW, f"filename {name[:40]!r} is not the name of a file")
    if len(annotations) > MAX_ANNOTATIONS or not all(isinstance(annotation, Mapping) for annotation in annotations):
        raise Rejected(Reason.BAD_ROW, f"annotations must be at most {MAX_ANNOTATIONS} mappings")
    sentences = [text for annotation in annotations if (text := text_of(annotation.get("sentence"), "sentence"))]
    if not sentences:
        raise Rejected(Reason.NO_TEXT, "no annotation has a sentence")
    tags = [tag for annotation in annotations for tag in split_texts(annotation.get("tags"), "tags")]
    return Clip(
        source=options.source,
        dataset=options.dataset,
        split="train",
        id=PurePosixPath(name).stem,
        url=name,
        captions=tuple(map(Caption, sentences)),
        labels=tuple(dict.fromkeys(tag.strip().replace("_", " ") for tag in tags)),
        recording=f"{options.dataset}:{PurePosixPath(name).stem}",
        audio_root=options.audio_root or options.folder,
        row_number=number,
    )
