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


def test_a_document_has_a_limit_of_bytes_and_may_begin_with_a_mark():
    assert read_toml(b"#" * MAX_BYTES) == {} and read_toml(b"\xef\xbb\xbfa = 1") == {"a": 1}
    with pytest.raises(ValueError, match=r"^1000001 bytes, a recipe has at most 1000000: "):
        read_toml(b"#" * (MAX_BYTES + 1))


@pytest.mark.parametrize(
    ("text", "message"), [("a = ", "Invalid value"), (".".join(["a"] * (MAX_DEPTH + 1)) + " = 1", "a key nested more than 100 deep")]
)
def test_a_fault_of_a_document_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        read_toml(text.encode())


@pytest.mark.parametrize(
    ("value", "length", "text"),
    [
        ("x" * 8, 10, f"'{'x' * 8}'"),
        ("x" * 9, 10, "'xxxxxx..."),
        (10**9, 10, "1000000000"),
        (10**10, 10, "1000000..."),
        ([1] * 5, 4, "[..."),
        ((1, 2), 4, "(..."),
        ({1: 2}, 6, "{1: 2}"),
    ],
)
def test_a_long_value_is_cut_at_its_length(value, length, text):
    assert shortened(value, length) == text


def test_a_number_of_too_many_digits_is_named_by_its_type():
    assert shortened(10**5000) == "a long int"
