"""The report of captions counts them by origin and rule, and shows examples."""

from __future__ import annotations

import collections
from pathlib import Path

import pytest

from pipeline.output.storage import Folder
from pipeline.output.t5_files import Verdict, write_verdicts
from pipeline.records import Caption, ShardId
from pipeline.report.captions_report import CaptionsReport, DebiasedCaption, captions_report, report_lines, t5_lines
from tests.outcomes import SHARD, clip, write_plan

OTHER = ShardId("Other", "train", 0)
CHANGED = Caption("A person speaks.", before_debias="A man speaks.", debias_rules=("person",))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path))


def test_captions_are_counted_by_dataset_and_origin_with_every_change(folder: Folder) -> None:
    plan = write_plan(
        {
            SHARD: [clip("a", captions=(CHANGED, Caption("Rain.", "template"))), clip("b", captions=(Caption("Wind."),))],
            OTHER: [clip("c", dataset="Other", captions=(Caption("Dog.", "template"),))],
        },
        folder,
    )
    report = captions_report(plan, folder)
    assert report.origins == {"Set": {"human": 2, "template": 1}, "Other": {"template": 1}}
    (change,) = report.changes
    assert (change.key, change.before, change.after) == (clip("a").key, "A man speaks.", "A person speaks.")
    assert change.rules and report.rules == collections.Counter(change.rules)
    assert (report.n_captions, report.t5) == (4, {})
    assert report.to_json() == {
        "captions": {"Other": {"template": 1}, "Set": {"human": 2, "template": 1}},
        "debias": {
            "captions": 4,
            "changed": 1,
            "rules": dict(report.rules),
            "changes": [{"key": change.key, "before": change.before, "after": change.after, "rules": list(change.rules)}],
        },
        "t5": {},
    }
    assert list(report.to_json()["captions"]) == ["Other", "Set"]


def test_lines_show_counts_and_three_changes_of_each_rule() -> None:
    changes = [DebiasedCaption("k", f"before {n}", f"after {n}", rules) for n, rules in enumerate([("noun", "verb")] * 4 + [("verb",)])]
    origins = {"B": collections.Counter(human=1, t5=2), "A": collections.Counter(title=1)}
    report = CaptionsReport(origins, collections.Counter(noun=4, verb=5), changes)
    assert list(report_lines(report)) == [
        "A: 1 caption: title 1",
        "B: 3 captions: t5 2, human 1",
        "de-biasing changed 5 of 4 captions: verb 5, noun 4",
        "  noun: before 0 -> after 0",
        "  noun: before 1 -> after 1",
        "  noun: before 2 -> after 2",
        "  verb: before 4 -> after 4",
    ]


def test_a_plan_without_changes_has_none() -> None:
    assert list(report_lines(CaptionsReport())) == ["de-biasing changed 0 of 0 captions: none"]


def judged(name: str, *rules: str | None) -> Verdict:
    return Verdict("Set", (name, "x"), name, tuple(f"{name} {n}" for n in range(len(rules))), rules)


def with_t5(folder: Folder, verdicts: list[Verdict]) -> list[str]:
    write_verdicts([(each, 2) for each in verdicts], folder, "plan")
    plan = write_plan({SHARD: [clip()]}, folder)
    folder.write_json("plan/plan.json", plan.to_json() | {"t5": folder.read_json("plan/t5_counts.json")})
    return list(t5_lines(folder))


def test_lines_of_the_t5_show_what_passed_and_the_text_that_was_chosen(folder: Folder) -> None:
    lines = with_t5(folder, [judged("dog", "number", None, None), judged("cat", "length", "number"), judged("sea", None)])
    assert lines[0] == "Set: the T5's caption passes the guard for 2 of 3 keyword sets (66.7%), 4 of 6 clips; refused: length 1"
    assert sorted(lines[1:-1]) == ["  length: cat; x -> cat 0", "  passes: dog; x -> dog 1", "  passes: sea; x -> sea 0"]
    assert lines[3].startswith("  length"), "good ones come first"
    assert lines[-1] == "every text of the T5, with the rule that it breaks: plan/t5_texts.parquet"


@pytest.mark.parametrize(("n_good", "n_bad", "shown"), [(30, 30, (10, 10)), (30, 3, (17, 3)), (3, 30, (3, 17)), (2, 2, (2, 2))])
def test_twenty_examples_are_shown_half_of_them_good_where_there_are_as_many(
    n_good: int, n_bad: int, shown: tuple[int, int], folder: Folder
) -> None:
    lines = with_t5(folder, [*(judged(f"g{n}", None) for n in range(n_good)), *(judged(f"b{n}", "length") for n in range(n_bad))])
    assert (sum("  passes:" in line for line in lines), sum("  length:" in line for line in lines)) == shown


def test_a_plan_without_a_t5_has_no_lines(folder: Folder) -> None:
    write_plan({SHARD: [clip()]}, folder)
    assert list(t5_lines(folder)) == []
