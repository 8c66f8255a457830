"""The message of a fault has the key, what was given, what is allowed, and the most similar allowed word."""

from dataclasses import dataclass

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.recipe.faults import describe, in_toml_words, keys_of, nearest, unknown_key


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    depth: int = 0


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    base: str = ""
    size: int
    audio: Inner = Inner()


ALLOWED = {"": ["size", "audio"], "audio": ["depth"]}


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({}, "at.size: none given, it is needed"),
        ({"size": "3"}, "at.size = '3': input should be a valid integer"),
        ({"size": 3, "sise": 4}, "at.sise = 4: no such key, allowed: size, audio; did you mean 'size'?"),
        ({"size": 3, "audio": {"size": 4}}, "at.audio.size = 4: no such key, allowed: depth"),
        ({"size": 3, "audio": {"depht": 4}}, "at.audio.depht = 4: no such key, allowed: depth; did you mean 'depth'?"),
        (
            {"size": 3, "audio": {"depth": "x"}},
            "at.audio.depth = 'x': input should be a valid integer, unable to parse string",
        ),
        ({"size": 3, "audio": 5}, "at.audio = 5: input should be a table"),
    ],
)
def test_a_fault_is_one_line_with_key_given_and_allowed(given, line):
    with pytest.raises(ValidationError) as caught:
        Model.model_validate(given)
    [fault] = describe(caught.value, ALLOWED, "at.")
    assert fault.startswith(line)


def test_every_fault_is_one_line():
    with pytest.raises(ValidationError) as caught:
        Model.model_validate({"audio": {"depth": "x"}, "other": 1})
    assert len(describe(caught.value, ALLOWED, "")) == 3


def test_the_keys_of_a_table_are_the_fields_of_its_model_or_dataclass_without_base():
    @dataclass
    class Record:
        first: int
        second: int

    assert keys_of(Model) == ["size", "audio"]
    assert keys_of(Record) == ["first", "second"]


def test_a_word_that_is_not_similar_to_any_gets_no_suggestion():
    assert nearest("zzz", ["name", "audio"]) == ""
    assert unknown_key("zzz", [1], ["name", "audio"]) == "zzz = [1]: no such key, allowed: name, audio"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Value error, no such split", "no such split"),
        ("Input should be a valid dictionary or instance of AudioLimits", "input should be a table"),
        ("Input should be a valid tuple", "input should be a valid list"),
        ("Input should be a finite number", "input should be a finite number"),
    ],
)
def test_messages_use_the_type_names_of_toml(message, words):
    assert in_toml_words(message) == words
