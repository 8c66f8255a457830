"""The code in exported folders: complete, importing nothing of this project, named by its content."""

import ast
import sys

from train.hub import carried
from train.hub.carried import carried_code, write_extractor

ALLOWED = {"numpy", "torch", "transformers"}


def test_the_sources_import_each_other_and_nothing_of_this_project():
    sources = carried_code().sources
    for name, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and node.level:
                assert f"{node.module}.py" in sources, f"{name} imports {node.module}"
            elif isinstance(node, ast.ImportFrom):
                assert node.module.split(".")[0] in ALLOWED | sys.stdlib_module_names, f"{name} imports {node.module}"
            elif isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= ALLOWED | sys.stdlib_module_names, name


def test_the_class_has_another_name_when_any_source_changes(monkeypatch):
    code = carried_code()
    assert f"class {code.class_name}(" in code.sources["feature_extraction.py"]
    assert carried_code() == code
    files = carried.imported_files

    def with_one_more_import(source: str) -> list:
        return [*files(source), carried.ROOT / "train/towers/specaugment.py"]

    monkeypatch.setattr(carried, "imported_files", with_one_more_import)
    assert carried_code().class_name != code.class_name


def test_writing_twice_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_extractor(tmp_path / name, fused=True)
    assert {p.name: p.read_bytes() for p in (tmp_path / "a").iterdir()} == {p.name: p.read_bytes() for p in (tmp_path / "b").iterdir()}
