"""Turn the labels of FSD50K into the display names of AudioSet, and read the table of its labels."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from augment.class_names import AUDIOSET
from sources.metadata.text_lines import lines_of, unreadable

N_CELLS = 3  # index, label, machine id
MAX_LABELS = 10_000


def display_name(label: str) -> str:
    """Return the display name of a label. FSD50K writes `_` for a blank, and `_and_` for a comma.

    A label whose `_and_` is the word of the name keeps it: a comma is written only where AudioSet has it.

    >>> display_name("Gunshot_and_gunfire"), display_name("Electric_guitar"), display_name("Dishes_and_pots_and_pans")
    ('Gunshot, gunfire', 'Electric guitar', 'Dishes, pots, and pans')
    """
    return _with_commas().get(label, label.replace("_", " "))


def label_of(name: str) -> str:
    """Return the label of a display name.

    >>> label_of("Dishes, pots, and pans"), label_of("Fill (with liquid)")
    ('Dishes_and_pots_and_pans', 'Fill_(with_liquid)')
    """
    return name.replace(", and ", "_and_").replace(", ", "_and_").replace(" ", "_")


def vocabulary_in(path: Path) -> frozenset[str]:
    """Return the labels that vocabulary.csv lists; it has no header, and a label between its index and its machine id.

    Raises:
        ValueError: it is another file.
    """
    labels: set[str] = set()
    for number, line in enumerate(lines_of(path), 1):
        try:
            cells = next(csv.reader([line]), [])
        except csv.Error:
            cells = [line]
        if cells and cells != ["index", "label", "mid"]:  # some copies have a header
            if len(cells) != N_CELLS or not cells[0].isdigit() or not cells[1] or unreadable(line) or len(labels) >= MAX_LABELS:
                raise ValueError(f"{path}: line {number} is not an index, a label and a machine id: is it vocabulary.csv of FSD50K?")
            labels.add(cells[1])
    if not labels:
        raise ValueError(f"{path}: the file is empty; vocabulary.csv of FSD50K is needed")
    return frozenset(labels)


@cache
def _with_commas() -> dict[str, str]:
    return {label_of(name): name for name in AUDIOSET.splitlines() if name}
