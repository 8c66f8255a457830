"""Check the environment of workers that a command line chooses, before anything runs: Beam reads it when the first job starts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.engines.machines import value_of

TYPES = ("DOCKER", "EXTERNAL", "LOOPBACK", "PROCESS")
COMMAND = """a JSON object with the command that starts a worker, as in --environment_config='{"command": "/path/boot"}'"""
POOL = "the address of a pool of workers, as in --environment_config=localhost:50000"


def environment_faults(options: Sequence[str]) -> Iterator[str]:
    """Yield a line with the remedy where the environment of workers cannot be started."""
    kind, config = value_of(options, "environment_type"), value_of(options, "environment_config")
    if kind and kind not in TYPES and not kind.startswith("beam:env:"):
        near = f"; did you mean {kind.upper()}?" if kind.upper() in TYPES else ""
        yield f"--environment_type={kind}: allowed are {', '.join(TYPES)}{near}"
        return
    has_more = value_of(options, "environment_options") is not None or value_of(options, "environment_option") is not None
    if kind == "LOOPBACK" and config:
        yield f"--environment_config={config}: workers of LOOPBACK are in this process; leave it out, or give another --environment_type"
    elif kind == "PROCESS" and not (config is None and has_more) and not _text_of(_parsed(config), "command"):
        yield f"--environment_type=PROCESS: give as --environment_config {COMMAND}"
    elif kind == "EXTERNAL" and not (config is None and has_more):
        is_object = (config or "").lstrip().startswith("{")
        if not config or (is_object and not _text_of(_parsed(config), "url")):
            yield f"--environment_type=EXTERNAL: give {POOL}"


def _parsed(text: str | None) -> Any:
    try:
        return json.loads(text or "")
    except ValueError:
        return None


def _text_of(value: Any, name: str) -> str:
    text = value.get(name) if isinstance(value, dict) else None
    return text if isinstance(text, str) else ""
