"""A recipe beyond all bounds is one sentence, in no time."""

import time

import pytest

from pipeline.recipe.toml import MAX_BYTES, MAX_DEPTH, read_toml, shortened
from tests.fates import command
from tests.recipes import faults_of, make_folder

DIGITS, DEEP = "9" * 10_000, ".".join(["a"] * 20_000)


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        (f"shard_size = {DIGITS}", "not TOML: a number of more than 4300 digits"),
        (f"shard_size = 0x{'f' * 10_000}", "shard_size = a long int: input should be less than or equal to 100000"),
        (f"{DEEP} = 1", "not TOML: a key nested more than 100 deep"),
        (f"[{DEEP}]\nx = 1", "not TOML: a key nested more than 100 deep"),
        (f"audio = {{{DEEP} = 1}}", "not TOML: a key nested more than 100 deep"),
        ('"a b" . ' * 200 + "c = 1", "not TOML: a key nested more than 100 deep"),
        ("licenses = " + "[" * 20_000 + "]" * 20_000, "not TOML: lists or tables nested more than 100 deep"),
        ("audio = " + "{a=" * 5000 + "1" + "}" * 5000, "not TOML: lists or tables nested more than 100 deep"),
        (f"holdout = ['{'x' * MAX_BYTES}']", "a recipe has at most 1000000: put lists of recordings into a table, and name the table"),
    ],
)
def test_a_recipe_beyond_all_bounds_is_one_sentence(tmp_path, head, fault):
    begin = time.monotonic()
    [line] = faults_of(make_folder(tmp_path / "home"), head)
    assert fault in line and len(line) < 400
    assert time.monotonic() - begin < 5


def test_long_keys_and_values_are_cut_in_messages(tmp_path):
    [line] = faults_of(make_folder(tmp_path / "home"), f'{"k" * 5000} = "{"v" * 5000}"')
    assert len(line) < 600 and line.startswith("k" * 100 + " = 'vvv")


def test_the_bounds_leave_room_for_every_recipe():
    names = ", ".join(f'"clip.{n}.wav"' for n in range(5000))
    assert len(read_toml(f"holdout = [\n{names}\n]".encode())["holdout"]) == 5000
    assert read_toml((".".join(["a"] * MAX_DEPTH) + " = 1").encode())
    assert read_toml(f"n = {'9' * 4000}".encode())


def test_a_short_value_is_shown_as_it_is():
    assert (shortened("x"), shortened([1, 2]), shortened(None)) == ("'x'", "[1, 2]", "None")


def test_the_command_ends_with_exit_code_2(tmp_path):
    (tmp_path / "r.toml").write_text(f"name = 'x'\nshard_size = {DIGITS}\n{DEEP} = 1\n")
    done = command("build", tmp_path / "r.toml", "--output", tmp_path / "out")
    assert done.returncode == 2 and "Traceback" not in done.stderr and len(done.stderr) < 500
