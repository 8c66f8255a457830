"""Find the file that a row means among the names of files. Another file is never taken in its place.

Names that are written differently are equal in a looser form: see `FORMS`. Of several files with the wanted name the one whose
path ends like the wanted path, over the most components, is meant.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import unquote

from pipeline.records import Reason, Rejected

FEW = 32  # files of one name that are compared one by one; more are grouped by their folders first
MAX_REPEATED = 0.01  # of all file names, where a name alone is taken for the name of one recording
MAX_NAME_SHOWN = 100  # characters
Parts = tuple[str, ...]


def _same(name: str) -> str:
    return name


def _composed(name: str) -> str:
    """Return a name in Unicode's composed form (NFC). Components that are not UTF-8 are read as Windows-1252."""
    return name if name.isascii() else unicodedata.normalize("NFC", "/".join(map(_readable, name.split("/"))))


def _readable(part: str) -> str:
    """Return a component of a path as text; Python reads bytes that are not UTF-8 as half surrogate pairs."""
    try:
        data = part.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a pair that stands for no byte
        return part
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _decoded(name: str) -> str:
    return _composed(unquote(name) if "%" in name else name)


def _with_slashes(name: str) -> str:
    return _decoded(name).replace("\\", "/")


def _without_blanks(name: str) -> str:
    text = _with_slashes(name)
    return "/".join(" ".join(part.split()) for part in text.split("/")) if len(text.split(None, 1)) > 1 or text != text.strip() else text


def _without_case(name: str) -> str:
    text = _without_blanks(name)
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text.casefold())


FORMS: tuple[Callable[[str], str], ...] = (_same, _composed, _decoded, _with_slashes, _without_blanks, _without_case)
"""Forms of a name from the exact to the loosest: as written, NFC, `%20` read as a blank, `\\` as `/`, without blanks around its parts,
without case. Each form includes those before it."""
LOOSEST, OF_STEMS = FORMS[-1], FORMS[-2]  # ids, which are compared with stems, may differ only in case


def parts_of(name: str, form: Callable[[str], str] = _same) -> Parts:
    """Return the components of a path in a form, without `.` and `..`.

    >>> parts_of("a/./b/../Rain%201.WAV", LOOSEST)
    ('a', 'b', 'rain 1.wav')
    """
    return tuple(part for part in form(name).split("/") if part not in {"", ".", ".."})


def is_made_by_macos(name: str) -> bool:
    """Return whether a path is one of the files with attributes that macOS puts beside recordings: `._name`, `__MACOSX/`.

    >>> is_made_by_macos("dog/._bark.wav"), is_made_by_macos("__MACOSX/bark.wav"), is_made_by_macos(".bark.wav")
    (True, True, False)
    """
    parts = name.split("/")
    return parts[-1].startswith("._") or "__MACOSX" in parts


def ambiguous(wanted: str, names: Sequence[str]) -> Rejected:
    """Return the rejection of a row whose name two files have."""
    first, second, *others = sorted(_shown(name) for name in names)
    more = f" or {len(others)} more" if others else ""
    return Rejected(Reason.AMBIGUOUS, f"{_shown(wanted)} may be {first} or {second}{more}: write more of the path")


def _shown(name: str) -> str:
    return repr(name if len(name) <= MAX_NAME_SHOWN else f"...{name[-MAX_NAME_SHOWN:]}")


