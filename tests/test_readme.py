"""The README tells the truth: its commands exist, its tables are those of the code, its sample is a real one.

`python -m tests.test_readme` writes the parts that are made from the code.
"""

from __future__ import annotations

import ast
import dataclasses
import json
import re
import shlex
import subprocess
import tarfile
import tempfile
import tomllib
from pathlib import Path

import pytest

from pipeline.parser import make_parser
from pipeline.recipe.model import BuildRecipe
from pipeline.records import AudioLimits, Reason
from sources import SOURCES, folder, table

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
SAMPLE = "quickstart-kick-clean"
FOLDERS = ("pipeline", "transforms", "sources", "augment", "train", "bench")


def tree() -> str:
    """Return every module of the project with the first line of its docstring."""
    lines = []
    for place in FOLDERS:
        lines.append(f"{place}/")
        for path in sorted((ROOT / place).rglob("*.py")):
            said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            name = path.relative_to(ROOT / place).as_posix()
            if name != "__init__.py" and tracked(path):
                lines.append(f"  {name:<26} {said.splitlines()[0] if said else ''}".rstrip())
    return "\n".join(lines)


def tracked(path: Path) -> bool:
    """Return whether git knows the file: what lies about in a checkout is not part of the tree."""
    found = subprocess.run(["git", "ls-files", "--error-unmatch", str(path)], cwd=ROOT, capture_output=True)
    return found.returncode == 0


def sample() -> str:
    """Return the JSON of one sample of the bundled set, as the pipeline writes it."""
    from tests.fates import build_into

    with tempfile.TemporaryDirectory() as place:
        build_into(Path(place), ROOT / "pipeline" / "recipe" / "bundled" / "quickstart.toml")
        for path in sorted(Path(place).rglob("*.tar")):
            with tarfile.open(path) as tar:
                if f"{SAMPLE}.json" in tar.getnames():
                    return json.dumps(json.load(tar.extractfile(f"{SAMPLE}.json")), indent=1, ensure_ascii=False)  # type: ignore[arg-type]
    raise AssertionError(f"{SAMPLE} is not in the bundled set")


def block(name: str) -> str:
    """Return the fenced block that follows the mark `<!-- name -->`."""
    found = re.search(rf"<!-- {name} -->\n```\w*\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    return found[1].strip()


def test_the_tree_is_that_of_the_code() -> None:
    assert block("tree") == tree(), "run `python -m tests.test_readme`"


def test_the_sample_is_what_the_pipeline_writes() -> None:
    assert block("sample") == sample(), "run `python -m tests.test_readme`"


def test_every_reason_has_its_row() -> None:
    rows = re.findall(r"^\| ([a-z_]+)(\*?) \|", TEXT, re.MULTILINE)
    assert {name: bool(star) for name, star in rows if name not in {"reason", "source"}} == {
        str(reason): reason.transient for reason in Reason
    }


def test_every_source_has_its_row() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)) == set(SOURCES)


def test_every_make_target_that_is_named_exists() -> None:
    named = set(re.findall(r"\bmake ([a-z][a-z-]*)", TEXT + (ROOT / "CONTRIBUTING.md").read_text()))
    there = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named - {"and"} <= there


@pytest.mark.parametrize("line", re.findall(r"^    laion-audio (.*?)(?:\s+#.*)?$", TEXT, re.MULTILINE))
def test_every_command_line_parses(line: str) -> None:
    make_parser().parse_known_args(shlex.split(line))


def test_the_recipe_holds_only_known_keys() -> None:
    text = re.search(r'(    name = "my-sounds".*?)\n\nColumns', TEXT, re.DOTALL)
    assert text is not None
    recipe = tomllib.loads(re.sub(r"^    ", "", text[1], flags=re.MULTILINE))
    assert set(recipe) <= set(BuildRecipe.model_fields)
    assert set(recipe["audio"]) <= {field.name for field in dataclasses.fields(AudioLimits)}
    for entry, source in zip(recipe["sources"], (table, folder), strict=True):
        assert set(entry) <= set(source.Options.model_fields)


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", TEXT):
        assert (ROOT / target).exists(), target


if __name__ == "__main__":
    for mark, made, fence in (("tree", tree(), ""), ("sample", sample(), "json")):
        pattern = rf"<!-- {mark} -->\n```\w*\n.*?```"
        TEXT = re.sub(
            pattern, lambda _, mark=mark, made=made, fence=fence: f"<!-- {mark} -->\n```{fence}\n{made}\n```", TEXT, flags=re.DOTALL
        )
    README.write_text(TEXT, encoding="utf-8")
