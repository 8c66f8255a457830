"""What can be broken in one line of Python: each mutation replaces a piece of the line by another piece.

Never broken: docstrings, annotations, imports, `__all__`, assertions, f-strings, and texts that only people read.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
ARITHMETIC = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.Pow: ("**", "*"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.BitXor: ("^", "&"),
}
CALLS = {"min": "max", "any": "all", "minimum": "maximum", "floor": "ceil", "startswith": "endswith", "lower": "upper"}
CALLS |= {new: old for old, new in CALLS.items()}
SYMMETRIC = {
    "min",
    "max",
    "minimum",
    "maximum",
    "isinstance",
    "equal",
    "array_equal",
    "allclose",
    "isclose",
    "union",
    "intersection",
    "gcd",
}
"""Calls whose first two arguments may be swapped without effect, or with a TypeError and nothing else."""
SHOWN = {"print", "debug", "info", "warning", "error", "exception", "warn", "Table", "add_column", "add_row", "TextColumn"}
SHOWN |= {"set_title", "set_xlabel", "set_ylabel", "set_postfix", "add_parser", "add_argument_group", "rule"}
"""Calls whose strings are only read by people; so are the arguments of every raised or made exception."""
SHOWN_KEYWORDS = {"help", "description", "epilog", "metavar", "prog", "title", "desc", "unit", "label"}
NO_EFFECT = {"encoding", "strict", "slots", "frozen", "stacklevel", "maxsize", "highlight", "style"} | SHOWN_KEYWORDS
"""Keyword arguments that change no result on a machine with UTF-8 as its encoding: checks, memory, colours and texts.

`tests/test_layers.py` holds that dataclasses are frozen.
"""
SENTENCE = 3  # a string of so many words is read by people, except in `augment`, whose material is text
TINY = 1e-5  # a float below is a guard against division by zero; doubling it would change nothing

Position = tuple[int, int]  # line from 1, byte in the line from 0


@dataclass(frozen=True, order=True)
class Mutation:
    """A piece of one line, as bytes `start` to `end` of it, and what to write in its stead."""

    line: int
    start: int
    end: int
    new: str
    kind: str
    old: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.old} -> {self.new}"

    def apply(self, source: str) -> str:
        """Return the source with this piece replaced."""
        lines = source.encode().split(b"\n")
        line = lines[self.line - 1]
        lines[self.line - 1] = line[: self.start] + self.new.encode() + line[self.end :]
        return b"\n".join(lines).decode()


def mutations(source: str, sentences: bool = False) -> list[Mutation]:
    """Return every mutation of a module, by line. `sentences`: strings of several words are data too."""
    finder = _Finder(source, sentences)
    finder.visit(ast.parse(source))
    return sorted(set(finder.mutations))


def is_other_code(source: str, mutated: str) -> bool:
    """Return whether a mutated source compiles, and to something else than the original."""
    try:
        tree = ast.parse(mutated)
        compile(mutated, "mutant", "exec")
    except SyntaxError:
        return False
    return ast.dump(tree) != _code(source)


@functools.cache
def _code(source: str) -> str:
    """Return what a source means, as text; it is compared with each of its mutants."""
    return ast.dump(ast.parse(source))


def _start(node: ast.expr | ast.stmt | ast.keyword) -> Position:
    return node.lineno, node.col_offset


def _end(node: ast.expr | ast.stmt | ast.keyword) -> Position:
    assert node.end_lineno is not None and node.end_col_offset is not None
    return node.end_lineno, node.end_col_offset


def _name(node: ast.expr) -> str:
    """Return the last part of a dotted name, empty for other expressions."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _is_type(node: ast.expr) -> bool:
    """Return whether an operand of `|` is a type rather than a value."""
    if isinstance(node, ast.BinOp):
        return _is_type(node.left)
    if isinstance(node, ast.Subscript):
        return _is_type(node.value)
    name = _name(node)
    return (isinstance(node, ast.Constant) and node.value is None) or name in {"str", "int", "float", "bytes", "dict"} or name.istitle()


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


