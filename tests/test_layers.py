"""Imports go one way: records, augment <- sources <- transforms <- pipeline; train knows none of them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = {"pipeline", "transforms", "sources", "augment", "train"}
ALLOWED = {
    "augment": {"augment"},
    "train": {"train"},
    "sources": {"sources", "augment", "pipeline.records"},
    "transforms": {"transforms", "sources", "augment", "pipeline.records", "pipeline.storage"},
}
HEAVY = ("apache_beam", "torch", "transformers", "av", "pyarrow")


def imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


@pytest.mark.parametrize("layer", ALLOWED)
def test_imports_go_one_way(layer):
    for path in sorted((ROOT / layer).rglob("*.py")):
        for name in imported(path):
            known = name.split(".")[0] not in OURS or name.split(".")[0] in ALLOWED[layer] or name in ALLOWED[layer]
            assert known, f"{path.relative_to(ROOT)} imports {name}"


def test_records_know_nothing_else_of_ours():
    assert not {name for name in imported(ROOT / "pipeline/records.py") if name.split(".")[0] in OURS}


def test_the_command_line_starts_without_what_only_some_verbs_need():
    code = f"import sys, pipeline.command; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
