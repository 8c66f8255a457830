"""The JSON of samples: what can be used, and the reason where it cannot."""

import json

import numpy as np
import pytest

from train.data.sample_text import SampleText, draw, read_caption, read_text

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


def with_origins(**origins):
    """Return a sample with one caption for each name, of the given origin, and `several` of the origin t5."""
    captions = [{"text": text, "origin": origin} for text, origin in origins.items()]
    sample = {"text": list(origins), "original_data": {"captions": captions}}
    return read_text(json.dumps(sample).encode(), "text")


def share(sample, weights, caption):
    drawn = [draw(sample, weights, np.random.default_rng((1, i))) for i in range(400)]
    return drawn.count(caption) / 400


def test_captions_are_drawn_by_the_weights_of_their_origins():
    sample = with_origins(a="human", b="t5", c="t5", d="t5")
    assert share(sample, {}, "a") == pytest.approx(0.25, abs=0.07)
    assert share(sample, {"human": 1}, "a") == pytest.approx(0.5, abs=0.07)
    assert share(sample, {"human": 3}, "a") == pytest.approx(0.75, abs=0.07)
    assert share(sample, {"human": 0}, "a") == 0
    assert share(sample, {"human": 0, "t5": 0}, "a") == pytest.approx(0.5, abs=0.07)


@pytest.mark.parametrize("about", [None, [], {"captions": 3}, {"captions": [1, {"text": 2}, {"text": "a", "origin": None}]}])
def test_captions_without_an_origin_are_drawn_alike(about):
    sample = read_text(json.dumps({"text": ["a", "b"], "original_data": about}).encode(), "text")
    assert share(sample, {"human": 9}, "a") == pytest.approx(0.5, abs=0.07)


@pytest.mark.parametrize("data", [b"", b" \n", b"\xff\xfe"])
def test_a_text_file_without_a_caption_is_an_error(data):
    with pytest.raises(ValueError):
        read_caption(data)


def test_a_text_file_is_one_caption():
    assert read_caption("\ufeffein Hund\r\nbellt \n".encode()).captions == ("ein Hund bellt",)
