"""The facts about a guard count what passed and choose the same examples for equal plans."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.output.plan_index import read_plan
from pipeline.output.storage import Folder
from pipeline.output.t5_files import Verdict, write_verdicts
from pipeline.report.guard_facts import GuardFacts, guard_facts
from tests.outcomes import SHARD, clip, write_plan


def judged(name: str, *rules: str | None, dataset: str = "Set") -> Verdict:
    return Verdict(dataset, (name, "x"), name, tuple(f"{name} {n}" for n in range(len(rules))), rules)


def with_t5(root: Path, verdicts: list[Verdict]) -> Folder:
    folder = Folder(str(root))
    write_verdicts([(each, 2) for each in verdicts], folder, "plan")
    plan = write_plan({SHARD: [clip()]}, folder)
    folder.write_json("plan/plan.json", plan.to_json() | {"t5": folder.read_json("plan/t5_counts.json")})
    return folder


def facts_of(root: Path, verdicts: list[Verdict]) -> dict[str, GuardFacts]:
    folder = with_t5(root, verdicts)
    return guard_facts(folder, read_plan(folder))


def test_clips_and_sets_are_counted_and_the_text_that_was_chosen_is_shown(tmp_path: Path) -> None:
    verdicts = [judged("dog", "number", None, None), judged("cat", "length", "number"), judged("sea", None)]
    facts = facts_of(tmp_path, verdicts)["Set"]
    assert (facts.n_clips, facts.n_clips_passed, facts.n_sets, facts.n_sets_passed, facts.rules) == (6, 4, 3, 2, {"length": 1})
    assert sorted((each.keywords[0], each.text, each.rule) for each in facts.examples) == [
        ("cat", "cat 0", "length"),
        ("dog", "dog 1", None),
        ("sea", "sea 0", None),
    ]
    assert facts.examples[-1].rule == "length", "good ones come first"


@pytest.mark.parametrize(("n_good", "n_bad", "shown"), [(30, 30, (10, 10)), (30, 3, (17, 3)), (3, 30, (3, 17)), (2, 2, (2, 2))])
def test_twenty_examples_are_shown_half_of_them_good_where_there_are_as_many(
    n_good: int, n_bad: int, shown: tuple[int, int], tmp_path: Path
) -> None:
    verdicts = [*(judged(f"g{n}", None) for n in range(n_good)), *(judged(f"b{n}", "length") for n in range(n_bad))]
    rules = [each.rule for each in facts_of(tmp_path, verdicts)["Set"].examples]
    assert (rules.count(None), rules.count("length")) == shown


def test_each_dataset_has_its_own_examples(tmp_path: Path) -> None:
    facts = facts_of(tmp_path, [judged("dog", None), judged("dog", "length", dataset="Other")])
    assert list(facts) == ["Other", "Set"]
    assert [each.rule for each in facts["Other"].examples] == ["length"] and [each.rule for each in facts["Set"].examples] == [None]
    assert facts["Set"].to_json() == {
        "clips": [2, 2],
        "sets": [1, 1],
        "rules": {},
        "examples": [{"keywords": ["dog", "x"], "text": "dog 0", "rule": ""}],
    }


def test_a_plan_without_a_t5_has_none(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    assert guard_facts(folder, write_plan({SHARD: [clip()]}, folder)) == {}
