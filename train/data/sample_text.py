"""Read the JSON of a sample. What cannot be used is an error here, and nowhere else."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

FIELDS = {"text": "text", "all": "text_augment_all", "augment_only": "text_augment_t5"}
KINDS: dict[type, str] = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}


class SampleText(NamedTuple):
    """The captions that one is drawn from, none of them blank, and the tags of a sample.

    origins: where each caption comes from, such as human or t5, as a build writes it; empty where that is not known. address: of the
    recording; empty where it is not known.
    """

    captions: tuple[str, ...]
    tags: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    address: str = ""


def read_text(data: bytes, texts: str) -> SampleText:
    """Return the captions, as the reference trainer chooses them, and the tags.

    texts: "text", "all" (the texts and T5's), or "augment_only" (T5's, if the sample has one). Raise ValueError if the sample cannot
    be used.

    >>> read_text(b'{"text": ["a"], "text_augment_all": ["a", "b"], "text_augment_t5": "b"}', "augment_only")
    SampleText(captions=('b',), tags=(), origins=(), address='')
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
    known = _origins(sample)
    origins = tuple(known.get(caption, "") for caption in captions) if known else ()
    return SampleText(captions, tuple(_strings(sample, "tag")), origins, _address(sample))


def read_caption(data: bytes) -> SampleText:
    """Return the one caption that a text file holds. Raise ValueError if it is blank or not UTF-8.

    >>> read_caption(b"a dog\\nbarks\\n")
    SampleText(captions=('a dog barks',), tags=(), origins=(), address='')
    """
    caption = " ".join(data.decode("utf-8-sig").split())
    if not caption:
        raise ValueError("no text")
    return SampleText((caption,))


def draw(sample: SampleText, weights: Mapping[str, float], rng: np.random.Generator) -> str:
    """Draw a caption: without weights each with the same probability.

    weights: of origins; 1 for those that are not named. First an origin of the sample is drawn by weight, then one of its captions.
    Captions of weight 0 are drawn where the sample has no others.
    """
    if not weights or not sample.origins:
        return sample.captions[int(rng.integers(len(sample.captions)))]
    origins = sorted(set(sample.origins))
    shares = np.array([weights.get(origin, 1.0) for origin in origins])
    if not shares.any():
        shares[:] = 1
    origin = origins[int(rng.choice(len(origins), p=shares / shares.sum()))]
    captions = [caption for caption, each in zip(sample.captions, sample.origins, strict=True) if each == origin]
    return captions[int(rng.integers(len(captions)))]


def _origins(sample: dict[str, Any]) -> dict[str, str]:
    """Return where captions come from: text -> origin, of what a build writes as `original_data.captions`."""
    data = sample.get("original_data")
    captions = data.get("captions") if isinstance(data, dict) else None
    rows = [row for row in captions if isinstance(row, dict)] if isinstance(captions, list) else []
    return {row["text"]: row["origin"] for row in rows if isinstance(row.get("text"), str) and isinstance(row.get("origin"), str)}


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
