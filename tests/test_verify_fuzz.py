"""Whatever a file of an output folder holds, no verb ends with a traceback: verify names a fault, the others go on or say a sentence."""

from __future__ import annotations

import io
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.engines.run import Engine
from pipeline.failures import explain
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.report.text_facts import text_facts
from pipeline.verbs.build import build
from pipeline.verbs.recaption import recaption, recipe_of_folder
from pipeline.verbs.status import read_the_books, snapshot_of, unreadable_markers
from pipeline.verbs.verify import verify
from tests.damage import BOOKS, MARKER, PLAN_FILE, SIZES, TAR, Built, make_set
from tests.damage_files import FILES
from tests.damage_plan import EQUAL, LEFT_OUT, PLAN
from tests.eager import EagerEngine
from tests.fates import unwatched

NAMES = (TAR, BOOKS, MARKER, PLAN_FILE, PLAN, LEFT_OUT, EQUAL, SIZES, "recipe.toml", "build.json", ".recordings")
VALUES: tuple[Any, ...] = (None, True, -1, 0, 2**70, 1.5, float("nan"), float("inf"), "", "x", "\0", "0/0/0", [], [[]], {}, {"a": None})
TYPES = (pa.int64(), pa.string(), pa.binary(), pa.float32(), pa.bool_(), pa.list_(pa.string()), pa.struct([("text", pa.string())]))


def random_bytes(data: bytes, chance: random.Random) -> bytes:
    """Return bytes that have nothing to do with the file."""
    return chance.randbytes(chance.choice((0, 1, 8, 100, 5000)))


def flipped(data: bytes, chance: random.Random) -> bytes:
    """Return the bytes with a few of them changed."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 20)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def cut(data: bytes, chance: random.Random) -> bytes:
    """Return a part of the bytes."""
    start, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    return data[start:end] if chance.random() < 0.5 else data[:start] + data[end:]


def other_json(data: bytes, chance: random.Random) -> bytes:
    """Return valid JSON: the values of the file with one of another type, or only that."""
    try:
        value = json.loads(data)
    except ValueError:
        value = None
    inside, other = value, chance.choice(VALUES)
    for _ in range(chance.randint(0, 3)):
        nested = [each for each in (inside.values() if isinstance(inside, dict) else []) if isinstance(each, dict) and each]
        inside = chance.choice(nested) if nested else inside
    if isinstance(inside, dict) and inside:
        key = chance.choice(list(inside))
        inside[chance.choice((key, str(other)[:8]))] = other
        return json.dumps(value).encode()
    return json.dumps(other).encode()


def other_table(data: bytes, chance: random.Random) -> bytes:
    """Return valid parquet: the columns of the file with one of another type, without one, without values, or other columns."""
    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError):
        table = pa.table({"key": ["x"]})
    name = chance.choice(table.column_names)
    at = table.column_names.index(name)
    kind = chance.choice((table.schema.field(name).type, *TYPES))
    column = pa.array([None] * len(table), kind)
    change = chance.randrange(4)
    if change == 0:
        table = table.drop_columns([name]) if table.num_columns > 1 else table.append_column("more", column)
    elif change == 1 and pa.types.is_string(table.schema.field(name).type):
        table = table.set_column(at, name, pa.array([chance.choice(["", "x", "\0", "é" * 200]) for _ in range(len(table))]))
    elif change == 2:
        table = table.append_column(name, column)
    else:
        table = table.set_column(at, name, column)
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


NO_FILE = [damage for damage in FILES if damage.name.startswith(("a folder:", "a pipe:"))]
CHANGES = (random_bytes, flipped, cut, other_json, other_table)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with recordings, recipe, and the built set in `out`."""
    root = tmp_path_factory.mktemp("fuzz")
    make_set(root)
    return root


def status(built: Built, _: Path) -> None:
    snapshot = snapshot_of(built.folder)
    assert all(isinstance(line, str) for line in unreadable_markers(snapshot))
    json.dumps(read_the_books(snapshot).to_json())


def captions(built: Built, _: Path) -> None:
    plan = snapshot_of(built.folder).plan
    assert plan is not None
    json.dumps([each.to_json() for each in text_facts(built.folder, plan)])


