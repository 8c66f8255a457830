"""A job service and an object store build the bytes of the reference; `make engines` compares all engines."""

from __future__ import annotations

import pytest

from tests.engine_lines import LINES
from tests.engines import main, run_lines

CHEAP = [line for line in LINES if line.is_cheap]


@pytest.mark.slow
def test_the_cheap_lines_build_the_bytes_of_the_reference(tmp_path):
    results, _ = run_lines(CHEAP, [], tmp_path)
    assert {result.line.name: result.differences for result in results if result.differences} == {}
    assert results[0].builds[0].books["total"]["samples"] > 300


def test_a_name_that_is_no_line_is_refused_with_the_names_that_are(capsys):
    with pytest.raises(SystemExit):
        main(["sparc"])
    assert "nothing is named 'sparc'; there are local," in capsys.readouterr().err
