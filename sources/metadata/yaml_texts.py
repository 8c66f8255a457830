"""Read YAML that others wrote: mappings, lists and texts, without tags and aliases, to a bounded depth.

PyYAML's C loader builds nested values by recursion, and a file of a few thousand brackets ends the process. Aliases and merge keys make
values of any size out of a few lines. So values are built here, from the events of the same parser. Every scalar stays a text: the caption
"no" is no truth value.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

MAX_DEPTH = 20  # mappings and lists inside of each other


def read_yaml(path: Path) -> Any:
    """Return the first document of a file: dicts, lists and texts; `None` for a file without any.

    Raises:
        ValueError: it is not YAML, has an alias or a key that is no text, or is deeper than `MAX_DEPTH`.
    """
    with path.open("rb") as file:
        try:
            return _document(yaml.parse(file, Loader=yaml.CSafeLoader))
        except (yaml.YAMLError, ValueError) as error:
            raise ValueError(f"{path}: not YAML that is read here: {' '.join(str(error).split())[:200]}") from error


def _document(events: Iterator[yaml.Event]) -> Any:
    """Return the value that the events of a document describe."""
    outer: list[Any] = []  # the only item is the document
    stack: list[Any] = [outer]
    keys: list[str | None] = [None]  # of each mapping in `stack`, the key whose value comes next
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            raise ValueError(f"an alias (*{event.anchor}) in line {event.start_mark.line + 1}")
        if isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
            keys.pop()
        elif isinstance(event, yaml.DocumentEndEvent):
            break
        elif isinstance(event, yaml.ScalarEvent):
            _put(stack, keys, event.value, event)
        elif isinstance(event, yaml.CollectionStartEvent):
            value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            _put(stack, keys, value, event)
            stack.append(value)
            keys.append(None)
            if len(stack) > MAX_DEPTH:
                raise ValueError(f"more than {MAX_DEPTH} levels in line {event.start_mark.line + 1}")
    return outer[0] if outer else None


def _put(stack: list[Any], keys: list[str | None], value: Any, event: yaml.Event) -> None:
    """Put a value into the innermost list or mapping; in a mapping every other value is a key."""
    if isinstance(stack[-1], list):
        stack[-1].append(value)
    elif keys[-1] is not None:
        stack[-1][keys[-1]] = value
        keys[-1] = None
    elif isinstance(value, str):
        keys[-1] = value
    else:
        raise ValueError(f"a key that is no text in line {event.start_mark.line + 1}")
