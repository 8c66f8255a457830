"""`python -m tests.documents`: write the parts of README, CONTRIBUTING and docs that are made from the code.

`python -m tests.documents record` runs the three make commands of the README and keeps what they print in `docs/quickstart.json`.
"""

from __future__ import annotations

import ast
import functools
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from rich.console import Console

from pipeline.failures import REMEDIES
from pipeline.output.books import BOOKS
from pipeline.output.storage import Folder
from pipeline.parser import make_parser
from pipeline.report.tables import books_table
from pipeline.verbs.status import read_the_books, snapshot_of
from sources import SOURCES
from tests import reference
from tests.fates import build_into
from train.scores.protocols import PUBLISHED, Protocol

ROOT = Path(__file__).parent.parent
RECIPE = ROOT / "pipeline" / "recipe" / "bundled" / "quickstart.toml"
PICTURE = ROOT / "docs" / "books.svg"
INDEX = ROOT / "llms.txt"
RECORDED = ROOT / "docs" / "quickstart.json"
DOCUMENTS = tuple(
    ROOT / name
    for name in ("README.md", "CONTRIBUTING.md", *(f"docs/{page}.md" for page in ("faq", "format", "reference", "status", "training")))
)
COMMANDS = {
    "make build-laion-audio": r"the books balance|shards made",
    "make train": r"^step +(\d+)/\1 ",
    "make evaluate": r"R@1 |text to audio|audio to text|clips,",
}
"""Command of the README -> pattern of the lines that it shows of the output."""
SAMPLE = "quickstart-kick-clean"
WIDTH = 100  # columns of the terminal whose output is shown
FOLDERS = {
    "pipeline": "command line, recipes, output format, verbs, reports",
    "transforms": "plan, fetch, convert, build shards",
    "sources": "one module a source; the bundled set",
    "augment": "clean, write, check and de-bias captions",
    "train": "train CLAP, evaluate, classify, search, export",
    "bench": "measure speed, memory and quality",
    "tests": "one file a module; no network needed",
}
ROOMS = ("pipeline", "transforms", "sources", "augment", "train", "bench")
BLOCK = re.compile(r"<!-- made:(\w+) -->\n.*?<!-- end -->", re.DOTALL)


def with_blocks(text: str, made: dict[str, str]) -> str:
    """Return a page with every marked block replaced by what was made for it."""
    return BLOCK.sub(lambda match: f"<!-- made:{match[1]} -->\n{made[match[1]]}\n<!-- end -->", text)


def blocks(output: Path) -> dict[str, str]:
    """Return every block by name; `output` is the folder of a build of the bundled set."""
    makers: dict[str, Callable[[], str]] = {
        "commands": commands_block,
        "folders": folders_block,
        "files": files_block,
        "columns": columns_block,
        "verbs": verbs_block,
        "sources": sources_block,
        "remedies": remedies_block,
        "protocols": protocols_block,
        "options": reference.options_of_verbs,
        "keys": reference.keys_of_recipes,
        "keysofsources": reference.keys_of_sources,
    }
    return {name: make() for name, make in makers.items()} | {"sample": fenced(sample(output), "json")}


def fenced(text: str, kind: str = "") -> str:
    """Return a text as a block of code."""
    return f"```{kind}\n{text}\n```"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return rows as a Markdown table."""
    cells = [list(head), *map(list, rows)]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([lines[0], "|---" * len(cells[0]) + "|", *lines[1:]])


def picture(output: Path) -> str:
    """Return the books of an output folder as SVG: the table that `build` prints."""
    with Path(os.devnull).open("w") as nothing:
        console = Console(record=True, width=WIDTH, file=nothing, force_terminal=True, color_system="truecolor")
        console.print(books_table(read_the_books(snapshot_of(Folder(str(output))))))
        return console.export_svg(title="make build-laion-audio", unique_id="books")


def sample(output: Path) -> str:
    """Return the JSON of one sample of the bundled set, as the build wrote it."""
    for path in sorted(output.rglob("*.tar")):
        with tarfile.open(path) as tar:
            if f"{SAMPLE}.json" in tar.getnames():
                return json.dumps(json.load(tar.extractfile(f"{SAMPLE}.json")), indent=1, ensure_ascii=False)  # type: ignore[arg-type]
    raise AssertionError(f"{SAMPLE} is not in the bundled set")


def commands_block() -> str:
    """Return the three commands, each with the lines of its recorded output that the README shows."""
    outputs = json.loads(RECORDED.read_text(encoding="utf-8"))
    shown = []
    for command, pattern in COMMANDS.items():
        lines = [line for line in outputs[command] if re.search(pattern, line)]
        shown += [f"$ {command}", *(line if len(line) <= WIDTH else f"{line[:WIDTH]} …" for line in lines)]
    return fenced("\n".join(shown))


def folders_block() -> str:
    """Return a line for every folder."""
    return fenced("\n".join(f"{name + '/':<13} {text}" for name, text in FOLDERS.items()))


def files_block() -> str:
    """Return a line for every module: the first sentence of its docstring."""
    lines = []
    for room in ROOMS:
        names = [name.removeprefix(f"{room}/") for name in tracked(room)]
        width = max(map(len, names)) + 2
        lines += [f"{room}/", *(f"  {name:<{width}}{first_line(ROOT / room / name)}" for name in names)]
    return fenced("\n".join(lines))


def protocols_block() -> str:
    """Return a line for every protocol of the trainer."""
    scores = {"retrieval": "R@1/5/10, mAP@10 and @16, median rank, both ways", "accuracy": "accuracy, mAP", "mAP": "mAP"}

    def row(protocol: Protocol) -> list[str]:
        inside = f"{protocol.n_captions} captions each" if protocol.n_captions else f"{len(protocol.classes())} classes"
        score = scores[protocol.kind] + (", mean of the folds' accuracies" if protocol.fold else "")
        return [f"`{protocol.name}`", ", ".join(protocol.folders), f"{protocol.n_clips['test']:,} clips, {inside}", score]

    rows = [*map(row, PUBLISHED), ["`retrieval`", "every other", "", scores["retrieval"]]]
    return table(["protocol", "folder, in any case", "published test set", "scores"], rows)


def tracked(folder: str) -> list[str]:
    """Return the modules below a folder that git knows, without those that hold a docstring alone, sorted."""
    listed = subprocess.run(["git", "ls-files", f"{folder}/*.py"], cwd=ROOT, capture_output=True, check=True, text=True).stdout.split()
    return sorted(name for name in listed if (ROOT / name).is_file() and not _is_docstring_alone(ROOT / name))


def _is_docstring_alone(path: Path) -> bool:
    return path.name == "__init__.py" and len(ast.parse(path.read_text(encoding="utf-8")).body) <= 1


def first_line(path: Path) -> str:
    """Return the first line of a module's docstring."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def columns_block() -> str:
    """Return the columns of the books with their types."""
    return table(("column", "type"), ((f"`{field.name}`", str(field.type)) for field in BOOKS))


