"""Format scores as text."""

from collections.abc import Callable
from typing import Any

WAYS = {"t2a": "text to audio", "a2t": "audio to text"}
NAMES = ("R@1", "R@5", "R@10", "mAP@10", "mAP@16", "median_rank")


def score_table(scores: dict) -> str:
    """Format the scores of `score` as a table: of several datasets each one, then their mean."""
    parts = [f"{name}: {_counts(each)}\n{_rows(each)}" for name, each in scores["datasets"].items()]
    if len(parts) > 1:
        parts.append(f"mean of {len(parts)} datasets\n{_rows(scores)}")
    return "\n".join(parts)


def _counts(scores: dict) -> str:
    return f"{scores['n_clips']} clips, {scores['n_captions']} captions, {scores['n_broken']} broken clips left out"


def _rows(scores: dict) -> str:
    head = f"{'':15}" + "".join(f"{name:>13}" for name in NAMES)
    rows = [f"{title:15}" + "".join(f"{scores[way][name]:13.3f}" for name in NAMES) for way, title in WAYS.items()]
    return "\n".join([head, *rows])


def evaluation_table(result: dict) -> str:
    """Format what `evaluate` returns: the scores of each dataset, below each its 95 % interval, then what to know about it."""
    parts = [f"split {result['split']}, step {result['step']}; in brackets 95 % intervals over clips"]
    for name, each in result["datasets"].items():
        n = f"{each['n_captions']} captions" if "n_captions" in each else f"{each['n_classes']} classes"
        parts.append(f"{name}, protocol {each['protocol']}: {each['n_clips']} clips, {n}, {each['n_broken']} broken clips left out")
        parts += _estimates(each, each["intervals"])
        if "difference" in each:
            values = _leaves(each["difference"], lambda leaf: leaf["value"])
            bounds = _leaves(each["difference"], lambda leaf: [leaf["low"], leaf["high"]])
            parts += [f"difference to {result['against']}", *_estimates(values, bounds, "+.3f")]
        parts += [f"  note: {note}" for note in each["notes"]]
    return "\n".join(parts)


def _estimates(values: dict, intervals: dict, form: str = ".3f") -> list[str]:
    """Format scores with intervals: a line for each way and score."""
    ways = [(title, way) for way, title in WAYS.items() if way in values] or [("zero-shot", "")]
    lines = []
    for title, way in ways:
        scores, bounds = (values[way], intervals[way]) if way else (values, intervals)
        lines += [f"  {title:14} {name:22} {scores[name]:{form}}  [{low:{form}}, {high:{form}}]" for name, (low, high) in bounds.items()]
    return lines


def _leaves(tree: dict, of: Callable[[dict], Any]) -> dict:
    """Apply a function to the estimates of a nested dict."""
    return {name: of(each) if "value" in each else _leaves(each, of) for name, each in tree.items()}
