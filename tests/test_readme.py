"""README, CONTRIBUTING and docs hold what the code holds: commands, tables, sentences, pictures, links."""

from __future__ import annotations

import ast
import dataclasses
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest

from pipeline import failures
from pipeline.parser import VERBS, make_parser
from pipeline.recipe.locate import bundled
from pipeline.recipe.model import BuildRecipe
from pipeline.records import LEFT_FOR_LATER, AudioLimits, Reason
from sources import SOURCES, folder, table
from tests import documents
from tests.documents import ROOT
from tests.fates import build_into

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FAQ = (ROOT / "docs" / "faq.md").read_text(encoding="utf-8")
FORMAT = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
STATUS = (ROOT / "docs" / "status.md").read_text(encoding="utf-8")
FROM_CODE = ("pipeline", "transforms", "sources", "augment")


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a build of the bundled set."""
    output = tmp_path_factory.mktemp("set") / "quickstart"
    build_into(output, documents.RECIPE)
    return output


def test_every_part_that_is_made_from_the_code_is_up_to_date(quickstart: Path) -> None:
    for path, text in documents.pages(quickstart):
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run `python -m tests.documents`"


def test_the_picture_is_that_of_a_folder_of_any_name(quickstart: Path) -> None:
    assert documents.picture(quickstart) == documents.picture(quickstart.rename(quickstart.parent / "another"))
    quickstart.parent.joinpath("another").rename(quickstart)


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_every_folder_of_modules_has_its_line_of_seven_words_at_most() -> None:
    lines = documents.FOLDERS
    for path in documents.tracked("."):
        assert any(path.startswith(f"{name}/") for name in lines) or "/" not in path, path
    assert all((ROOT / name).is_dir() and len(text.split()) <= 7 for name, text in lines.items())


def test_the_commands_of_the_readme_are_those_that_were_recorded() -> None:
    shown = re.search(r"<!-- made:commands -->\n```\n(.*?)```", README, re.DOTALL)
    assert shown is not None
    assert [line[2:] for line in shown[1].splitlines() if line.startswith("$ ")] == list(documents.COMMANDS)


def test_every_reason_has_its_row() -> None:
    rows = re.findall(r"^\| ([a-z_]+)(\**) \|", FORMAT.partition("## Reasons")[2], re.MULTILINE)
    stars = {str(reason): "*" * (reason.transient + (reason in LEFT_FOR_LATER)) for reason in Reason}
    assert {name: given for name, given in rows if name != "reason"} == stars


def test_every_source_is_named_once_in_the_table_and_has_its_section() -> None:
    table = [line for line in README.partition("## Sources")[2].partition("\n## ")[0].splitlines() if line.startswith("|")]
    assert len(table) <= 14 and sorted(re.findall(r"`(\w+)`", "".join(table))) == sorted(SOURCES)
    page = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    headings = [heading for heading in re.findall(r"^## (.+)$", page, re.MULTILINE) if heading.split(", ")[0] in SOURCES]
    assert headings == sorted(headings)
    assert sorted(name for heading in headings for name in heading.split(", ")) == sorted(SOURCES)


def test_the_sizes_of_the_table_are_those_of_the_cards() -> None:
    sizes = re.findall(r"`(\w+)` \(([\d,]+)[^)]*\)", README.partition("## Sources")[2].partition("\n## ")[0])
    assert len(sizes) > 15
    for name, size in sizes:
        known = (SOURCES[name].CARD.size, f"{sum(part.n_clips for part in SOURCES[name].CARD.parts.values()):,}")
        assert name == "quickstart" or any(size in text for text in known), name


def test_the_verbs_of_the_status_are_those_that_run() -> None:
    assert set(documents.verbs()) == set(VERBS)


def test_every_verb_and_every_source_is_run_by_a_test() -> None:
    assert all(documents.files_that(documents.runs_verb, verb) for verb in VERBS)
    assert all(documents.tests_of_source(name) for name in SOURCES)


def test_what_is_not_there_yet_is_not_there() -> None:
    missing = STATUS.partition("## Not there yet")[2]
    words = re.findall(r"`([^`]+)`", "".join(line.split("|")[1] for line in missing.splitlines() if line.startswith("| ")))
    assert "\n| missing | today |" in missing
    assert not set(words) & {*VERBS, *SOURCES, *bundled()}


def test_every_make_target_that_is_named_exists() -> None:
    named = {name for page in PAGES for name in re.findall(r"(?:`|^ +|\$ )make ([a-z][a-z-]*)", page.read_text(), re.MULTILINE)}
    assert "mutants" in named
    assert named <= set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("line", re.findall(r"^    laion-audio (.*?)(?:\s+#.*)?$", README + STATUS, re.MULTILINE))
def test_every_command_line_parses(line: str) -> None:
    make_parser().parse_known_args(shlex.split(line))


def test_the_recipe_holds_only_known_keys() -> None:
    text = re.search(r'(    name = "my-sounds".*?)\n\nThen', README, re.DOTALL)
    assert text is not None
    recipe = tomllib.loads(re.sub(r"^    ", "", text[1], flags=re.MULTILINE))
    assert set(recipe) <= set(BuildRecipe.model_fields)
    assert set(recipe["sources"][-1]["audio"]) <= {field.name for field in dataclasses.fields(AudioLimits)}
    for entry, source in zip(recipe["sources"], (table, folder), strict=True):
        assert set(entry) <= set(source.Options.model_fields)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # webdataset leaves the last tar open
def test_the_lines_that_load_shards_load_them(quickstart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("webdataset")
    block = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert block is not None
    (quickstart.parent / "data").mkdir(exist_ok=True)
    monkeypatch.chdir(quickstart.parent)
    (quickstart.parent / "data" / "quickstart").symlink_to(quickstart)
    monkeypatch.setenv("HF_HOME", str(quickstart.parent / "huggingface"))
    names: dict = {}
    exec(block[1], names)
    assert names["rows"].num_rows == sum(shard.n_samples for shard in names["shards"])
    n_samples = sum(shard.n_samples for shard in names["shards"])
    samples = list(names["tars"])
    assert len(samples) == n_samples > 60
    assert all(sample["flac"][:4] == b"fLaC" and sample["json"] for sample in samples)


def test_every_link_leads_to_a_file_and_a_heading() -> None:
    for page in PAGES:
        for target, heading in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
            path = page.parent / target if target else page
            assert path.exists(), f"{page.name}: {target}"
            assert not heading or heading in headings(path), f"{page.name}: {target}#{heading}"


def headings(path: Path) -> set[str]:
    """Return the names by which a page's headings are linked."""
    titles = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_module_that_a_page_names_exists() -> None:
    rooms = "|".join((*documents.ROOMS, "tests"))
    for page in PAGES:
        for name in re.findall(rf"`((?:{rooms})/[\w/]+\.py)`", page.read_text(encoding="utf-8")):
            assert (ROOT / name).is_file(), f"{page.name}: {name}"


