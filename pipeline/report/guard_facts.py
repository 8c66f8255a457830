"""Count how many captions by a T5 passed the guard, by dataset, and choose examples of those that passed and those that did not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.keys import stable_hash
from pipeline.output.plan_index import Plan
from pipeline.output.storage import Folder
from pipeline.output.t5_files import read_texts

N_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class JudgedText:
    """A text by a T5 for a keyword set, and the rule of the guard that it breaks, `None` where it passes."""

    keywords: tuple[str, ...]
    text: str
    rule: str | None

    def to_json(self) -> dict[str, Any]:
        """Return the text as reports have it; `rule` is empty where it passes."""
        return {"keywords": list(self.keywords), "text": self.text, "rule": self.rule or ""}


@dataclass(frozen=True, slots=True)
class GuardFacts:
    """How many clips and keyword sets a T5 was asked for and how many got a caption; the others by the rule that their best text breaks,
    the most frequent first."""

    n_clips: int
    n_clips_passed: int
    n_sets: int
    n_sets_passed: int
    rules: Mapping[str, int]
    examples: tuple[JudgedText, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the facts as reports have them; `clips` and `sets` are [asked, passed], as in plan.json."""
        counts = {"clips": [self.n_clips, self.n_clips_passed], "sets": [self.n_sets, self.n_sets_passed]}
        return counts | {"rules": dict(self.rules), "examples": [each.to_json() for each in self.examples]}


def guard_facts(folder: Folder, plan: Plan) -> dict[str, GuardFacts]:
    """Return the facts by dataset, for the datasets for which a T5 was asked.

    Raises:
        DamagedFileError: the texts of the T5 cannot be read.
    """
    rows = read_texts(folder) if plan.t5 else []
    facts = {}
    for name, counts in sorted(plan.t5.items()):
        rules = dict(sorted(counts["rules"].items(), key=lambda item: (-item[1], item[0])))
        examples = _examples([row for row in rows if row["dataset"] == name])
        (n_clips, n_clips_passed), (n_sets, n_sets_passed) = counts["clips"], counts["sets"]
        facts[name] = GuardFacts(n_clips, n_clips_passed, n_sets, n_sets_passed, rules, examples)
    return facts


def _examples(rows: list[dict[str, Any]]) -> tuple[JudgedText, ...]:
    """Return the best text of some keyword sets; half of them passed the guard, where there are enough. Equal plans give equal ones."""
    best = {tuple(row["keywords"]): row for row in sorted(rows, key=lambda row: (row["rule"] is None, -row["rank"]))}
    judged = [JudgedText(keywords, best[keywords]["text"], best[keywords]["rule"]) for keywords in sorted(best, key=stable_hash)]
    good, refused = ([each for each in judged if (each.rule is None) == passed] for passed in (True, False))
    chosen = good[: max(N_EXAMPLES // 2, N_EXAMPLES - len(refused))]
    return tuple(chosen + refused[: N_EXAMPLES - len(chosen)])
