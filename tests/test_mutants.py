"""The mutants: chosen again by the same seed, other code that compiles, and sorted into killed and survived by the tests."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests import mutants
from tests.mutants import EQUIVALENT, ROOT, choose, known_equivalents, main, matching_tests, mutants_of, run_tests, summary
from tests.mutations import is_other_code, mutations

SOME = ("augment", "pipeline/records.py")  # enough to choose from: reading every module takes seconds
BROKEN = {
    "a < b": "comparison: < -> <=",
    "a >= b": "comparison: >= -> >",
    "a == b": "comparison: == -> !=",
    "a not  in b": "comparison: not  in -> in",
    "a is b": "comparison: is -> is not",
    "a and b": "boolean: and -> or",
    "a + b": "arithmetic: + -> -",
    "a // b": "arithmetic: // -> *",
    "x += a": "arithmetic: += -> -=",
    "f(True)": "constant: True -> False",
    "f(8)": "constant: 8 -> 7",
    "f(0)": "constant: 0 -> 1",
    "f(0.5)": "constant: 0.5 -> 1.0",
    "f(1e-12)": "constant: 1e-12 -> 1.0",
    "f('ä')": "constant: 'ä' -> 'äX'",
    "f(b'a')": "constant: b'a' -> b'aX'",
    "f(not a)": "dropped not: not  -> ",
    "f(-a)": "dropped minus: - -> ",
    "x = a if f(b) else c": "negated condition: f(b) -> not f(b)",
    "x = [a for a in b if a]": "negated condition: a -> not a",
    "x = min(a)": "swapped call: min -> max",
    "x = a.startswith(b)": "swapped call: startswith -> endswith",
    "f(a, b)": "swapped arguments: a, b -> b, a",
    "sorted(a, key=lambda row: (row.b, row.c))": "swapped arguments: row.b, row.c -> row.c, row.b",
    "sorted(a, reverse=b)": "removed keyword: , reverse=b -> ",
    "f(a=b, c=d)": "removed keyword: a=b,  -> ",
    "f.close()": "deleted statement: f.close() -> pass",
    "x.y = a": "deleted statement: x.y = a -> pass",
    "del x": "deleted statement: del x -> pass",
    "raise ValueError(a)": "deleted statement: raise ValueError(a) -> pass",
    "for x in a: continue": "deleted statement: continue -> pass",
    "class A(Module):\n def f(self): super().__init__()": "deleted statement: super().__init__() -> pass",
    "def f(): return a": "dropped value: return a -> return None",
}
UNTOUCHED = [
    '"""A docstring."""',
    "import a.b",
    "from a import b",
    "__all__ = ['a']",
    "def f(a: 'A', *b: Literal['c']) -> D[8]: ...",
    "class A: b: Annotated[int, Field(gt=0)]",
    "A = B | None",
    "assert a < b",
    "x = f'{a + b} of {c}'",
    "print('done')",
    "log.warning('slow')",
    "x = ValueError('bad')",
    "x = 'a text of words'",
    "x = 'Label' >> a",
    "x = folder / f'name'",
    "x = open(a, encoding='utf-8')",
    "@dataclass(frozen=True)\nclass A: pass",
    "if TYPE_CHECKING: f()",
    "class A(beam.PTransform):\n def __init__(self): super().__init__()",
]


@pytest.mark.parametrize(("line", "expected"), BROKEN.items())
def test_a_line_is_broken_as_its_kind_says(line: str, expected: str) -> None:
    assert expected in [str(mutation) for mutation in mutations(line)]


@pytest.mark.parametrize("line", UNTOUCHED)
def test_what_changes_no_result_is_not_broken(line: str) -> None:
    assert [str(mutation) for mutation in mutations(line) if mutation.kind != "swapped arguments"] == []


def test_sentences_are_data_only_where_asked() -> None:
    assert [mutation.new for mutation in mutations("x = 'the sound of a'", sentences=True)] == ["'the sound of aX'"]


def test_a_message_is_not_broken_but_the_value_beside_it_is() -> None:
    assert {str(mutation) for mutation in mutations("raise Rejected(8, 'bad')")} >= {"constant: 8 -> 9", "constant: 8 -> 7"}
    assert not [mutation for mutation in mutations("raise Rejected(8, 'bad')") if "bad" in mutation.new and mutation.kind == "constant"]


def test_operators_are_found_beside_comments_and_line_breaks() -> None:
    source = "x = (\n    a  # and so on\n    and b\n)\n"
    assert [mutation.apply(source) for mutation in mutations(source)] == ["x = (\n    a  # and so on\n    or b\n)\n"]


def test_every_mutation_of_the_project_changes_one_line_of_it() -> None:
    paths = ["pipeline/records.py", "augment/guard.py", "transforms/audio/excerpt.py", "train/scores/metrics.py"]
    for path in paths:
        source = (ROOT / path).read_text(encoding="utf-8")
        for mutant in (mutant for line in mutants_of(ROOT, path).values() for mutant in line):
            lines = zip(source.split("\n"), mutant.mutation.apply(source).split("\n"), strict=True)
            assert [n for n, (old, new) in enumerate(lines, 1) if old != new] == [mutant.mutation.line], mutant


def test_most_mutations_compile_to_other_code() -> None:
    source = (ROOT / "augment/guard.py").read_text(encoding="utf-8")
    outcomes = Counter(is_other_code(source, mutation.apply(source)) for mutation in mutations(source))
    assert outcomes[True] > 50 and outcomes[False] < outcomes.total() / 20


def test_code_that_does_not_compile_or_means_the_same_is_not_other_code() -> None:
    assert not is_other_code("x = 1", "x = = 1")
    assert not is_other_code("x = 1", "return 1")
    assert not is_other_code("x = 1", "x = (1)")
    assert is_other_code("x = 1", "x = 2")


def test_equal_numbers_and_seeds_choose_equal_mutants_of_different_lines() -> None:
    chosen = choose(ROOT, SOME, 30, 7)
    code = f"from tests.mutants import *; print(*choose(ROOT, {SOME}, 30, 7), sep='\\n')"
    again = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert again.splitlines() == [str(mutant) for mutant in chosen]
    assert len({(mutant.path, mutant.mutation.line) for mutant in chosen}) == 30
    assert chosen != choose(ROOT, SOME, 30, 8)
    assert chosen[:10] == choose(ROOT, SOME, 10, 7)


def test_each_listed_equivalent_is_a_mutation_of_a_line_that_exists() -> None:
    for path, text, mutation in known_equivalents(ROOT):
        known = [(mutant.text, str(mutant.mutation)) for line in mutants_of(ROOT, path).values() for mutant in line]
        assert (text, mutation) in known, f"{EQUIVALENT}: no such mutation: {path}: {text}: {mutation}"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a git checkout with a module of three lines that can be broken; one of them no test looks at."""
    files = {
        "pipeline/__init__.py": "",
        "pipeline/adult.py": "def is_adult(age):\n    return age >= 18\n\n\ndef greeting():\n    return 'hello'\n",
        "tests/test_adult.py": "import pipeline.adult\n\n\ndef test_eighteen():\n"
        "    assert [pipeline.adult.is_adult(n) for n in (17, 18, 19)] == [False, True, True]\n",
        "tests/test_unrelated.py": "def test_that_fails():\n    assert False\n",
        "pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['.']\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    return tmp_path


def test_survivors_are_listed_and_the_checkout_stays_as_it_was(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in package.rglob("*.py")}
    assert main(["10", "1", "-j", "2"], package, ["pipeline"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[0].startswith("survived  pipeline/adult.py:6") and lines[0].endswith("return 'hello'")
    assert lines[1] == "2 mutants, 1 killed, 1 survived (50.0 %)"
    assert {path: path.read_bytes() for path in package.rglob("*.py")} == before


@pytest.mark.slow
def test_a_listed_equivalent_is_not_tried(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = [str(mutant.mutation) for mutant in mutants_of(package, "pipeline/adult.py")[6]]
    rows = ["# path, line, mutation, why", *(f"pipeline/adult.py\treturn 'hello'\t{text}\tnobody reads it" for text in texts)]
    (package / EQUIVALENT).write_text("\n".join(rows) + "\n")
    assert main(["10", "1"], package, ["pipeline"]) == 0
    assert capsys.readouterr().out == "1 mutants, 1 killed, 0 survived (0.0 %)\n"


@pytest.mark.slow
def test_kills_by_tests_that_fail_without_a_mutant_are_not_believed(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (package / "tests/test_adult.py").write_text("import pipeline.adult\n\n\ndef test_wrong():\n    assert False\n")
    assert main(["1", "1"], package, ["pipeline"]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "fails without any mutant: tests/test_adult.py::test_wrong"
    assert lines[1] == "1 mutants, 0 killed, 0 survived (0.0 %), 1 killed by tests that fail without them"


@pytest.mark.slow
def test_a_mutant_that_hangs_is_killed_when_its_tests_are_fast_without_it(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutants, "FAR_FASTER", 0.1)  # 30 s without the mutant: enough on a busy machine
    (package / "pipeline/adult.py").write_text("while not True:\n    pass\n")
    (package / "tests/test_adult.py").write_text("import pipeline.adult\n\n\ndef test_nothing():\n    pass\n")
    assert main(["1", "1", "--seconds", "3"], package, ["pipeline"]) == 0


def test_tests_without_time_enough_are_neither_kills_nor_survivors(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["1", "1", "--seconds", "0.01"], package, ["pipeline"]) == 1
    assert capsys.readouterr().out.endswith("1 mutants, 0 killed, 0 survived (0.0 %), 1 ran out of time\n")


@pytest.mark.parametrize(
    ("program", "status", "test"),
    [
        ("def test_a(): pass\n", "survived", ""),
        ("def test_a(): pass\ndef test_b(): assert 0\n", "killed", "tests/test_x.py::test_b"),
        ("import pytest\n@pytest.mark.parametrize('a', ['b c'])\ndef test_b(a): assert 0\n", "killed", "tests/test_x.py::test_b"),
        ("import no_such_module\n", "killed", "tests/test_x.py"),
        ("import pytest\n@pytest.fixture\ndef x(): assert 0\ndef test_a(x): pass\n", "killed", "tests/test_x.py::test_a"),
        ("import os\ndef test_a(): os._exit(3)\n", "killed", "tests/test_x.py::test_a"),
    ],
    ids=["passes", "fails", "fails with a parameter", "cannot be imported", "has a fixture that fails", "ends the process"],
)
def test_the_outcome_names_the_test_that_noticed(package: Path, program: str, status: str, test: str) -> None:
    (package / "tests/test_x.py").write_text(program)
    outcome = run_tests(package, ["tests/test_x.py"], 60.0)
    assert (outcome.status, outcome.test) == (status, test)


@pytest.mark.slow
def test_a_test_that_hangs_is_named(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (package / "tests/test_x.py").write_text("import time\ndef test_a(): time.sleep(60)\n")
    monkeypatch.setattr(mutants, "SECONDS_A_TEST", 1)
    assert run_tests(package, ["tests/test_x.py"], 50.0).test == "tests/test_x.py::test_a"


def test_the_modules_own_tests_run_first_and_importers_with_few_imports_next(package: Path) -> None:
    (package / "tests/test_a.py").write_text("import tests.b\nfrom pipeline.adult import is_adult\n")
    (package / "tests/test_z.py").write_text("from pipeline import adult\n")
    (package / "tests/test_pipeline_adult.py").write_text("")
    own, others = matching_tests(package, "pipeline/adult.py")
    assert own == ["tests/test_adult.py", "tests/test_pipeline_adult.py"]
    assert others == ["tests/test_z.py", "tests/test_a.py"]


def test_the_trainers_modules_have_matching_tests_their_own() -> None:
    assert "tests/test_train_recipe.py" in matching_tests(ROOT, "train/recipe.py")[0]
    assert "tests/test_recipe.py" not in {test for tests in matching_tests(ROOT, "train/recipe.py") for test in tests}
    assert matching_tests(ROOT, "sources/quickstart/__init__.py")[0] == ["tests/test_quickstart.py"]


def test_examples_in_docstrings_count_as_tests() -> None:
    assert matching_tests(ROOT, "augment/clean.py")[0] == ["tests/test_augment_clean.py", "augment/clean.py"]


def test_the_summary_counts_mutants_by_outcome() -> None:
    assert summary(Counter()) == "0 mutants, 0 killed, 0 survived (0.0 %)"
    assert summary(Counter(killed=1, survived=1, timeout=2)) == "4 mutants, 1 killed, 1 survived (25.0 %), 2 ran out of time"