def strings_of_the_code() -> list[str]:
    """Return every string of the code, f-strings by their pieces."""
    trees = (ast.parse((ROOT / path).read_text(encoding="utf-8")) for room in FROM_CODE for path in documents.tracked(room))
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return [node.value for node in nodes if isinstance(node.value, str)]


def test_every_sentence_of_the_faq_is_one_of_the_code() -> None:
    strings = strings_of_the_code()
    sentences = re.findall(r"^### `(.*)`$", FAQ, re.MULTILINE)
    assert len(sentences) > 12
    for piece in (piece for sentence in sentences for piece in sentence.split("…") if len(piece.strip(" :;,()")) > 2):
        assert any(piece.strip() in text for text in strings), piece


def test_every_failure_and_every_remedy_is_in_the_faq() -> None:
    for remedy in (failures.AGAIN, failures.DAMAGED, failures.REPORT, failures.STOPPED, failures.MEMORY):
        assert remedy in FAQ
    calls = [node for node in ast.walk(ast.parse(Path(failures.__file__).read_text())) if isinstance(node, ast.Call)]
    given = [argument for call in calls if getattr(call.func, "id", "") == "Failure" for argument in call.args[:2]]
    pieces = {node.value for argument in given for node in ast.walk(argument) if isinstance(node, ast.Constant)}
    for piece in (piece for piece in pieces if isinstance(piece, str) and len(piece) > 2):
        assert piece.strip() in FAQ, piece


def test_every_reason_of_the_faq_exists() -> None:
    rows = re.findall(r"^\| ([a-z_, ]+) \|", FAQ.partition("## My rows were rejected")[2], re.MULTILINE)
    named = {name for row in rows[1:] for name in row.split(", ")}
    assert len(named) > 12 and named <= {str(reason) for reason in Reason}


def test_decisions_are_short() -> None:
    for section in (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8").split("\n## ")[1:]:
        assert len(section.strip().splitlines()) <= 11, section.splitlines()[0]


def test_the_output_that_is_shown_was_recorded_and_only_shortened() -> None:
    shown = documents.commands_block().splitlines()[1:-1]
    recorded = documents.RECORDED.read_text(encoding="utf-8")
    assert all(line.startswith("$ ") or line.removesuffix(" …").replace('"', '\\"') in recorded for line in shown)


def test_git_holds_every_page() -> None:
    known = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert {path.relative_to(ROOT).as_posix() for path in PAGES} <= set(known)
