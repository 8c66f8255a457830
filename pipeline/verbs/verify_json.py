"""Check the JSON of a sample: against the JSON that its plan row gives, or alone against what readers need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.output.json_values import parse_json
from pipeline.verbs.verify_fault import shown

NEEDED = {"text": list, "tag": list, "original_data": dict}
MAX_DIFFERENCES = 5  # values of one sample that are named


def different_json(data: bytes, expected: bytes) -> Iterator[str]:
    """Yield how the JSON of a sample differs from that which a build writes."""
    if data == expected:
        return
    try:
        given = parse_json(data)
    except ValueError as error:
        yield f"is not JSON ({error})"
        return
    differences = list(_differences(given, parse_json(expected), ""))
    yield from differences[:MAX_DIFFERENCES]
    if len(differences) > MAX_DIFFERENCES:
        yield f"{len(differences) - MAX_DIFFERENCES} more values are not those of the plan"
    if not differences:
        yield "holds the values of the plan, but not the bytes that a build writes"


def unusable_json(data: bytes) -> Iterator[str]:
    """Yield what readers of the set could not use in the JSON of a sample."""
    try:
        sample = parse_json(data)
    except ValueError as error:
        yield f"is not JSON ({error})"
        return
    if not isinstance(sample, dict):
        yield "is not a JSON object"
        return
    yield from (f"{key!r} is missing or no {kind.__name__}" for key, kind in NEEDED.items() if not isinstance(sample.get(key), kind))
    if isinstance(sample.get("text"), list) and not _are_captions(sample["text"]):
        yield "'text' must be a list of at least one non-empty string"
    if ("text_augment_all" in sample) != ("text_augment_t5" in sample):
        yield "'text_augment_all' and 'text_augment_t5' go together"
    elif "text_augment_all" in sample:
        wrong = (name for name in ("text_augment_all", "text_augment_t5") if not _are_captions(sample[name]))
        yield from (f"{name!r} must be a list of at least one non-empty string" for name in wrong)


def _are_captions(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(caption, str) and caption for caption in value)


def _differences(given: Any, expected: Any, path: str) -> Iterator[str]:
    """Yield a line for every value that is not the expected one, named by its path, such as `original_data.captions[0].text`."""
    if isinstance(given, dict) and isinstance(expected, dict):
        for key in [*expected, *(key for key in given if key not in expected)]:
            inner = f"{path}.{key}" if path else key
            if key not in given:
                yield f"{inner} is missing"
            elif key not in expected:
                yield f"{inner} is in no sample of a build"
            else:
                yield from _differences(given[key], expected[key], inner)
    elif isinstance(given, list) and isinstance(expected, list) and len(given) == len(expected):
        for number, pair in enumerate(zip(given, expected, strict=True)):
            yield from _differences(*pair, f"{path}[{number}]")
    elif type(given) is not type(expected) or given != expected:
        yield f"{path or 'the JSON'} is {shown(given)}, plan and books give {shown(expected)}"
