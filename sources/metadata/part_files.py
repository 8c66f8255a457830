"""Find the files that a published set consists of by their official names, part by part, and name those that are missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Annotated, ClassVar

from pydantic import Strict, field_validator

from pipeline.keys import stable_hash
from sources.metadata.card import Download, Need, NeedKind
from sources.metadata.file_hash import file_sha256
from sources.metadata.needs import metadata_path
from sources.metadata.options import SPLITS, SourceOptions


@dataclass(frozen=True, slots=True)
class PartFile:
    """A file of the metadata of a set.

    `part` is the part of the set that it belongs to, as the card names it, and "" for a file of all parts. `names` are those that it may
    have in the folder of the source; `distinct_names` are names that no other source uses, so they are also looked for in the recipe's
    folder. Names may hold folders and `*`. `step` says how to get the file. A part is read when all of its required files are there.
    """

    part: str
    names: tuple[str, ...] = ()
    distinct_names: tuple[str, ...] = ()
    step: str = ""
    download: Download | None = None
    is_required: bool = True

    @property
    def shown(self) -> str:
        """The names for a message: the official name, and a name for a folder of all tables."""
        return " or ".join(dict.fromkeys((*self.names[:1], *self.distinct_names[:1])))

    def has_name(self, name: str) -> bool:
        """Return whether a file name is one of the names, whatever their folders."""
        return any(fnmatchcase(name, PurePosixPath(known).name) for known in (*self.names, *self.distinct_names))


class PartOptions(SourceOptions):
    """Keys of a source that reads official files: `path`, their folder or one of them, and `splits`, the parts that are read.

    Without `splits`, all parts whose files are there are read. A subclass lists its files in `FILES`.
    """

    FILES: ClassVar[tuple[PartFile, ...]]

    path: str
    splits: Annotated[tuple[str, ...], Strict(False)] = ()

    @field_validator("splits")
    @classmethod
    def _check_splits(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        parts = {part.lower(): part for part in _parts(cls.FILES)}
        known = [parts.get(SPLITS.get(name.lower(), name.lower())) for name in given]
        if None in known:
            raise ValueError(f"{given[known.index(None)]!r} is no part of this source, there are {', '.join(parts.values())}")
        return tuple(dict.fromkeys(part for part in known if part is not None))

    @property
    def audio_folder(self) -> str:
        """Where recordings that have no address are: `audio_root`, or the folder of the official files."""
        if self.audio_root is not None:
            return self.audio_root
        return str(PurePosixPath(self.path).parent) if self.resolve(self.path).is_file() else self.path

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that may be read: `splits`, or all."""
        return self.splits or _parts(self.FILES)


def find_part_file(options: PartOptions, file: PartFile) -> Path | None:
    """Return where a file is: in the source's folder, in the recipe's folder, or in the cache; `None` where it is missing."""
    folder = options.resolve(options.path)
    if folder.is_file():
        is_only = len({(known.names, known.distinct_names) for known in options.FILES}) == 1
        return folder if is_only or file.has_name(folder.name) else _first(folder.parent, file.distinct_names)
    path = _first(folder, (*file.names, *file.distinct_names)) or _first(options.base, file.distinct_names)
    if path is None and file.download is not None and (cached := metadata_path(file.download)).is_file():
        return cached
    return path


def part_needs(options: PartOptions) -> tuple[Need, ...]:
    """Return a need for each file of the parts that an entry reads. Without `splits`, a part may be missing when another is there."""
    wanted = _wanted(options)
    paths = {file: find_part_file(options, file) for file in wanted}
    has_part = any(paths[file] is not None for file in wanted if file.part and file.is_required)
    needs: dict[str, Need] = {}
    for file in wanted:
        parts = ", ".join(dict.fromkeys(other.part for other in wanted if other.shown == file.shown)) or "all parts"
        is_required = file.is_required and (not file.part or bool(options.splits) or not has_part)
        what = f"{parts}: {file.shown} in {options.path}"
        needs.setdefault(file.shown, Need(NeedKind.FILE, what, paths[file], file.step, file.download, is_required))
    return tuple(needs.values())


def audio_need(options: PartOptions, names: Sequence[str], step: str) -> Need:
    """Return the need of recordings that have no address: one of `names`, which may hold `*`, in the folder of recordings.

    A plan is made without them, so they are not required; in a build each clip without its recording becomes a rejection.
    """
    folder = options.resolve(options.audio_folder)
    is_there = folder.is_file() or any(next(folder.glob(name), None) is not None for name in names)
    what = f"the audio, which is not fetched: {', '.join(names)} in {options.audio_folder}"
    return Need(NeedKind.FILE, what, folder if is_there else None, step, is_required=False)


def part_files(options: PartOptions) -> dict[PartFile, Path]:
    """Return the files of the parts that are read, in the order of `FILES`.

    Raises:
        ValueError: a file of a part in `splits`, or a file that all parts need, is missing; without `splits`, no part has its files.
    """
    wanted = _wanted(options)
    paths = {file: path for file in wanted if (path := find_part_file(options, file)) is not None}
    missing = [file for file in wanted if file.is_required and file not in paths]
    incomplete = {file.part for file in missing}
    read = [part for part in options.parts if part not in incomplete]
    if "" in incomplete or not read or (options.splits and missing):
        raise ValueError(_missing(options, next((file for file in missing if not file.part), missing[0])))
    return {file: path for file, path in paths.items() if not file.part or file.part in read}


def part_fingerprint(options: PartOptions) -> str:
    """Return a hash of the content of the files that are read, and of the parts that they are."""
    return stable_hash(*((file.part, file.shown, file_sha256(path)) for file, path in part_files(options).items()))


def _missing(options: PartOptions, file: PartFile) -> str:
    step = f"; {file.step}" if file.step else ""
    return f"{options.resolve(options.path)}: no {file.shown} there, in {options.base}, or among the downloaded files{step}"


def _wanted(options: PartOptions) -> list[PartFile]:
    return [file for file in options.FILES if not file.part or file.part in options.parts]


def _parts(files: Iterable[PartFile]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(file.part for file in files if file.part))


def _first(folder: Path, names: Sequence[str]) -> Path | None:
    """Return the first file there is; of several that a pattern matches, the first by name."""
    if not folder.is_dir():
        return None
    for name in names:
        files = sorted(path for path in folder.glob(name) if path.is_file()) if "*" in name else [folder / name]
        if files and files[0].is_file():
            return files[0]
    return None
