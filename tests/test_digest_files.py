"""Digests of rows come back as they were written, or not at all; they belong to one plan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.output.damage import DamagedFileError
from pipeline.output.digest_files import NAMES, NO_CLIP, RowDigests, by_file, joined, no_digests, read_digests, write_digests
from pipeline.output.digests_index import RecipeRead, SourceRead, checked_index, read_index, write_index
from pipeline.output.layout import N_DIGESTS, PLAN
from pipeline.output.plan_index import Plan
from pipeline.output.storage import Folder

RECIPE = RecipeRead("rules", (SourceRead("a", "1"), SourceRead("b", "2")))


def drawn(n_rows: int, seed: int = 0) -> RowDigests:
    draw = np.random.default_rng(seed)
    hashes = (draw.integers(0, 2**64 - 1, n_rows, np.uint64) for _ in range(4))
    return RowDigests(*hashes, draw.integers(NO_CLIP, 5, n_rows), draw.integers(0, 3, n_rows).astype(np.uint16))


def rows(digests: RowDigests) -> list[tuple[int, ...]]:
    return sorted(zip(*(getattr(digests, name).tolist() for name in NAMES), strict=True))


def write(digests: RowDigests, folder: Folder, plan: Plan) -> None:
    for number, part in by_file(digests).items():
        write_digests(number, part, folder, PLAN)
    write_index(folder, plan, RECIPE, PLAN)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path))


@pytest.mark.parametrize("n_rows", [0, 1, 300])
def test_digests_come_back(n_rows: int, folder: Folder) -> None:
    given, plan = drawn(n_rows), Plan("f", (), {}, {})
    write(given, folder, plan)
    index = read_index(folder, plan)
    assert index is not None and index.recipe == RECIPE
    assert rows(read_digests(folder, index.files)) == rows(given)
    assert len(index.files) <= N_DIGESTS


def test_the_order_of_rows_and_batches_does_not_change_a_byte(folder: Folder, tmp_path: Path) -> None:
    given = drawn(100)
    for number, part in enumerate((given, joined([given[np.arange(99, 49, -1)], no_digests(), given[np.arange(50)]]))):
        write_digests(0, part, folder, f"{PLAN}{number}")
    assert folder.read("plan0/digests/0.parquet") == folder.read("plan1/digests/0.parquet")


def test_a_row_is_always_in_the_same_file() -> None:
    given = drawn(200)
    parts = [by_file(given[np.arange(first, 200, 2)]) for first in (0, 1)]
    expected = {number: rows(part) for number, part in by_file(given).items()}
    assert {number: rows(joined(part[number] for part in parts if number in part)) for number in expected} == expected


def test_digests_of_another_plan_count_as_none(folder: Folder) -> None:
    write(drawn(3), folder, Plan("f", (), {"A": 3}, {}))
    assert read_index(folder, Plan("f", (), {"A": 4}, {})) is None
    assert read_index(folder, Plan("g", (), {"A": 3}, {})) is None
    assert read_index(folder, Plan("f", (), {"A": 3}, {})) is not None


@pytest.mark.parametrize(
    "value", [[], {}, {"plan": "x", "rules": "", "sources": [1], "files": {}}, {"plan": "x", "rules": "", "sources": {}}]
)
def test_a_damaged_index_is_another_error_than_a_missing_one(value: object, folder: Folder) -> None:
    with pytest.raises(FileNotFoundError):
        checked_index(folder)
    folder.write_json("plan/digests.json", value)
    with pytest.raises(ValueError, match="is"):
        checked_index(folder)
    assert read_index(folder, Plan("f", (), {}, {})) is None


def test_a_file_with_one_other_bit_is_damaged(folder: Folder) -> None:
    write(drawn(50), folder, Plan("f", (), {}, {}))
    files = checked_index(folder).files
    name = f"{PLAN}/{next(iter(files))}"
    data = bytearray(folder.read(name))
    data[20] ^= 1
    folder.write(name, bytes(data))
    with pytest.raises(DamagedFileError, match="not as it was written"):
        read_digests(folder, files)
    folder.remove(name)
    with pytest.raises(FileNotFoundError):
        read_digests(folder, files)
