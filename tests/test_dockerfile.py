"""The Dockerfile of workers agrees with the package and its tested versions. It cannot be built here: it is read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from setuptools import find_packages

ROOT = Path(__file__).parent.parent


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, as (name, arguments), with continued lines joined."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def arguments(name: str) -> list[str]:
    return [rest for given, rest in instructions() if given == name]


def test_the_image_is_that_of_the_tested_beam_and_of_a_supported_python():
    version = re.search(r"^apache-beam==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert version is not None
    assert arguments("FROM") == [f"apache/beam_python3.11_sdk:{version[1]}"]
    assert instructions()[0][0] == "FROM"


def test_every_file_that_is_copied_exists_and_every_package_is_copied():
    copied = [source for rest in arguments("COPY") for source in rest.split()[:-1]]
    assert all((ROOT / source).exists() for source in copied)
    packages = {
        name.partition(".")[0] for name in find_packages(str(ROOT), include=["pipeline*", "transforms*", "sources*", "augment*", "train*"])
    }
    assert packages <= set(copied) and {"setup.py", "constraints.txt", "README.md"} <= set(copied)
    assert tomllib.loads((ROOT / "pyproject.toml").read_text()) and "pyproject.toml" in copied


def test_what_is_copied_is_not_left_out_of_the_context():
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert not {source for rest in arguments("COPY") for source in rest.split()[:-1]} & set(ignored)
    assert {".git", "data"} <= set(ignored)


def test_the_package_is_installed_with_the_tested_versions_and_the_stores():
    installs = [rest for rest in arguments("RUN") if "pip install" in rest]
    assert len(installs) == 1 and "-c constraints.txt" in installs[0] and "--no-cache-dir" in installs[0]
    extras = next(rest for rest in arguments("ARG") if rest.startswith("EXTRAS="))
    assert set(extras.removeprefix("EXTRAS=").split(",")) == {"gcs", "s3"}
    setup = (ROOT / "setup.py").read_text()
    assert all(f'"{extra}":' in setup for extra in ("gcs", "s3", "captions"))


@pytest.mark.parametrize("name", ["ENTRYPOINT", "CMD", "USER", "ADD"])
def test_the_start_of_a_worker_is_that_of_beam(name):
    assert arguments(name) == []


def test_packages_of_the_system_come_without_recommended_ones_and_their_lists_are_removed():
    runs = [rest for rest in arguments("RUN") if "apt-get install" in rest]
    assert all("--no-install-recommends" in rest and "apt-get update" in rest and "rm -rf /var/lib/apt/lists/*" in rest for rest in runs)
