"""Read clips from WavCaps (Mei et al., 2023): sounds of Freesound, BBC, SoundBible and AudioSet, with captions that ChatGPT wrote.

Licence: academic use only. Needed: the JSON files, which are fetched where they are missing. Audio: the FLAC files of WavCaps in
`audio_root`; for Freesound, the BBC and SoundBible also from there. Rows of AudioSet_SL name a video and not where the excerpt begins:
without `audio_root` or `join` they need `audioset_train_strong.tsv`. With `join = true` the captions go to clips that other sources bring.
All clips are `train`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar

from pipeline.records import Caption, Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card, Download, Kind, Part
from sources.metadata.cells import name_of, split_texts, text_of
from sources.metadata.freesound_ids import page_of, recording_name
from sources.metadata.official_files import OfficialFile, PartOptions, official_files, official_fingerprint, official_needs
from sources.metadata.official_rows import outcomes
from sources.metadata.options import DatasetName
from sources.metadata.row import Row
from sources.metadata.rows import read_rows
from sources.metadata.wavcaps_entries import entries
from sources.metadata.youtube_excerpts import EXCERPT_SECONDS, address_of, named_excerpt

CARD = Card(
    kind=Kind.MODELS,
    title="WavCaps: Freesound, BBC, SoundBible and AudioSet with captions by ChatGPT",
    license="academic use only; audio as its sites say",
    bring="nothing: the JSON files are fetched; audio from WavCaps' archives in `audio_root`, or from the sites",
    text="one caption by ChatGPT (origin llm); titles, descriptions and tags only where a site has them",
    size="403,050 sounds",
    parts={
        "FreeSound": Part(262_300, 6_264.0),
        "BBC_Sound_Effects": Part(31_201, 997.0),
        "SoundBible": Part(1_232, 4.0),
        "AudioSet_SL": Part(108_317, 300.0),
    },
    faults="holds clips of the test sets of AudioCaps, Clotho, ESC-50, UrbanSound8K and VGGSound: use `holdout`; AudioSet_SL has no starts",
    hosts=(
        "freesound.org",
        "sound-effects-media.bbcrewind.co.uk",
        "soundbible.com",
        "youtube.com",
    ),
)
MODEL = "ChatGPT"
COMMIT = "a5a9649ce305d7fe82cfcf5d6a4a12f03df9ef1e"
STORED = f"https://raw.githubusercontent.com/XinhaoMei/WavCaps/{COMMIT}/data/json_files"
LARGE = f"https://media.githubusercontent.com/media/XinhaoMei/WavCaps/{COMMIT}/data/json_files"  # files of Git LFS
NUMBER = re.compile(r"\d{1,10}", re.ASCII)
BBC_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
STRONG = OfficialFile(
    distinct_names=("audioset_train_strong.tsv",),
    step="for the starts of its excerpts, download it from the page of AudioSet's strong labels",
    part="AudioSet_SL",
    is_required=False,
)


def _file(part: str, name: str, folder: str = STORED, sha256: str | None = None, n_bytes: int | None = None) -> OfficialFile:
    address = f"{folder}/{part}/{name}"
    return OfficialFile(
        names=(name, f"{part}/{name}", f"json_files/{part}/{name}"),
        distinct_names=(f"wavcaps_{name}",),
        step=f"download {address}",
        download=Download(address, f"wavcaps_{name}", sha256, n_bytes),
        part=part,
    )


class Options(PartOptions):
    """Keys of a `wavcaps` entry: `path`, the folder of the JSON files, `splits`, the subsets that are read, and `join`.

    With `join = true`, captions go to clips of other sources with the same recording, and no clip is made of a row.
    """

    FILES: ClassVar[tuple[OfficialFile, ...]] = (
        _file(
            "FreeSound", "fsd_final.json", LARGE, "4499ada1a7a76666695d880feb298f557efb3aa8af3b57fd9b713c75319ff53f", n_bytes=147_300_685
        ),
        _file("BBC_Sound_Effects", "bbc_final.json"),
        _file("SoundBible", "sb_final.json", STORED, "c64329d13c58322d932a7e802c3f4b95d1fcd2ba0e52083cecb35a41b00f6a1c", 469_675),
        _file("AudioSet_SL", "as_final.json"),
        STRONG,
    )

    dataset: DatasetName = "WavCaps"
    path: str = "wavcaps"
    join: bool = False

    @property
    def joins(self) -> bool:
        """Whether the captions are for clips of other sources."""
        return self.join


needs = official_needs


def check(options: Options) -> None:
    """Raise ValueError when a file is missing or does not begin as a file of WavCaps does."""
    for file, path in official_files(options).items():
        if file is not STRONG:
            first = next(entries(path))
            if not {"id", "caption"} <= first.values.keys():
                raise ValueError(f"{path}: the first entry has no id and caption; is it WavCaps' {file.shown}?")


fingerprint = official_fingerprint


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every entry and a rejection for every entry that cannot be read.

    Raises:
        ValueError: a file is missing, or is not JSON to its end.
    """
    files = official_files(options)
    starts = _starts(files[STRONG]) if STRONG in files and options.audio_root is None and not options.join else {}
    for file, path in files.items():
        if file is not STRONG:
            yield from outcomes(path, entries(path), options, "train", partial(_clip, part=file.part, starts=starts, options=options))


