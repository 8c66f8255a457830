"""Imports go one way: records <- output <- augment, sources <- transforms <- pipeline; train imports none of them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = {"pipeline", "transforms", "sources", "augment", "train"}
RECORDS, OUTPUT = "pipeline.records", "pipeline.output"
BELOW = {
    "pipeline/output": {RECORDS, OUTPUT},
    "augment": {RECORDS, OUTPUT, "augment"},
    "sources": {RECORDS, OUTPUT, "augment", "sources"},
    "transforms/planning": {RECORDS, OUTPUT, "augment", "sources", "transforms.planning"},
    "transforms/fetching": {RECORDS, OUTPUT, "sources", "transforms.fetching"},
    "transforms/audio": {RECORDS, OUTPUT, "transforms.audio"},
    "transforms/shards": {RECORDS, OUTPUT, "sources", "transforms.fetching", "transforms.audio", "transforms.shards"},
    "train": {"train"},
}
HEAVY = ("apache_beam", "torch", "transformers", "av", "pyarrow")


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
    assert not {name for name in imported(ROOT / "pipeline/records.py") if name.split(".")[0] in OURS}


def test_the_command_line_starts_without_what_only_some_verbs_need():
    code = f"import sys, pipeline.command; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
