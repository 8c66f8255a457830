"""The JSON of samples: what can be used, and the reason where it cannot."""

import json

import pytest

from train.data.sample_text import SampleText, read_text

BAD_TEXTS = [
    [],
    None,
    "text",
    3,
    {},
    {"text": None},
    {"text": 3},
    {"text": [None]},
    {"text": [["a"]]},
    {"text": ["a", 1]},
    {"text": {"a": 1}},
    {"text": [" ", "\u3000\n", ""]},
    {"text": ["a \ud800 b"]},
    {"text": ["a"], "tag": "dog"},
    {"text": ["a"], "tag": 4},
    {"text": ["a"], "tag": [4]},
    {"text": ["a"], "tag": ["\udfff"]},
]
"""Values of the JSON of a sample that cannot be used."""


@pytest.mark.parametrize("value", BAD_TEXTS)
def test_a_sample_that_cannot_be_used_is_an_error_with_a_reason(value):
    with pytest.raises(ValueError, match=r"^(its (JSON|text|tag) (is|holds) |no text)"):
        read_text(json.dumps(value).encode(), "text")


@pytest.mark.parametrize("data", [b"", b"{", b"\xff{}", b"[" * 100_000, b'{"text": ["a"]} {}', b"9" * 10_000])
def test_bytes_that_are_no_json_are_an_error(data):
    with pytest.raises(ValueError, match=r"."):  # the text is that of Python
        read_text(data, "text")


@pytest.mark.parametrize(("texts", "chosen"), [("text", ("a", "b")), ("all", ("a", "b", "t5")), ("augment_only", ("t5",))])
def test_texts_are_chosen_as_the_reference_trainer_does(texts, chosen):
    sample = {"text": ["a", "b"], "text_augment_all": ["a", "b", "t5"], "text_augment_t5": "t5", "tag": ["x", "y"]}
    assert read_text(json.dumps(sample).encode(), texts) == SampleText(chosen, ("x", "y"))
    plain = {"text": "plain", "text_augment_all": None, "text_augment_t5": None, "tag": None}
    assert read_text(json.dumps(plain).encode(), texts) == SampleText(("plain",), ())


def test_blank_texts_are_left_out():
    assert read_text(b'{"text": ["", "a", "  "], "tag": ["", "b"]}', "text") == SampleText(("a",), ("b",))
