"""Find the files with text beside recordings: `rain.json` or `rain.txt` beside `rain.wav`, whatever the form of their names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from sources.metadata.file_names import FORMS
from sources.metadata.recording_names import suffix_of

SUFFIXES = (".json", ".txt")  # the first that exists is read
_composed = FORMS[1]


def side_cars(files: Iterable[str], recordings: Iterable[str]) -> dict[str, str]:
    """Return for each recording that has one its side-car: a JSON before a text, an exact name before one in another Unicode form.

    >>> side_cars(["a.wav", "a.txt", "a.json", "b.wav", "c.wav", "c.TXT"], ["a.wav", "b.wav", "c.wav"])
    {'a.wav': 'a.json', 'c.wav': 'c.TXT'}
    """
    recordings = list(recordings)
    stems = {_stem(name) for name in recordings}
    by_form: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in files:
        if (suffix := suffix_of(name)) in SUFFIXES:
            by_form[_composed(_stem(name)), suffix].append(name)
    result = {}
    for recording in recordings:
        stem = _stem(recording)
        for suffix in SUFFIXES:
            texts = by_form.get((_composed(stem), suffix), [])
            exact = [name for name in texts if _stem(name) == stem]
            others = [name for name in texts if _stem(name) not in stems]  # a text of another recording is not taken
            text = min(exact, key=lambda name: (not name.endswith(suffix), name)) if exact else others[0] if len(others) == 1 else None
            if text is not None:
                result[recording] = text
                break
    return result


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))
