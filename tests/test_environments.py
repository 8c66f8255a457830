"""An environment of workers that Beam cannot start is refused before anything runs."""

from __future__ import annotations

import pytest

from pipeline.engines.environments import environment_faults


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--environment_type=LOOPBACK"],
        ["--environment_type=DOCKER", "--environment_config=image:1"],
        ["--environment_type=PROCESS", '--environment_config={"command": "/boot"}'],
        ["--environment_type=PROCESS", "--environment_options=process_command=/boot"],
        ["--environment_type=EXTERNAL", "--environment_config=localhost:50000"],
        ["--environment_type", "EXTERNAL", "--environment_config", '{"url": "localhost:50000"}'],
        ["--environment_type=beam:env:embedded_python:v1"],
    ],
)
def test_environments_that_beam_can_start_have_no_fault(options: list[str]) -> None:
    assert list(environment_faults(options)) == []


@pytest.mark.parametrize("config", ["", "/boot", "{", "[]", "{}", '{"command": 1}', "null"])
def test_a_process_needs_a_command_in_json(config: str) -> None:
    (line,) = environment_faults(["--environment_type=PROCESS", f"--environment_config={config}"])
    assert line.startswith("--environment_type=PROCESS: give as --environment_config a JSON object")


@pytest.mark.parametrize("config", [[], ["--environment_config="], ["--environment_config={}"], ["--environment_config={x"]])
def test_a_pool_needs_an_address(config: list[str]) -> None:
    (line,) = environment_faults(["--environment_type=EXTERNAL", *config])
    assert line.startswith("--environment_type=EXTERNAL: give the address of a pool of workers")


def test_workers_in_this_process_take_no_config() -> None:
    (line,) = environment_faults(["--environment_type=LOOPBACK", "--environment_config=localhost:1"])
    assert "leave it out" in line


def test_unknown_types_are_refused_with_the_allowed_ones() -> None:
    assert list(environment_faults(["--environment_type=FOO"])) == [
        "--environment_type=FOO: allowed are DOCKER, EXTERNAL, LOOPBACK, PROCESS"
    ]
    (line,) = environment_faults(["--environment_type=loopback"])
    assert line.endswith("did you mean LOOPBACK?")