def build_again(built: Built, home: Path) -> None:
    build(load_recipe(str(home / "recipe.toml")), built.folder, None, EagerEngine(), unwatched)


def recaption_again(built: Built, _: Path) -> None:
    recaption(recipe_of_folder(built.folder), built.folder, EagerEngine(), unwatched)


Verb = Callable[[Built, Path], None]
VERBS: dict[str, Verb] = {
    "status": status,
    "captions": captions,
    "build": build_again,
    "recaption": recaption_again,
}


def run(verb: str, built: Built, home: Path) -> None:
    """Run a verb; what ends it must have a sentence that is no fault of the program."""
    try:
        VERBS[verb](built, home)
    except Exception as error:  # noqa: BLE001 - any exception at all is what is looked for
        failure = explain(error, verb)
        assert not failure.is_bug, failure.details or failure.sentence
        assert failure.sentence and failure.exit_code in (1, 2)


def fuzzed(home: Path, folder: Path, name: str, change: Callable[[bytes, random.Random], bytes], seed: int) -> Built:
    """Return a copy of the set with one changed file; every second time the marker agrees with the change."""
    built = Built(shutil.copytree(home / "out", folder))
    data = built.path(name).read_bytes()
    built.path(name).write_bytes(change(data, random.Random(f"{seed} {name} {change.__name__}")))
    if seed % 2 and name in (TAR, BOOKS):
        built.agree()
    return built


def check_verify(built: Built, home: Path, name: str) -> None:
    if built.path(name).read_bytes() != (home / "out" / name).read_bytes() and name not in (".recordings", "build.json"):
        assert all(str(fault).isprintable() for fault in verify(built.folder, deep=True))


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_no_content_of_a_file_ends_verify_or_status_with_a_traceback(
    name: str, change: Callable[[bytes, random.Random], bytes], home: Path, tmp_path: Path
) -> None:
    for seed in range(2):
        built = fuzzed(home, tmp_path / str(seed), name, change, seed)
        check_verify(built, home, name)
        run("status", built, home)


@pytest.mark.parametrize("name", NAMES)
def test_no_content_of_a_file_ends_build_or_recaption_with_a_traceback(name: str, home: Path, tmp_path: Path) -> None:
    for seed, change in enumerate((other_json, other_table)):
        for verb in ("captions", "build", "recaption"):
            run(verb, fuzzed(home, tmp_path / f"{verb}-{seed}", name, change, seed), home)


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_no_content_of_a_file_ends_any_verb_with_a_traceback(
    name: str, change: Callable[[bytes, random.Random], bytes], home: Path, tmp_path: Path
) -> None:
    for seed in range(2, 32):
        check_verify(fuzzed(home, tmp_path / "verify", name, change, seed), home, name)
        for verb in VERBS:
            run(verb, fuzzed(home, tmp_path / verb, name, change, seed), home)
        for verb in ("verify", *VERBS):
            shutil.rmtree(tmp_path / verb)


@pytest.mark.parametrize(
    "damage", [damage for damage in FILES if "a folder" in damage.name or "a pipe" in damage.name], ids=lambda d: d.name
)
def test_no_folder_and_no_pipe_in_place_of_a_file_ends_a_verb_with_a_traceback(damage: Any, home: Path, tmp_path: Path) -> None:
    for verb in ("status", "build"):
        built = Built(shutil.copytree(home / "out", tmp_path / verb))
        damage.change(built)
        run(verb, built, home)


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("damage", FILES, ids=lambda damage: damage.name)
def test_no_damage_ends_a_verb_with_a_traceback(damage: Any, verb: str, home: Path, tmp_path: Path) -> None:
    built = Built(shutil.copytree(home / "out", tmp_path / "out"))
    damage.change(built)
    run(verb, built, home)


def test_verify_on_an_engine_of_beam_finds_the_same(home: Path, tmp_path: Path) -> None:
    built = Built(shutil.copytree(home / "out", tmp_path / "out"))
    built.path(TAR).write_bytes(b"")
    assert list(verify(built.folder, True, Engine(n_workers=2))) == list(verify(Folder(str(built.root)), True)) != []
