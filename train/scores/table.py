"""Format scores as text."""

from collections.abc import Sequence

WAYS = {"t2a": "text to audio", "a2t": "audio to text"}
RETRIEVAL = ("R@1", "R@5", "R@10", "mAP@10", "mAP@16", "median_rank")
CLASSES = ("accuracy", "fold_mean", "mAP")


def score_table(scores: dict) -> str:
    """Format the scores of `score` as a table: of several datasets each one, then their mean."""
    lines = []
    for name, each in scores["datasets"].items():
        lines += [f"{name}: {_counts(each)}", *_rows(each)]
    if len(scores["datasets"]) > 1:
        lines += [f"mean of {len(scores['datasets'])} datasets", *_rows(scores)]
    return "\n".join(lines)


def evaluation_table(result: dict) -> str:
    """Format what `evaluate` returns: the scores of each dataset, below each its 95 % interval, then what to know about it."""
    lines = [f"split {result['split']}, step {result['step']}; below each score its 95 % interval"]
    for name, each in result["datasets"].items():
        lines += ["", f"{name} by the protocol {each['protocol']}: {_counts(each)}", *_rows(each)]
        if "difference" in each:
            lines += [f"minus {result['against']}", *_rows(each["difference"], "+")]
        lines += [f"note: {note}" for note in each["notes"]]
    return "\n".join(lines)


def _counts(scores: dict) -> str:
    what = f"{scores['n_captions']} captions" if "n_captions" in scores else f"{scores['n_classes']} classes"
    return f"{scores['n_clips']} clips, {what}, {scores['n_broken']} broken clips left out"


def _rows(scores: dict, sign: str = "") -> list[str]:
    """Format a table: names, then for each way its scores and, where there are any, their intervals. sign: "+" for differences."""
    if "t2a" not in scores:
        names: Sequence[str] = [name for name in CLASSES if name in scores]
        ways = {"zero-shot": (scores, scores.get("intervals", {}))}
    else:
        names = RETRIEVAL
        ways = {title: (scores[way], scores.get("intervals", {}).get(way, {})) for way, title in WAYS.items()}
    form = {name: f"{sign}.1f" if name == "median_rank" else f"{sign}.3f" for name in names}
    rows = [_row("", names)]
    for title, (values, intervals) in ways.items():
        rows.append(_row(title, [f"{values[name]:{form[name]}}" for name in names]))
        if intervals:
            rows.append(_row("", [" ".join(f"{bound:{form[name]}}" for bound in intervals[name]) for name in names]))
    return rows


def _row(title: str, cells: Sequence[str]) -> str:
    return f"{title:13}" + "".join(f"{cell:>14}" for cell in cells)
