"""Imports go one way: records <- output <- augment, sources <- transforms <- pipeline; train imports none of them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.verbs.build import build
from tests.eager import EagerEngine
from tests.fates import make_fates, unwatched

ROOT = Path(__file__).parent.parent
OURS = {"pipeline", "transforms", "sources", "augment", "train"}
RECORDS, KEYS, MASKING, OUTPUT = "pipeline.records", "pipeline.keys", "pipeline.masking", "pipeline.output"
MACHINE = "pipeline.machine"
BELOW = {
    "pipeline/machine": {MACHINE},
    "pipeline/output": {RECORDS, KEYS, MASKING, OUTPUT},
    "augment": {RECORDS, KEYS, MASKING, OUTPUT, "augment"},
    "sources": {RECORDS, KEYS, MASKING, OUTPUT, "augment", "sources"},
    "transforms/planning": {RECORDS, KEYS, MASKING, OUTPUT, "augment", "sources", "transforms.planning"},
    "transforms/fetching": {RECORDS, KEYS, MASKING, MACHINE, OUTPUT, "sources", "transforms.fetching"},
    "transforms/audio": {RECORDS, KEYS, MASKING, MACHINE, OUTPUT, "transforms.audio"},
    "transforms/shards": {
        RECORDS,
        KEYS,
        MASKING,
        MACHINE,
        OUTPUT,
        "sources",
        "transforms.fetching",
        "transforms.audio",
        "transforms.shards",
    },
    "train": {"train"},
}
HEAVY = ("apache_beam", "torch", "transformers", "av", "pyarrow", "numpy", "pydantic", "fsspec", "filelock", "rich", "ftfy", "urllib3")


def imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


@pytest.mark.parametrize("room", BELOW)
def test_imports_go_one_way(room):
    for path in sorted((ROOT / room).rglob("*.py")):
        for name in imported(path):
            allowed = name.split(".")[0] not in OURS or any(f"{name}.".startswith(f"{below}.") for below in BELOW[room])
            assert allowed, f"{path.relative_to(ROOT)} imports {name}"


def test_records_know_nothing_else_of_ours():
    assert {name for name in imported(ROOT / "pipeline/records.py") if name.split(".")[0] in OURS} == {KEYS}
    for name in ("keys", "masking"):
        assert not {name for name in imported(ROOT / f"pipeline/{name}.py") if name.split(".")[0] in OURS}


def test_dataclasses_are_frozen_but_for_those_that_hold_the_state_of_work():
    mutable = set()
    for path in sorted(path for room in OURS for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            decorators = [ast.unparse(decorator) for decorator in node.decorator_list] if isinstance(node, ast.ClassDef) else []
            if any(text.startswith("dataclass") and "frozen=True" not in text for text in decorators):
                mutable.add(node.name)
    assert mutable == {"CaptionEditor", "DatasetCounts", "Learner", "Meter", "Progress", "StopRequest", "_Walk"}


def heavy_imports_of(*arguments: str) -> list[str]:
    """Return which heavy packages a command line has imported when it ends."""
    code = f"import sys, pipeline.command\ntry: pipeline.command.main({list(arguments)})\nexcept SystemExit: pass\n"
    code += f"print('imported', *(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()[1:]


@pytest.mark.parametrize("arguments", [["--help"], ["build", "--help"], ["status", "--help"], ["biuld"]])
def test_help_and_bad_usage_import_nothing_that_takes_time(arguments):
    assert heavy_imports_of(*arguments) == []


def test_a_fault_of_a_recipe_is_found_before_an_engine_is_imported():
    assert not {"apache_beam", "torch", "av"} & set(heavy_imports_of("build", "no-such-recipe", "--output", "x"))


def test_status_and_a_build_with_nothing_to_do_import_no_engine(tmp_path):
    recipe = make_fates(tmp_path / "in", n_good=2)
    output = str(tmp_path / "out")
    build(load_recipe(str(recipe)), Folder(output), None, EagerEngine(), unwatched)
    assert not {"apache_beam", "pyarrow", "numpy", "pydantic"} & set(heavy_imports_of("status", output))
    assert "apache_beam" not in heavy_imports_of("build", str(recipe), "--output", output)
