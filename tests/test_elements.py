"""A job holds few elements itself; many are read from files, in the same order, and only if they are what was written."""

from __future__ import annotations

import pytest

from pipeline.engines import elements as module
from pipeline.engines.elements import Elements, elements, read_elements
from pipeline.engines.spark_runner import longest_create
from pipeline.output.damage import DamagedFileError
from pipeline.output.storage import Folder
from tests.eager import collect
from tests.pipeline_building import empty_pipeline


@pytest.fixture
def folder(tmp_path):
    return Folder(str(tmp_path))


def given(values, folder):
    with elements(values, folder) as transform:
        return collect(lambda root: [root | transform])[0]


@pytest.mark.parametrize("n", [0, 1, 499, 500, 501, 1200])
@pytest.mark.parametrize("max_bytes", [0, 10**9])
def test_elements_come_in_their_order_whether_the_job_or_files_hold_them(n, max_bytes, folder, monkeypatch):
    monkeypatch.setattr(module, "MAX_IN_JOB", max_bytes)
    assert given(list(range(n)), folder) == list(range(n))
    assert folder.names() == []


def test_files_are_written_only_for_many_and_are_there_while_the_job_runs(folder, tmp_path, monkeypatch):
    with elements(["x" * 10] * 100, folder) as few:
        assert not few.files and not list(tmp_path.rglob("0*"))
    monkeypatch.setattr(module, "MAX_IN_JOB", 10)
    with elements(["x" * 10] * 1001, folder) as many:
        assert len(many.files) == 3 == len(list(tmp_path.rglob("0*")))
    assert not list(tmp_path.rglob("0*"))


def test_files_are_removed_after_a_failure(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_IN_JOB", 0)
    with pytest.raises(ZeroDivisionError), elements([1], folder):
        raise ZeroDivisionError
    assert not list(tmp_path.rglob("0*"))


def test_a_worker_loads_nothing_that_another_program_wrote(folder, monkeypatch):
    monkeypatch.setattr(module, "MAX_IN_JOB", 0)
    file, data = next(iter(Elements([1, 2], folder).files.items()))
    folder.write(file.name, data)
    assert read_elements(file, folder) == [1, 2]
    folder.write(file.name, b"cos\nsystem\n(S'exit 1'\ntR.")
    with pytest.raises(DamagedFileError):
        read_elements(file, folder)


@pytest.mark.parametrize("max_bytes", [10, 10**9])
def test_a_job_of_spark_has_a_part_for_each_element_whether_or_not_they_are_in_files(max_bytes, folder, monkeypatch):
    monkeypatch.setattr(module, "MAX_IN_JOB", max_bytes)
    with elements(["x" * 10] * 1001, folder) as transform, empty_pipeline() as pipeline:
        _ = pipeline | transform
        assert longest_create(pipeline) == 1001