class _Finder(ast.NodeVisitor):
    """Collects mutations from a syntax tree; one method a kind of node."""

    def __init__(self, source: str, sentences: bool) -> None:
        self.lines = source.encode().split(b"\n")
        self.sentences = sentences
        self.shown = 0  # how many calls around the node show their texts to people
        self.of_beam = False  # whether the class around the node is a step of Beam, whose own `__init__` sets nothing that matters
        self.mutations: list[Mutation] = []

    def add(self, kind: str, start: Position, end: Position, new: str) -> None:
        if start[0] == end[0]:
            old = self.lines[start[0] - 1][start[1] : end[1]].decode()
            self.mutations.append(Mutation(start[0], start[1], end[1], new, kind, old))

    def text(self, start: Position, end: Position) -> str:
        """Return the source between two positions of one line, else nothing."""
        return self.lines[start[0] - 1][start[1] : end[1]].decode() if start[0] == end[0] else ""

    def add_operator(self, kind: str, after: Position, before: Position, old: str, new: str) -> None:
        """Replace an operator that stands between two operands, perhaps at the end or start of a line."""
        words = rb"\s+".join(re.escape(word.encode()) for word in old.split())
        for number in range(after[0], before[0] + 1):
            line = self.lines[number - 1]
            begin, end = (after[1] if number == after[0] else 0), (before[1] if number == before[0] else len(line))
            match = re.search(words, line[begin:end].split(b"#")[0])
            if match:
                return self.add(kind, (number, begin + match.start()), (number, begin + match.end()), new)

    def visit_Import(self, node: ast.Import) -> None:
        pass

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        pass

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Skip f-strings: before Python 3.12 the positions inside are not reliable."""

    def visit_Assert(self, node: ast.Assert) -> None:
        pass

    def visit_arg(self, node: ast.arg) -> None:
        pass

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        outer, self.of_beam = self.of_beam, any(_name(base) in {"PTransform", "DoFn"} for base in node.bases)
        self.generic_visit(node)
        self.of_beam = outer

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for part in (*node.decorator_list, node.args, *node.body):
            self.visit(part)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        if any(_name(target) == "__all__" for target in node.targets):
            return
        if not isinstance(node.targets[0], ast.Name | ast.Tuple):
            self.add("deleted statement", _start(node), _end(node), "pass")
        self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if type(node.op) in ARITHMETIC:
            old, new = ARITHMETIC[type(node.op)]
            self.add_operator("arithmetic", _end(node.target), _start(node.value), f"{old}=", f"{new}=")
        self.add("deleted statement", _start(node), _end(node), "pass")
        self.visit(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return
        is_idle = self.of_beam and ast.unparse(node) == "super().__init__()"
        if not is_idle and not (isinstance(node.value, ast.Call) and _name(node.value.func) in SHOWN):
            self.add("deleted statement", _start(node), _end(node), "pass")
        self.visit(node.value)

    def visit_Raise(self, node: ast.Raise) -> None:
        self.add("deleted statement", _start(node), _end(node), "pass")
        self.shown += 1
        self.generic_visit(node)
        self.shown -= 1

    def visit_Delete(self, node: ast.Delete) -> None:
        self.add("deleted statement", _start(node), _end(node), "pass")

    def visit_Continue(self, node: ast.Continue) -> None:
        self.add("deleted statement", _start(node), _end(node), "pass")

    def visit_Break(self, node: ast.Break) -> None:
        self.add("deleted statement", _start(node), _end(node), "pass")

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is None:
            return
        if not (isinstance(node.value, ast.Constant) and node.value.value is None):
            self.add("dropped value", _start(node), _end(node), "return None")
        self.visit(node.value)

    def visit_If(self, node: ast.If) -> None:
        if _name(node.test) != "TYPE_CHECKING" and "__main__" not in ast.dump(node.test):
            self.negate(node.test)
            self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self.negate(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self.negate(test)
        self.generic_visit(node)

    def negate(self, test: ast.expr) -> None:
        if isinstance(test, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
            self.add("negated condition", _start(test), _end(test), f"not {self.text(_start(test), _end(test))}")

    def visit_Compare(self, node: ast.Compare) -> None:
        for left, operator, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
            self.add_operator("comparison", _end(left), _start(right), *COMPARISONS[type(operator)])
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            self.add_operator("boolean", _end(left), _start(right), old, new)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.RShift) and _is_text(node.left):  # the label of a step in Beam
            return self.visit(node.right)
        is_path = isinstance(node.op, ast.Div) and (_is_text(node.left) or _is_text(node.right))
        is_format = isinstance(node.op, ast.Mod) and _is_text(node.left)
        is_union = isinstance(node.op, ast.BitOr) and (_is_type(node.left) or _is_type(node.right))
        if type(node.op) in ARITHMETIC and not (is_path or is_format or is_union):
            self.add_operator("arithmetic", _end(node.left), _start(node.right), *ARITHMETIC[type(node.op)])
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not | ast.USub):
            kind, size = ("dropped not", len("not ")) if isinstance(node.op, ast.Not) else ("dropped minus", len("-"))
            self.add(kind, _start(node), (node.lineno, node.col_offset + size), "")
        self.visit(node.operand)

    def visit_Constant(self, node: ast.Constant) -> None:
        for new in self.other_values(node.value):
            self.add("constant", _start(node), _end(node), repr(new))

    def other_values(self, value: object) -> Iterator[object]:
        """Yield what a constant may be broken into."""
        if isinstance(value, bool):
            yield not value
        elif isinstance(value, int):
            yield from (value + 1, value - 1) if value else (1,)
        elif isinstance(value, float):
            yield 1.0 if abs(value) < TINY else value * 2
        elif isinstance(value, bytes):
            yield value + b"X"
        elif isinstance(value, str) and not self.shown and (self.sentences or len(value.split()) < SENTENCE):
            yield value + "X"

    def visit_Call(self, node: ast.Call) -> None:
        name = _name(node.func)
        if name in {"TypeVar", "lru_cache", "cast"}:
            return self.generic_visit(ast.Tuple(node.args[1:], ast.Load()))
        if name in CALLS:
            self.add("swapped call", (_end(node.func)[0], _end(node.func)[1] - len(name)), _end(node.func), CALLS[name])
        if len(node.args) > 1 and name not in SYMMETRIC:
            self.swap(node.args[0], node.args[1])
        shows = name in SHOWN or name.endswith(("Error", "Exception", "Warning")) or name in {"Rejected", "Rejection"}
        self.shown += shows
        for part in (node.func, *node.args):
            self.visit(part)
        for keyword in node.keywords:
            self.change_keyword(keyword)
        self.shown -= shows

    def swap(self, first: ast.expr, second: ast.expr) -> None:
        old, new = self.text(_start(first), _end(first)), self.text(_start(second), _end(second))
        if isinstance(first, ast.Starred) or isinstance(second, ast.Starred) or old == new:
            return
        self.add("swapped arguments", _start(first), _end(second), new + self.text(_end(first), _start(second)) + old)

    def change_keyword(self, keyword: ast.keyword) -> None:
        """Remove a keyword argument with its comma, break its value, swap the parts of a sort key."""
        if keyword.arg in NO_EFFECT:
            return
        if keyword.arg is not None:
            start, end = _start(keyword), _end(keyword)
            line = self.lines[end[0] - 1]
            following = re.match(rb"\s*,\s*", line[end[1] :])
            before = re.search(rb",\s*$", line[: start[1]])
            if following:
                end = end[0], end[1] + following.end()
            elif before:
                start = start[0], before.start()
            self.add("removed keyword", start, end, "")
        if keyword.arg == "key" and isinstance(keyword.value, ast.Lambda) and isinstance(keyword.value.body, ast.Tuple):
            self.swap(*keyword.value.body.elts[:2])
        self.visit(keyword.value)

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]
