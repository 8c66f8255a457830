"""`constraints.txt` pins what the extras need, and the pins agree with each other."""

from __future__ import annotations

import importlib.metadata
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import setuptools
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent


def pins() -> dict[str, str]:
    """Return the version that each package is pinned to, by its canonical name."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = (line.partition("==")[::2] for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def needed(requirement: Requirement, extras: set[str]) -> bool:
    """Return whether a requirement of a package holds on this machine, with some of its extras."""
    return requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras | {""})


@pytest.fixture(scope="module")
def of_setup() -> dict[str, Any]:
    """The arguments that `setup.py` gives to setuptools."""
    given: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setuptools, "setup", lambda **arguments: given.update(arguments))
        patch.chdir(ROOT)
        runpy.run_path(str(ROOT / "setup.py"))
    return given


@pytest.mark.parametrize("extra", ["gcs", "s3", "train", "publish", "dev", "captions", "bench", "spark", "dataflow", "engines"])
def test_every_requirement_of_an_extra_is_pinned_to_a_version_that_it_allows(extra: str, of_setup: dict[str, Any]) -> None:
    versions = pins()
    for requirement in map(Requirement, [*of_setup["install_requires"], *of_setup["extras_require"][extra]]):
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, requirement
        assert requirement.specifier.contains(version), (requirement, version)


def test_the_pins_of_installed_packages_satisfy_each_other(of_setup: dict[str, Any]) -> None:
    """Follow the requirements through the packages that are installed here as pinned; the parts of torch have no pins."""
    versions, faults, seen = pins(), [], set[tuple[str, frozenset[str]]]()
    extras = [each for extra in ("gcs", "s3", "train", "dev") for each in of_setup["extras_require"][extra]]
    waiting = [Requirement(each) for each in (*of_setup["install_requires"], *extras)]
    while waiting:
        requirement = waiting.pop()
        name, wanted = canonicalize_name(requirement.name), frozenset(requirement.extras)
        version = versions.get(name)
        if version is not None and not requirement.specifier.contains(version, prereleases=True):
            faults.append(f"{requirement}: pinned to {version}")
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        try:
            installed = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if installed.version == version:
            waiting += [each for line in installed.requires or () if needed(each := Requirement(line), set(wanted))]
    assert faults == []
    assert len(seen) > 50


def test_the_packages_of_object_stores_are_pinned_together() -> None:
    versions = pins()
    assert versions["fsspec"] == versions["s3fs"]
    assert {"gcsfs", "aiobotocore", "botocore", "google-cloud-storage", "google-auth", "moto"} <= versions.keys()
    assert all(re.fullmatch(r"[0-9][0-9a-z.+]*", version) for version in versions.values())
