"""Every source has the members that the protocol asks for, and mypy refuses a module that has not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from sources import SOURCES
from sources.metadata.card import Card
from sources.metadata.options import SourceOptions
from sources.metadata.source import Source

ROOT = Path(__file__).parent.parent

GOOD = """
from collections.abc import Iterator
from pipeline.records import Clip, Rejection
from sources.metadata.card import Card, Need
from sources.metadata.options import SourceOptions

CARD = Card("title", "CC0-1.0", "nothing", "captions")

class Options(SourceOptions):
    path: str

def needs(options: Options) -> tuple[Need, ...]:
    return ()

def check(options: Options) -> None: ...

def read(options: Options, split: str = "train") -> Iterator[Clip | Rejection]:
    yield from ()

def fingerprint(options: Options) -> str:
    return ""
"""
WRONG = {
    "without_fingerprint": GOOD.replace("def fingerprint", "def metadata"),
    "without_card": GOOD.replace("CARD =", "TITLE ="),
    "fingerprint_is_bytes": GOOD.replace('-> str:\n    return ""', '-> bytes:\n    return b""'),
    "needs_are_words": GOOD.replace("-> tuple[Need, ...]", "-> tuple[str, ...]"),
    "read_yields_strings": GOOD.replace("Iterator[Clip | Rejection]", "Iterator[str]"),
    "check_takes_a_path": GOOD.replace("check(options: Options)", "check(options: str)"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_has_all_members_and_its_own_options(name: str) -> None:
    module = SOURCES[name]
    assert isinstance(module, ModuleType) and isinstance(module, Source)
    assert isinstance(module.CARD, Card) and all((module.CARD.title, module.CARD.license, module.CARD.bring, module.CARD.text))
    assert issubclass(module.Options, SourceOptions) and module.Options.__module__ == module.__name__


def test_a_module_without_a_fingerprint_is_not_a_source() -> None:
    module = ModuleType("incomplete")
    exec(WRONG["without_fingerprint"], module.__dict__)
    assert not isinstance(module, Source)


def test_mypy_accepts_a_complete_source_and_refuses_each_incomplete_source(tmp_path: Path) -> None:
    modules = {"complete": GOOD, **WRONG}
    for name, text in modules.items():
        (tmp_path / f"{name}.py").write_text(text)
    lines = [f"import {name}; source({name})" for name in modules]
    (tmp_path / "listing.py").write_text("\n".join(["from sources.metadata.source import source", *lines]) + "\n")
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "listing.py"]
    done = subprocess.run(command, cwd=tmp_path, env={"MYPYPATH": str(ROOT)}, capture_output=True, text=True)
    refused = {int(line.split(":")[1]) - 2 for line in done.stdout.splitlines() if line.startswith("listing.py:") and ": error: " in line}
    assert refused == set(range(1, len(modules))), done.stdout + done.stderr
