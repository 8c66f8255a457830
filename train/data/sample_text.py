"""Read the JSON of a sample. What cannot be used is an error here, and nowhere else."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

FIELDS = {"text": "text", "all": "text_augment_all", "augment_only": "text_augment_t5"}
KINDS: dict[type, str] = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}


class SampleText(NamedTuple):
    """The captions that one is drawn from, none of them blank, the tags of a sample, and the address of its recording, "" if unknown."""

    captions: tuple[str, ...]
    tags: tuple[str, ...]
    address: str = ""


def read_text(data: bytes, texts: str) -> SampleText:
    """Return the captions, as the reference trainer chooses them, and the tags.

    texts: "text", "all" (the texts and T5's), or "augment_only" (T5's, if the sample has one). Raise ValueError if the sample cannot
    be used.

    >>> read_text(b'{"text": ["a"], "text_augment_all": ["a", "b"], "text_augment_t5": "b"}', "augment_only")
    SampleText(captions=('b',), tags=(), address='')
    """
    try:
        sample = json.loads(data)
    except RecursionError as error:
        raise ValueError("its JSON is nested too deep") from error
    if not isinstance(sample, dict):
        raise ValueError(f"its JSON is {_kind(sample)}, not an object")
    if isinstance(sample.get("tag"), str):
        raise ValueError("its tag is a string, not a list of strings")
    captions = tuple(_strings(sample, FIELDS[texts])) or tuple(_strings(sample, "text"))
    if not captions:
        raise ValueError("no text")
    return SampleText(captions, tuple(_strings(sample, "tag")), _address(sample))


def _strings(sample: dict[str, Any], field: str) -> Iterator[str]:
    """Yield the strings of a field but for blank ones: a string or a list of strings; nothing where it is missing or null."""
    values = sample.get(field)
    if values is None:
        return
    if isinstance(values, str):
        values = [values]
    if not isinstance(values, list):
        raise ValueError(f"its {field} is {_kind(values)}, not a list of strings")
    for value in values:
        if not isinstance(value, str):
            raise ValueError(f"its {field} holds {_kind(value)}, not only strings")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"its {field} holds half a surrogate pair, which is no text") from error
        if value.strip():
            yield value


def _address(sample: dict[str, Any]) -> str:
    """Return `url` of `original_data`, as the build writes it; "" where it is missing or no string."""
    original = sample.get("original_data")
    address = original.get("url") if isinstance(original, dict) else None
    return address if isinstance(address, str) else ""


def _kind(value: object) -> str:
    """Return the name of a type in JSON."""
    return KINDS.get(type(value), "a number")
