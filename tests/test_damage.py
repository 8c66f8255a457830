"""The error of a damaged file names the file and what is wrong, also in another process."""

from __future__ import annotations

import pickle

from pipeline.output.damage import DamagedFileError


def test_the_text_has_the_name_of_the_file_first() -> None:
    error = DamagedFileError("plan/plan.json", "not JSON")
    assert (str(error), error.name, error.what) == ("plan/plan.json: damaged: not JSON", "plan/plan.json", "not JSON")
    assert isinstance(error, ValueError)


def test_it_comes_back_from_another_process() -> None:
    error = pickle.loads(pickle.dumps(DamagedFileError("a", "b")))
    assert (type(error), str(error), error.name, error.what) == (DamagedFileError, "a: damaged: b", "a", "b")
