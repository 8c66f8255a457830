"""Every command in a code block of README, CONTRIBUTING and docs parses: its verb, its options and their values, its make targets exist."""

from __future__ import annotations

import re
import shlex

import pytest

from bench.__main__ import BENCHES
from pipeline.engines.known_options import option_faults
from pipeline.parser import BEAM_VERBS, make_parser
from tests.documents import ROOT
from train.command import parser as train_parser

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MADE = re.compile(r"<!-- made:(?:files|options) -->.*?<!-- end -->", re.DOTALL)
STARTS = {"laion-audio": "pipeline", "python -m pipeline": "pipeline", "python -m train": "train", "make": "make"}
START = re.compile(rf"({'|'.join(STARTS)}) ")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
VARIABLES = set(re.findall(r"^([A-Z_]+) *\??:?=", MAKEFILE, re.MULTILINE))


def joined_lines(block: str) -> list[str]:
    """Return the lines of a code block, those that end with a backslash joined with the next."""
    return re.sub(r"\\\n\s*", "", block).splitlines()


def commands_of(text: str) -> list[str]:
    """Return the commands of the code blocks of a page, without comments, prompts and what follows a pipe or `&&`."""
    text = MADE.sub("", text)
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    indented = re.findall(r"(?:^    .*\n)+", re.sub(r"^```\w*\n.*?^```", "", text, flags=re.DOTALL | re.MULTILINE) + "\n", re.MULTILINE)
    lines = [re.sub(r"\s+#.*", "", line.strip().removeprefix("$ ")) for block in (*fenced, *indented) for line in joined_lines(block)]
    lines = [re.sub(r"^torchrun --nproc-per-node \d+ ", "python ", line) for line in lines]
    parts = [part.partition(" > ")[0].strip() for line in lines for part in line.split(" && ")]
    return [part for part in parts if START.match(part)]


def alternatives(command: str) -> set[str]:
    """Return the commands that a line in the form of a usage stands for: `[--json]`, `(--audio DIR | --text FILE)`, `linear|mlp`."""
    command = command.replace(" ...", "")
    groups = re.compile(r"\[([^\[\]]*)\]|\(([^()]*)\)|(?<!\S)(\w+(?:\|\w+)+)")
    group = groups.search(command)
    if group is None:
        return {command}
    chosen = group[3].split("|") if group[3] else (group[1] or group[2]).split(" | ")
    return {line for choice in chosen for line in alternatives(command[: group.start()] + choice + command[group.end() :])}


def written(command: str) -> tuple[str, list[str]]:
    """Return which program a command starts, and its arguments."""
    start = START.match(command)
    assert start is not None
    return STARTS[start[1]], shlex.split(command[start.end() :])


COMMANDS = sorted({(page.name, command) for page in PAGES for command in commands_of(page.read_text(encoding="utf-8"))})
INLINE = sorted(
    {(page.name, code) for page in PAGES for code in re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8")) if START.match(code)}
)


def test_commands_are_found_on_every_kind_of_page() -> None:
    programs = {written(command)[0] for _, command in COMMANDS}
    assert programs == set(STARTS.values()) and len(COMMANDS) > 40 and len(INLINE) > 20
    assert {"README.md", "tutorial.md", "training.md", "dataflow.md"} <= {page for page, _ in COMMANDS}


def test_a_usage_stands_for_each_of_its_alternatives() -> None:
    assert alternatives("v (-a X | -b) [-c d|e]") == {"v -a X -c d", "v -a X -c e", "v -b -c d", "v -b -c e"}


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_every_command_parses(page: str, command: str) -> None:
    for line in alternatives(command):
        program, arguments = written(line)
        if program == "make":
            check_make(arguments)
        elif program == "pipeline":
            options, rest = make_parser().parse_known_args(arguments)
            assert not rest or options.verb in BEAM_VERBS, rest
            assert not rest or not list(option_faults(options.runner, rest, {}, ()))
        else:
            train_parser().parse_args(arguments)


@pytest.mark.parametrize(("page", "code"), INLINE)
def test_every_command_within_a_sentence_has_a_verb_and_options_that_exist(page: str, code: str) -> None:
    program, (verb, *arguments) = written(code)
    if program == "make":
        return check_make([verb, *arguments])
    if verb == "VERB":
        return None
    choices = (make_parser() if program == "pipeline" else train_parser())._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    known = choices[verb]._option_string_actions  # type: ignore[index]
    assert [word for word in arguments if word.startswith("-") and word.partition("=")[0] not in known] == []


def check_make(arguments: list[str]) -> None:
    """Assert that the first word is a target, that others are parts of the benchmark, and that each variable is one of the Makefile."""
    names = [word for word in arguments if "=" not in word]
    assert names[0] in TARGETS, names
    assert set(names[1:]) <= (set(BENCHES) if names[0].startswith("bench") else TARGETS)
    assert {word.partition("=")[0] for word in arguments if "=" in word} <= VARIABLES
