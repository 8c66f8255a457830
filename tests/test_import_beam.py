"""A local pipeline imports Beam without packages that no step uses; nothing else notices."""

import importlib
import subprocess
import sys
import threading

import pytest

from pipeline.engines import import_beam

PROGRAM = """
import sys
from pipeline.engines.import_beam import OPTIONAL, import_beam
import_beam()
import_beam()
assert not set(OPTIONAL) & set(sys.modules), set(OPTIONAL) & set(sys.modules)
import pyarrow
pyarrow.Table.from_pylist([{"a": [1], "b": None}])
import apache_beam as beam
from pipeline.engines.run import Engine
grouped = beam.GroupBy(lambda number: number % 2)
def line(key, values):
    sys.stdout.write(f"{key} {sorted(values)}\\n")  # one write: several threads print
Engine("local", 2).run(lambda root: root | beam.Create([3, 1, 2]) | grouped | beam.MapTuple(line))
assert "pandas" not in sys.modules
import pandas
assert pandas.Series([1]).sum() == 1
"""


def test_beam_runs_without_the_packages_which_can_be_imported_afterwards():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == ["0 [2]", "1 [1, 3]"]


def test_packages_are_missing_for_one_thread_and_for_its_time_alone():
    results = []

    def other():
        results.append(importlib.import_module("colorsys"))

    sys.modules.pop("colorsys", None)
    with import_beam._without(["colorsys"]):
        with pytest.raises(ImportError):
            importlib.import_module("colorsys")
        importlib.import_module("stringprep")  # not named
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert results
    sys.modules.pop("colorsys")
    assert importlib.import_module("colorsys")


def test_the_search_for_modules_is_as_before_after_a_failure():
    before = list(sys.meta_path)
    with pytest.raises(KeyError), import_beam._without(["colorsys"]):
        raise KeyError
    assert sys.meta_path == before
