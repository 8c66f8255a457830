"""Report the captions of a plan: counts by origin, how many captions of the T5 passed the guard, every change by de-biasing."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.counted import counted
from pipeline.keys import stable_hash
from pipeline.output.plan_files import read_rows_of
from pipeline.output.plan_index import Plan, read_plan
from pipeline.output.storage import Folder
from pipeline.output.t5_files import read_texts
from pipeline.records import Caption

N_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class DebiasedCaption:
    """A caption that de-biasing changed: the key of its clip, the text before and after, and the rules in the order of their use."""

    key: str
    before: str
    after: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class CaptionsReport:
    """Counts over all shards of a plan: captions by dataset and origin, changes by rule, and the counts of the T5 in plan.json."""

    origins: dict[str, collections.Counter[str]] = field(default_factory=dict)
    rules: collections.Counter[str] = field(default_factory=collections.Counter)
    changes: list[DebiasedCaption] = field(default_factory=list)
    t5: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def n_captions(self) -> int:
        """Number of captions in the plan."""
        return sum(counts.total() for counts in self.origins.values())

    def to_json(self) -> dict[str, Any]:
        """Return the report as `status --captions --json` prints it, every change included."""
        changes = [
            {"key": change.key, "before": change.before, "after": change.after, "rules": list(change.rules)} for change in self.changes
        ]
        return {
            "captions": {name: dict(sorted(counts.items())) for name, counts in sorted(self.origins.items())},
            "debias": {"captions": self.n_captions, "changed": len(changes), "rules": dict(self.rules.most_common()), "changes": changes},
            "t5": self.t5,
        }


def captions_report(plan: Plan, folder: Folder) -> CaptionsReport:
    """Count the captions of a plan, and collect what de-biasing changed."""
    report = CaptionsReport(t5=_t5_counts(folder))
    for planned in plan.shards:
        origins = report.origins.setdefault(planned.shard.dataset, collections.Counter())
        for clip in read_rows_of(folder, planned.shard):
            origins.update(caption.origin for caption in clip.captions)
            report.changes.extend(_debiased(clip.key, caption) for caption in clip.captions if caption.before_debias is not None)
    report.rules.update(rule for change in report.changes for rule in change.rules)
    return report


def _debiased(key: str, caption: Caption) -> DebiasedCaption:
    return DebiasedCaption(key, caption.before_debias or "", caption.text, caption.debias_rules)


def report_lines(report: CaptionsReport) -> Iterator[str]:
    """Yield the report as lines: counts, and the first changes of each rule."""
    for name, counts in sorted(report.origins.items()):
        yield f"{name}: {counted(counts.total(), 'caption')}: {_counts(counts)}"
    yield f"de-biasing changed {len(report.changes)} of {counted(report.n_captions, 'caption')}: {_counts(report.rules) or 'none'}"
    shown: collections.Counter[str] = collections.Counter()
    for change in report.changes:
        rule = change.rules[0]
        if shown[rule] < 3:
            shown[rule] += 1
            yield f"  {rule}: {change.before} -> {change.after}"


def t5_lines(folder: Folder) -> Iterator[str]:
    """Yield how many captions of the T5 passed the guard, by dataset, and examples of texts that passed and texts that did not."""
    counts_of = _t5_counts(folder)
    for name, counts in counts_of.items():
        (n_clips, n_clips_passed), (n_sets, n_sets_passed) = counts["clips"], counts["sets"]
        rules = _counts(collections.Counter(counts["rules"]))
        yield (
            f"{name}: the T5's caption passes the guard for {n_sets_passed} of {counted(n_sets, 'keyword set')} "
            f"({n_sets_passed / n_sets:.1%}), "
            f"{n_clips_passed} of {counted(n_clips, 'clip')}" + (f"; refused: {rules}" if rules else "")
        )
    if counts_of:
        yield from _examples(folder)
        yield "every text of the T5, with the rule that it breaks: plan/t5_texts.parquet"


def _examples(folder: Folder) -> Iterator[str]:
    """Yield the best text of some keyword sets; half of them passed the guard, where there are enough. Equal plans give equal lines."""
    best = {tuple(row["keywords"]): row for row in sorted(read_texts(folder), key=lambda row: (row["rule"] is None, -row["rank"]))}
    rows = [best[keywords] for keywords in sorted(best, key=stable_hash)]
    good, refused = ([row for row in rows if (row["rule"] is None) == passed] for passed in (True, False))
    n_good = max(N_EXAMPLES // 2, N_EXAMPLES - len(refused))
    chosen = good[:n_good]
    for row in chosen + refused[: N_EXAMPLES - len(chosen)]:
        yield f"  {row['rule'] or 'passes'}: {'; '.join(row['keywords'])} -> {row['text']}"


def _t5_counts(folder: Folder) -> dict[str, dict[str, Any]]:
    return dict(read_plan(folder).t5)


def _counts(counts: collections.Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))