def _starts(path: Path) -> dict[str, float]:
    """Return video -> start of its excerpt, in seconds: AudioSet has one excerpt of a video."""
    starts = {}
    for row in read_rows(path, ("segment_id",)):
        video, _, start = str(row.values.get("segment_id")).rpartition("_")
        if NUMBER.fullmatch(start):
            starts[video] = int(start) / 1000
    return starts


def _clip(row: Row, part: str, starts: Mapping[str, float], options: Options) -> Clip:
    """Return the clip of an entry, or raise Rejected."""
    cell = row.values
    given = cell.get("caption")
    texts = split_texts(given, "caption") if isinstance(given, list) else [text_of(given, "caption")]
    captions = tuple(Caption(text, "llm", model=MODEL) for text in texts if text)
    if not captions:
        raise Rejected(Reason.NO_TEXT, "no caption is given")
    name = name_of(cell.get("id"), "id")
    url, recording, start = _audio(part, name, starts, options)
    return Clip(
        source=options.source,
        dataset=options.dataset,
        split="train",
        id=f"{part}_flac/{name.removesuffix('.wav')}",  # as in WavCaps' archives; Freesound and SoundBible share numbers
        url="" if options.join else url,  # a row that is joined has no way to audio
        start=start,
        end=None if start is None else start + EXCERPT_SECONDS,
        captions=captions,
        labels=tuple(dict.fromkeys(tag.strip() for tag in split_texts(cell.get("tags"), "tags"))),
        title=text_of(cell.get("title"), "title") or None,
        license="RemArc" if part == "BBC_Sound_Effects" else None,
        creator=text_of(cell.get("author"), "author") or None,
        recording=recording,
        audio_root=None if options.join else options.audio_root,
        row_number=row.number,
    )


def _audio(part: str, name: str, starts: Mapping[str, float], options: Options) -> tuple[str, str, float | None]:
    """Return (address, recording, start in seconds) of an entry, or raise Rejected."""
    if part == "AudioSet_SL":
        video, start, _ = named_excerpt(name)
        start = starts.get(video, start)
        if start is None and options.audio_root is None and not options.join:
            raise Rejected(Reason.BAD_ROW, f"where the excerpt of {video} begins is not known: give audio_root, or {STRONG.shown}")
        return "" if start is None else address_of(video), f"youtube:{video}", start
    if part == "BBC_Sound_Effects" and BBC_ID.fullmatch(name):
        return f"https://sound-effects-media.bbcrewind.co.uk/zip/{name}.wav.zip", f"bbc:{name}", None
    if part == "FreeSound" and NUMBER.fullmatch(name):
        return page_of(name), recording_name(name), None
    if part == "SoundBible" and NUMBER.fullmatch(name):
        address = f"https://soundbible.com/grab.php?id={name}&type=wav"  # as in WavText5K, so that both name one recording
        return address, address, None
    raise Rejected(Reason.BAD_ROW, f"id {name[:40]!r} is not the name of a sound of {part}")
