"""Prism is found where `go install` puts it, never taken for another program of its name, and never downloaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.engines import prism
from pipeline.engines.prism_program import find_prism, is_prism
from pipeline.output.storage import Folder

BEAMS = "#!/bin/sh\necho 'Usage: -job_port int' >&2\n"
OTHER = "#!/bin/sh\necho 'prism: mock servers of HTTP'\n"


def program(path: Path, text: str = BEAMS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine without programs."""
    for name in ("PATH", "GOBIN", "GOPATH"):
        monkeypatch.setenv(name, str(tmp_path / name))
    return tmp_path


def test_a_given_file_is_taken_and_one_that_is_not_prism_is_refused(machine):
    program(machine / "PATH" / "prism")
    given, other = program(machine / "mine"), program(machine / "other", OTHER)
    assert find_prism(str(given)) == given
    for wrong in (other, machine, machine / "missing", "https://example.org/prism.zip"):
        with pytest.raises(FileNotFoundError, match=r"--prism_location=.* is not the program Prism; install it with `go install .*@v"):
            find_prism(str(wrong))


@pytest.mark.parametrize("where", ["PATH/prism", "GOBIN/prism", "GOPATH/bin/prism"])
def test_prism_is_found_in_every_place_of_programs(machine, where):
    assert find_prism(str(program(machine / where))) == machine / where
    assert find_prism() == machine / where


def test_another_program_named_prism_on_the_path_is_passed_over(machine):
    program(machine / "PATH" / "prism", OTHER)
    ours = program(machine / "GOPATH" / "bin" / "prism")
    assert find_prism() == ours


def test_a_file_that_cannot_run_is_not_prism(machine):
    path = program(machine / "broken", "#!/no/such/shell\n")
    assert not is_prism(path)
    path.chmod(0o644)
    assert not is_prism(path)


def test_without_prism_the_command_is_refused_with_the_way_to_get_it(machine):
    (line,) = prism.faults((), Folder("/nowhere"), None)
    assert line.startswith(
        "Prism is not on PATH, and not in the folder of programs of Go; install it with `go install github.com/apache/beam/"
    )
    program(machine / "GOBIN" / "prism")
    assert list(prism.faults((), Folder("/nowhere"), None)) == []


def test_a_prism_that_runs_already_must_answer(machine):
    (line,) = prism.faults(("--job_endpoint=localhost:1",), Folder("/nowhere"), None)
    assert line.startswith("--job_endpoint=localhost:1: nothing answers there")