def verbs() -> dict[str, str]:
    """Return the verbs of the command line with their help."""
    actions = next(action for action in make_parser()._actions if action.dest == "verb")
    return {action.dest: action.help or "" for action in actions._get_subactions()}


def verbs_block() -> str:
    """Return every verb, what it does, and the test files that run it."""
    return table(("verb", "does", "run in"), ((f"`{verb}`", text, files_that(runs_verb, verb)) for verb, text in verbs().items()))


def sources_block() -> str:
    """Return every source, and the test files that read it or have it in a recipe."""
    return table(("source", "reads", "in"), ((f"`{name}`", module.CARD.title, tests_of_source(name)) for name, module in SOURCES.items()))


def tests_of_source(name: str) -> str:
    """Return the names of the test files that read a source: the one named as it is, and those with a recipe that names it."""
    own = [f"test_{name}"] if (ROOT / "tests" / f"test_{name}.py").is_file() else []
    return ", ".join(sorted({*own, *filter(None, files_that(has_recipe, name).split(", "))}))


def files_that(runs: Callable[[ast.AST, str], bool], name: str) -> str:
    """Return the names of the test files in which some call or constant of the code runs something."""
    return ", ".join(stem for stem, nodes in _nodes_of_tests().items() if any(runs(node, name) for node in nodes))


@functools.cache
def _nodes_of_tests() -> dict[str, list[ast.Call | ast.Constant]]:
    """Return the calls and constants of every test file by its name, in order of names."""
    trees = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "tests").glob("test_*.py"))}
    return {stem: [node for node in ast.walk(tree) if isinstance(node, ast.Call | ast.Constant)] for stem, tree in trees.items()}


def runs_verb(node: ast.AST, verb: str) -> bool:
    """Return whether a node calls the command line with a verb: `main([verb, ...])` or `command(verb, ...)`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
        return False
    first = node.args[0].elts[0] if isinstance(node.args[0], ast.List) and node.args[0].elts else node.args[0]
    return node.func.id in {"main", "command"} and isinstance(first, ast.Constant) and first.value == verb


def has_recipe(node: ast.AST, source: str) -> bool:
    """Return whether a node is the text of a recipe with a source."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return False
    return f'source = "{source}"' in node.value


def remedies_block() -> str:
    """Return the errors of the operating system and what the command says to do."""
    rows = ((" · ".join(sorted(map(os.strerror, numbers))), remedy) for numbers, remedy in REMEDIES)
    return table(("the system says", "do"), rows)


def pages(output: Path) -> Iterator[tuple[Path, str]]:
    """Yield every file that is made from the code, whole or in part, with what it should hold."""
    made = blocks(output)
    for path in DOCUMENTS:
        yield path, with_blocks(path.read_text(encoding="utf-8"), made)
    yield PICTURE, picture(output)
    yield INDEX, reference.index_of_documents(ROOT)


def write() -> None:
    """Build the bundled set and write every page."""
    with tempfile.TemporaryDirectory() as folder:
        build_into(Path(folder), RECIPE)
        for path, text in pages(Path(folder)):
            path.write_text(text, encoding="utf-8")


def record() -> None:
    """Run the commands of the README from nothing, and keep their output line by line."""
    made = [path for path in ("data/quickstart", "runs/tiny") if (ROOT / path).exists()]
    if made:
        sys.exit(f"remove {' and '.join(made)} first: the output must be that of a first run")
    env = os.environ | {"COLUMNS": str(WIDTH), "NO_COLOR": "1", "TERM": "dumb"}
    outputs = {}
    for command in COMMANDS:
        done = subprocess.run(command.split(), cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
        outputs[command] = [line.rstrip() for line in done.stdout.splitlines() if line.strip()]
    RECORDED.write_text(json.dumps(outputs, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    record() if sys.argv[1:] == ["record"] else write()
