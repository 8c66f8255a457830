"""A bounded file gives as many bytes as its budget, and not one more."""

import io
from pathlib import Path

import pytest

from transforms.fetching.roots.archive_members import BLOCK, BoundedFile


@pytest.fixture
def file(tmp_path: Path):
    (tmp_path / "a").write_bytes(bytes(range(100)))
    with BoundedFile(io.FileIO(tmp_path / "a")) as file:
        yield file


def test_without_a_budget_everything_is_read(file):
    assert (file.read(3), file.read(), file.budget, BLOCK) == (b"\0\1\2", bytes(range(3, 100)), None, 65_536)


def test_the_budget_is_what_may_still_be_read(file):
    file.budget = 50
    assert (file.read(20), file.budget) == (bytes(range(20)), 30)
    assert (file.read(0), file.read(30), file.budget) == (b"", bytes(range(20, 50)), 0)
    with pytest.raises(ValueError, match="its list of members is longer than any that is read"):
        file.read(1)


@pytest.mark.parametrize("size", [-1, None])
def test_all_the_rest_counts_as_its_length(file, size):
    file.seek(60)
    file.budget = 39
    with pytest.raises(ValueError, match="longer than any"):
        file.read(size)
    file.budget = 40
    assert (file.read(size), file.budget) == (bytes(range(60, 100)), 0)
    file.seek(1000)
    assert file.read(size) == b""


def test_bytes_beyond_the_end_do_not_count(file):
    file.seek(90)
    file.budget = 50
    assert (file.read(50), file.budget) == (bytes(range(90, 100)), 40)
