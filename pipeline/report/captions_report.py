"""What the captions of a plan are: by origin, how often the T5's may stand, and every change that de-biasing made."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from augment.debias.rewrite import debias
from pipeline.output.plan_files import read_rows_of
from pipeline.output.plan_index import Plan, read_plan
from pipeline.output.storage import Folder
from pipeline.output.t5_files import read_texts
from pipeline.records import Caption, stable_hash

N_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Neutralised:
    """A caption that de-biasing changed: which clip, the text before and after, and the rules in the order they worked."""

    key: str
    before: str
    after: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class CaptionsReport:
    """Counts over a whole plan: captions by dataset and origin, changes by rule, and what plan.json says of the T5."""

    origins: dict[str, collections.Counter[str]] = field(default_factory=dict)
    rules: collections.Counter[str] = field(default_factory=collections.Counter)
    changes: list[Neutralised] = field(default_factory=list)
    t5: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def n_captions(self) -> int:
        """Number of captions in the plan."""
        return sum(counts.total() for counts in self.origins.values())

    def to_json(self) -> dict[str, Any]:
        """Return the report as `status --captions --json` prints it, every change included."""
        changes = [{"key": one.key, "before": one.before, "after": one.after, "rules": list(one.rules)} for one in self.changes]
        return {
            "captions": {name: dict(sorted(counts.items())) for name, counts in sorted(self.origins.items())},
            "debias": {"captions": self.n_captions, "changed": len(changes), "rules": dict(self.rules.most_common()), "changes": changes},
            "t5": self.t5,
        }


def captions_report(plan: Plan, folder: Folder) -> CaptionsReport:
    """Return what the captions of a plan are."""
    report = CaptionsReport(t5=_t5_counts(folder))
    for planned in plan.shards:
        origins = report.origins.setdefault(planned.shard.dataset, collections.Counter())
        for clip in read_rows_of(folder, planned.shard):
            origins.update(caption.origin for caption in clip.captions)
            report.changes.extend(_neutralised(clip.key, caption) for caption in clip.captions if caption.before_debias is not None)
    report.rules.update(rule for change in report.changes for rule in change.rules)
    return report


def _neutralised(key: str, caption: Caption) -> Neutralised:
    before = caption.before_debias or ""
    return Neutralised(key, before, caption.text, tuple(change.rule for change in debias(before).changes))


def report_lines(report: CaptionsReport) -> Iterator[str]:
    """Yield the report for a person: counts, and the first changes of each rule."""
    for name, counts in sorted(report.origins.items()):
        yield f"{name}: {counts.total()} captions: {_counts(counts)}"
    yield f"de-biasing changed {len(report.changes)} of {report.n_captions} captions: {_counts(report.rules) or 'none'}"
    shown: collections.Counter[str] = collections.Counter()
    for change in report.changes:
        rule = change.rules[0] if change.rules else "rules since changed"
        if shown[rule] < 3:
            shown[rule] += 1
            yield f"  {rule}: {change.before} -> {change.after}"


def t5_lines(folder: Folder) -> Iterator[str]:
    """Yield what the guard said of the T5's captions: how many passed, by dataset; and examples of both kinds."""
    counted = _t5_counts(folder)
    for name, counts in counted.items():
        (n_clips, n_clips_passed), (n_sets, n_sets_passed) = counts["clips"], counts["sets"]
        rules = _counts(collections.Counter(counts["rules"]))
        yield (
            f"{name}: the T5's caption may stand for {n_sets_passed} of {n_sets} keyword sets ({n_sets_passed / n_sets:.1%}), "
            f"{n_clips_passed} of {n_clips} clips" + (f"; refused: {rules}" if rules else "")
        )
    if counted:
        yield from _examples(folder)
        yield "every text it wrote, with the rule it breaks: plan/t5_texts.parquet"


def _examples(folder: Folder) -> Iterator[str]:
    """Yield the best text of some keyword sets, half of them good ones where there are as many: the same for the same plan."""
    best = {tuple(row["keywords"]): row for row in sorted(read_texts(folder), key=lambda row: (row["rule"] is None, -row["rank"]))}
    rows = [best[keywords] for keywords in sorted(best, key=stable_hash)]
    good, refused = ([row for row in rows if (row["rule"] is None) == passed] for passed in (True, False))
    n_good = max(N_EXAMPLES // 2, N_EXAMPLES - len(refused))
    chosen = good[:n_good]
    for row in chosen + refused[: N_EXAMPLES - len(chosen)]:
        yield f"  {row['rule'] or 'stands'}: {'; '.join(row['keywords'])} -> {row['text']}"


def _t5_counts(folder: Folder) -> dict[str, dict[str, Any]]:
    return dict(read_plan(folder).t5)


def _counts(counts: collections.Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))