class FileNames:
    """The names of all files of a folder or an archive.

    Args:
        names: paths relative to the folder, with `/`.
        identity: returns an equal value for names of the same file, such as links.
        has_sound: returns whether a file of that name may be a recording; others are not found by their stem.
    """

    def __init__(
        self, names: Iterable[str], identity: Callable[[str], object] = _same, has_sound: Callable[[str], bool] = lambda name: True
    ):
        self.names = frozenset(name for name in names if not is_made_by_macos(name))
        self._identity = identity
        self._by_name: dict[str, list[str]] = {}
        self._by_stem: dict[str, list[str]] = {}
        self._folders: set[str] = set()
        self._top_folders: set[str] = set()
        self._inner_folders: set[str] = set()
        self._groups: dict[Parts, tuple[dict[str, list[str]], list[str]]] = {}
        for name in sorted(self.names):
            *folders, last = parts_of(name, LOOSEST) or ("",)
            self._folders.update(folders)
            self._top_folders.update(folders[:1])
            self._inner_folders.update(folders[1:])
            self._by_name.setdefault(last, []).append(name)
            if has_sound(name):
                self._by_stem.setdefault(_stem(name), []).append(name)
        n_repeated = sum(len(names) > 1 and any(map(has_sound, names)) for names in self._by_name.values())
        self._names_are_distinct = n_repeated <= len(self._by_name) * MAX_REPEATED

    def find(self, path: str, is_address: bool = False) -> str | None:
        """Return the name of the file that a path means; `None` when there is none.

        Args:
            path: path as the row has it, or the path of an address.
            is_address: its folders are those of a web server, which may have other names than those on this disk.

        Raises:
            Rejected: `ambiguous`, when it may be one of several files.
        """
        if path in self.names:
            return path
        wanted = parts_of(path, LOOSEST)
        if not wanted:
            return None
        if files := self._candidates(wanted):
            result = self._best(path, files)
            return result if self._agrees(result, wanted, is_address) else None
        return self._by_its_stem(path, wanted, is_address)

    @property
    def by_stem(self) -> Mapping[str, Sequence[str]]:
        """The names of files that may be recordings, by their last component without its suffix."""
        return self._by_stem

    def identity_of(self, name: str) -> object:
        """Return a value that is equal for all names of the same file."""
        return self._identity(name)

    def alike(self, path: str) -> list[str]:
        """Return all files with the file name of a path, in any form."""
        wanted = parts_of(path, LOOSEST)
        return list(self._by_name.get(wanted[-1], [])) if wanted else []

    def find_id(self, clip_id: str) -> str | None:
        """Return the name of the file that is named after an id, with or without a suffix; `None` when there is none.

        Raises:
            Rejected: `ambiguous`, when several files are.
        """
        if clip_id in self.names:
            return clip_id
        wanted = () if ".." in clip_id.split("/") else parts_of(clip_id, OF_STEMS)
        files = self._candidates(parts_of(clip_id, LOOSEST)) if wanted else []
        exact = [name for name in files if parts_of(name, OF_STEMS)[-len(wanted) :] == wanted]
        if exact:
            return self._best(clip_id, exact)
        return self._by_its_stem(clip_id, parts_of(clip_id, LOOSEST), False) if wanted else None

    def _by_its_stem(self, path: str, wanted: Parts, is_address: bool) -> str | None:
        """Return the file whose name without its suffix is the last component of a path."""
        files = self._by_stem.get(parts_of(path, OF_STEMS)[-1], [])
        if not files:
            return None
        result = self._best(path, files, _stem_parts)
        return result if self._agrees(result, wanted, is_address, _stem_parts) else None

    def _candidates(self, wanted: Parts) -> list[str]:
        """Return the files that end like a path, at least one of every way to write their names where there are many."""
        files, depth, pool = self._by_name.get(wanted[-1], []), 1, []
        while len(files) > FEW:
            groups, variants = self._grouped(wanted[-depth:], files, depth)
            pool += variants
            files = groups.get(wanted[-depth - 1], []) if depth < len(wanted) else []
            depth += 1
        return list(dict.fromkeys(pool + files))

    def _grouped(self, tail: Parts, files: list[str], depth: int) -> tuple[dict[str, list[str]], list[str]]:
        """Return files with the same tail by the folder above it, and two files for each way in which the tail is written."""
        if tail not in self._groups:
            groups: dict[str, list[str]] = {}
            variants: dict[Parts, list[str]] = {}
            for name in files:
                above = parts_of(name, LOOSEST)[:-depth]
                groups.setdefault(above[-1] if above else "", []).append(name)
                variants.setdefault(parts_of(name)[-depth:], []).append(name)
            self._groups[tail] = groups, [name for names in variants.values() for name in names[:2]]
        return self._groups[tail]

    def _best(self, path: str, files: Sequence[str], parts: Callable[..., Parts] = parts_of) -> str:
        """Return the file with the longest common tail, in the exact form and in each looser one; raise Rejected where none has it."""
        if len(files) == 1:
            return files[0]
        best = list(files)
        for form in FORMS:
            wanted = parts_of(path, form)
            lengths = [n_common(wanted, parts(name, form)) for name in files]
            longest = {name for name, length in zip(files, lengths, strict=True) if length == max(lengths)}
            best = [name for name in best if name in longest]
        if len({self._identity(name) for name in best}) == 1:
            return best[0]
        raise ambiguous(path, best if len(best) > 1 else files)

    def _agrees(self, name: str, wanted: Parts, is_address: bool, parts: Callable[..., Parts] = parts_of) -> bool:
        """Return whether the folders that a path names beyond the common tail do not speak against a file.

        A path may have more folders than the file (it was written where the recordings lay once), or fewer. When both have more,
        it is the path of another file, unless it is an address and this folder gives every file another name. A path that begins
        with a folder that is here means a file in that folder.
        """
        present = parts(name, LOOSEST)
        n = n_common(wanted, present)
        if n == len(wanted):
            return n == len(present) or n == 1 or wanted[0] not in self._top_folders
        if self._folders.intersection(wanted[:-n]):  # the folder that the path names is here, and has no such file
            return False
        if n == len(present):
            return is_address or not self._folders or (n > 1 and present[0] not in self._inner_folders)
        return is_address and self._names_are_distinct


def n_common(wanted: Parts, present: Parts) -> int:
    """Return the number of equal components at the end of two paths.

    >>> n_common(("a", "b", "1.wav"), ("x", "b", "1.wav"))
    2
    """
    n = 0
    while n < min(len(wanted), len(present)) and wanted[-n - 1] == present[-n - 1]:
        n += 1
    return n


def _stem(name: str) -> str:
    return (_stem_parts(name, OF_STEMS) or ("",))[-1]


def _stem_parts(name: str, form: Callable[[str], str] = _same) -> Parts:
    """Return the components of a path without the suffix of the last one."""
    *folders, last = parts_of(name, form) or ("",)
    dot = last.rfind(".")
    return (*folders, last[:dot] if 0 < dot < len(last) - 1 else last)
