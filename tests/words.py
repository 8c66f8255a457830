"""`python -m tests.words [PATH...]`: list every barred word in the project's texts, with what to write instead; exit code 1 if any.

Checked are docstrings, comments, messages, names that the code defines, file names, and Markdown. Not checked are data, examples
after `>>>`, and what stands between backticks or double quotes. A line may keep a word that it needs: `# allowed word: door`.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
BARRED = {
    r"strangers?": "say who: users, other machines, addresses that others gave",
    r"manners?": "way, rule",
    r"neighbou?rs?": "say which: the next row, the files beside it",
    r"doors?": "entry point, interface, module",
    r"nobody": "no user, no test, nothing",
    r"newcomers?": "new clips",
    r"worlds?(?! size)": "say what: the network, users, the ranks (world_size)",
    r"goes by": "uses, is chosen by",
    r"last words": "last lines",
    r"keeps? still": "does not change, waits",
    r"as it goes": "while it runs",
    r"houses?": "project",
    r"wires?": "network, connection",
    r"told": "recorded, reported, given",
    r"said": "recorded, reported, stated",
    r"(?:as a|the) whole(?= of\b|[.,;:)]|$)": "all of it, the full file",
}
"""Words and phrases, as patterns, and what to write instead: riddles and metaphors."""
BARRED_NAMES = {
    "no": "error",
    "place": "folder, index, key",
    "whole": "full, all",
    "found": "matches, result",
    "one": "say what it is one of",
}
"""Names that say nothing alone; as words of a text or of a longer name they are allowed."""
SENTENCE = 3  # a string of so many words is a message, except in `augment` and in tests, where texts are data
PROSE = re.compile(r"(?<![\w-])(?:" + "|".join(f"({pattern})" for pattern in BARRED) + r")(?![\w-])", re.IGNORECASE)
QUOTED = re.compile(r'"""|`[^`]*`|"[^"]*"|“[^”]*”|https?://\S+')
ALLOWED = re.compile(r"allowed word: (\w+)", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Finding:
    """A barred word in a line of a file."""

    path: str
    line: int
    word: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.word} -> {self.instead}"


def in_text(text: str) -> Iterator[tuple[str, str]]:
    """Yield each barred word of a text, in lower case, with what to write instead.

    >>> [word for word, _ in in_text('A stranger says "door" as it goes.')]
    ['stranger', 'as it goes']
    """
    replacements = list(BARRED.values())
    for match in PROSE.finditer(QUOTED.sub(" ", text)):
        assert match.lastindex is not None
        yield match.group().lower(), replacements[match.lastindex - 1]


def in_name(name: str) -> Iterator[tuple[str, str]]:
    """Yield each barred word of an identifier, with what to write instead.

    >>> [word for word, _ in in_name("DoorOfStrangers")], [word for word, _ in in_name("no")], [*in_name("world_size")]
    (['door', 'strangers'], ['no'], [])
    """
    if name in BARRED_NAMES:
        yield name, BARRED_NAMES[name]
    yield from in_text(re.sub(r"_+|(?<=[a-z])(?=[A-Z])", " ", name))


def without_examples(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines of a docstring with their index, without examples and their output."""
    example = False
    for index, line in enumerate(lines):
        example = bool(line.strip()) and (example or line.lstrip().startswith(">>>"))
        if not example:
            yield index, line


def is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def docstrings(tree: ast.Module, lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the number and text of each line of a string that stands alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and is_docstring(node):
            for index, text in without_examples(lines[node.lineno - 1 : node.end_lineno]):
                yield node.lineno + index, text


def comments(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def messages(node: ast.AST, texts_are_data: bool, raised: bool = False) -> Iterator[tuple[int, str]]:
    """Yield the strings of exceptions and, unless texts are data, all of several words; f-strings without their values."""
    for child in ast.iter_child_nodes(node):
        if is_docstring(child):
            continue
        text = ""
        if isinstance(child, ast.JoinedStr):
            text = " _ ".join(str(part.value) for part in child.values if isinstance(part, ast.Constant))
        elif isinstance(child, ast.Constant) and isinstance(child.value, str):
            text = child.value
        if text and (raised or (not texts_are_data and len(text.split()) >= SENTENCE)):
            yield child.lineno, text  # type: ignore[attr-defined]
        if not isinstance(child, ast.JoinedStr):
            yield from messages(child, texts_are_data, raised or isinstance(child, ast.Raise))


def names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield each name that a module defines: functions, classes, arguments, variables, exceptions and import names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.lineno, node.name
        elif isinstance(node, ast.alias) and node.asname:
            yield node.lineno, node.asname


def markdown(source: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a Markdown text outside of code blocks."""
    in_code = False
    for number, line in enumerate(source.split("\n"), 1):
        if line.lstrip().startswith("```"):
            in_code = not in_code
        elif not in_code and not line.startswith("    "):
            yield number, line


def findings(path: str, source: str) -> list[Finding]:
    """Return every barred word of a Python or Markdown file, once a line."""
    lines = source.split("\n")
    matches = [(1, pair) for pair in in_name(Path(path).stem)]
    if path.endswith(".md"):
        texts = list(markdown(source))
    else:
        tree = ast.parse(source)
        texts = [*docstrings(tree, lines), *comments(source)]
        if not path.startswith("tests/"):
            texts += messages(tree, texts_are_data=path.startswith("augment/"))
        matches += [(line, pair) for line, name in names(tree) for pair in in_name(name)]
    matches += [(line, pair) for line, text in texts for pair in in_text(text)]
    allowed = {(number, word.lower()) for number, line in enumerate(lines, 1) for word in ALLOWED.findall(line)}
    return sorted({Finding(path, line, *pair) for line, pair in matches if (line, pair[0]) not in allowed})


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Print the barred words of the tracked files below the paths; return 1 when there are any."""
    command = ["git", "ls-files", "-z", "--", *(arguments or ["."])]
    tracked = subprocess.run(command, cwd=root, capture_output=True, check=True, text=True).stdout.split("\0")
    n_findings = 0
    for path in tracked:
        if path.endswith((".py", ".md")) and (root / path).is_file():
            for finding in findings(path, (root / path).read_text(encoding="utf-8")):
                print(finding)
                n_findings += 1
    if n_findings:
        print(f"{n_findings} barred words; CONTRIBUTING.md says how the project's texts read")
    return 1 if n_findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
