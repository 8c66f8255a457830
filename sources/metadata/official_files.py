"""Find the files that the publisher of a set gives out: by name, in the folder of the source, beside the recipe, and in the cache."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from sources.metadata.rows import FORMATS
from sources.metadata.zipped_files import unpacked


@dataclass(frozen=True, slots=True)
class OfficialFile:
    """A file of the metadata of a set.

    `names` are those that it may have in the folder of the source, the official one first; `distinct_names` are names that no other source
    uses, so they are also looked for in the recipe's folder. Names may hold folders and `*`. `step` says how to get the file, and `what`
    what it is. `part` is the part of the set that it belongs to, as the card names it, and "" for a file of all parts; a part is read when
    all of its required files are there. With `member`, `download` is a zip that holds the file under this name; the zip may also lie
    where the file is looked for.
    """

    names: tuple[str, ...] = ()
    distinct_names: tuple[str, ...] = ()
    step: str = ""
    download: Download | None = None
    what: str = ""
    part: str = ""
    is_required: bool = True
    member: str = ""

    @property
    def shown(self) -> str:
        """The names for a message: the official name, and a name for a folder of all tables."""
        distinct = [name for name in self.distinct_names if "*" not in name]
        return " or ".join(dict.fromkeys((*self.names[:1], *distinct[:1])))

    @property
    def described(self) -> str:
        """The names for a message, with what the file is."""
        return f"{self.shown} ({self.what})" if self.what else self.shown

    def has_name(self, name: str) -> bool:
        """Return whether a file name is one of the names, whatever their folders."""
        return any(fnmatchcase(name, PurePosixPath(known).name) for known in (*self.names, *self.distinct_names))

    def look(self, options: OfficialOptions) -> Path | None:
        """Return the file, or the zip that holds it, `None` without either. Nothing is unpacked."""
        if options.names_a_file and self in options.named_files:
            given = options.resolve(options.path)
            return given if given.is_file() else None
        zips = (self.download.name,) if self.member and self.download else ()
        distinct = (*self.distinct_names, *zips)
        path = _first(options.resolve(options.folder), (*self.names, *distinct)) or _first(options.resolve("."), distinct)
        if path is None and self.download is not None and (cached := metadata_path(self.download)).is_file():
            return cached
        return path

    def find(self, options: OfficialOptions) -> Path | None:
        """Return the file; `None` when it is missing.

        Raises:
            ValueError: the zip that should hold it is damaged.
        """
        path = self.look(options)
        return unpacked(path, self.member) if path is not None and self.member and path.suffix == ".zip" else path

    def path(self, options: OfficialOptions) -> Path:
        """Return the file.

        Raises:
            ValueError: there is none; the message names it and says how to get it.
        """
        if (path := self.find(options)) is None:
            raise ValueError(self.missing(options))
        return path

    def missing(self, options: OfficialOptions) -> str:
        """Say that the file is missing, and how to get it."""
        given, step = options.resolve(options.path), f"; {self.step}" if self.step else ""
        if options.names_a_file and self in options.named_files:
            return f"{given}: no such file; {self.described} is needed{step}"
        return f"{given}: no {self.described} there, in {options.base}, or among the downloaded files{step}"


class OfficialOptions(SourceOptions):
    """Keys of a source that reads official files: `path`, their folder or one of them. A subclass lists its files in `FILES`."""

    FILES: ClassVar[tuple[OfficialFile, ...]]

    path: str

    @property
    def names_a_file(self) -> bool:
        """Whether `path` names a file, and not a folder: no other file is taken in its place then."""
        return Path(self.path).suffix.lower() in FORMATS or self.resolve(self.path).is_file()

    @property
    def named_files(self) -> tuple[OfficialFile, ...]:
        """The files that `path` may be, by its name; where no name fits, the only one that is required."""
        named = tuple(file for file in self.FILES if file.has_name(Path(self.path).name))
        required = tuple(file for file in self.FILES if file.is_required) or self.FILES
        return named or (required if len({file.shown for file in required}) == 1 else ())

    @property
    def folder(self) -> str:
        """The folder of the files, relative to the recipe."""
        return str(PurePosixPath(self.path).parent) if self.names_a_file else self.path

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that may be read."""
        return _parts(self.FILES)

    @property
    def names_parts(self) -> bool:
        """Whether the entry lists the parts, so that each of them must be there."""
        return False


class PartOptions(OfficialOptions):
    """Keys of a source that has parts: `splits` lists those that are read. Without it, all parts whose files are there are read."""

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
    def parts(self) -> tuple[str, ...]:
        """The parts that may be read: `splits`; without it those of the file that `path` names, or all."""
        named = _parts(self.named_files) if self.names_a_file else ()
        return self.splits or named or _parts(self.FILES)

    @property
    def names_parts(self) -> bool:
        """Whether the entry lists the parts, so that each of them must be there."""
        return bool(self.splits)


def official_needs(options: OfficialOptions, *others: OfficialFile) -> tuple[Need, ...]:
    """Return a need for each file of the parts that an entry reads, and for `others`, which are not among the `FILES` of the source.

    Without `splits`, a part may be missing when another is there.
    """
    wanted = [*_wanted(options), *others]
    paths = {file: file.look(options) for file in wanted}
    may_lack = not options.names_parts and any(paths[file] is not None for file in wanted if file.part and file.is_required)
    needs: dict[str, Need] = {}
    for file in wanted:
        of_parts = ", ".join(dict.fromkeys(other.part for other in wanted if other.shown == file.shown and other.part))
        is_named = options.names_a_file and file in options.named_files
        about = ", ".join(filter(None, (file.what, of_parts))) or "all parts"
        what = f"{about}: {options.path if is_named else f'{file.shown} in {options.folder}'}"
        is_required = file.is_required and not (file.part and may_lack)
        needs.setdefault(file.shown, Need(NeedKind.FILE, what, paths[file], file.step, None if is_named else file.download, is_required))
    return tuple(needs.values())


def official_files(options: OfficialOptions) -> dict[OfficialFile, Path]:
    """Return the files of the parts that are read, in the order of `FILES`.

    Raises:
        ValueError: a file of a part in `splits`, or a file that all parts need, is missing; without `splits`, no part has its files.
    """
    wanted = _wanted(options)
    paths = {file: path for file in wanted if (path := file.find(options)) is not None}
    missing = [file for file in wanted if file.is_required and file not in paths]
    incomplete = {file.part for file in missing}
    read = [part for part in options.parts if part not in incomplete]
    if missing and ("" in incomplete or not read or options.names_parts):
        raise ValueError(next((file for file in missing if not file.part), missing[0]).missing(options))
    return {file: path for file, path in paths.items() if not file.part or file.part in read}


def files_of_parts(files: Mapping[OfficialFile, Path]) -> list[tuple[OfficialFile, Path]]:
    """Return the files that belong to a part, without those of all parts."""
    return [(file, path) for file, path in files.items() if file.part]


def official_fingerprint(options: OfficialOptions) -> str:
    """Return a hash of the content of the files that are read, and of the parts that they are."""
    return stable_hash(*((file.part, file.shown, file_sha256(path)) for file, path in official_files(options).items()))


def _wanted(options: OfficialOptions) -> list[OfficialFile]:
    return [file for file in options.FILES if not file.part or file.part in options.parts]


def _parts(files: Iterable[OfficialFile]) -> tuple[str, ...]:
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
