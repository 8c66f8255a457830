"""plan.json comes back as it was written; what is damaged or of another version is refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.output.plan_index import FORMAT, DamagedPlanError, OutputFormatError, Plan, PlannedShard, check_format, read_plan
from pipeline.output.storage import Folder
from pipeline.records import ShardId

SHARDS = (
    PlannedShard(ShardId("A", "test", 0), 3, "aa"),
    PlannedShard(ShardId("A", "train", 2), 4, "bb"),
    PlannedShard(ShardId("A", "train", 10), 5, "cc"),
)
T5 = {"A": {"clips": [2, 1], "sets": [2, 1], "rules": {}}}
PLAN = Plan("f", SHARDS, {"A": 14, "B": 6}, {"A": {"no_text": 2}, "B": {"bad_row": 1, "no_text": 5}}, T5)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path))


def test_a_plan_counts_its_rows() -> None:
    assert (PLAN.n_clips, PLAN.n_read, PLAN.n_left_out) == (12, 20, 8)
    assert (Plan("f", (), {}, {}).n_clips, Plan("f", (), {}, {}).n_read, Plan("f", (), {}, {}).n_left_out) == (0, 0, 0)


@pytest.mark.parametrize("plan", [PLAN, Plan("f", SHARDS[:1], {"A": 3}, {}), Plan("", (), {}, {})])
def test_a_plan_comes_back(plan: Plan, folder: Folder) -> None:
    folder.write_json("plan/plan.json", plan.to_json())
    assert read_plan(folder) == plan
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def test_the_file_has_its_format_and_no_word_of_a_t5_that_was_not_asked() -> None:
    value = Plan("f", SHARDS[:1], {"A": 3}, {}).to_json()
    assert value == {
        "format": FORMAT,
        "fingerprint": "f",
        "rows_read": {"A": 3},
        "left_out": {},
        "shards": {"A/test/0": {"rows": 3, "rows_sha256": "aa"}},
    }
    assert PLAN.to_json()["t5"] == T5


def test_shards_come_in_order_of_their_numbers_whatever_the_order_in_the_file(folder: Folder) -> None:
    value = PLAN.to_json()
    folder.write_json("plan.new/plan.json", value | {"shards": dict(sorted(value["shards"].items(), reverse=True))})
    assert read_plan(folder, "plan.new").shards == SHARDS


def test_a_plan_that_is_not_there_is_an_error(folder: Folder) -> None:
    with pytest.raises(FileNotFoundError):
        read_plan(folder)


@pytest.mark.parametrize("name", ["fingerprint", "shards", "rows_read", "left_out"])
def test_a_plan_without_one_of_its_values_is_damaged(name: str, folder: Folder) -> None:
    value = PLAN.to_json()
    del value[name]
    folder.write_json("plan/plan.json", value)
    with pytest.raises(DamagedPlanError, match=rf"plan/plan\.json: damaged: it is not a plan \({name} is missing\)"):
        read_plan(folder)


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", json.dumps(PLAN.to_json() | {"shards": {"A": {}}}).encode()])
def test_what_is_no_plan_is_damaged(data: bytes, folder: Folder) -> None:
    folder.write("plan/plan.json", data)
    with pytest.raises(DamagedPlanError, match="damaged"):
        read_plan(folder)


def test_a_plan_of_another_version_is_refused_and_not_called_damaged(folder: Folder) -> None:
    folder.write_json("plan/plan.json", PLAN.to_json() | {"format": FORMAT + 1})
    refused = rf"plan/plan\.json is of format {FORMAT + 1}, .* reads format {FORMAT}: build into an empty folder"
    with pytest.raises(OutputFormatError, match=refused) as caught:
        read_plan(folder)
    assert not isinstance(caught.value, DamagedPlanError)


def test_the_format_may_stand_under_its_former_name() -> None:
    with pytest.raises(OutputFormatError, match="x is of format 1"):
        check_format({"schema": 1}, "x")
    check_format({"schema": FORMAT}, "x")
    check_format({"format": FORMAT, "schema": 1}, "x")


def t5_plan(**values: object) -> dict:
    """Return plan.json with these counts of a T5."""
    return PLAN.to_json() | {"t5": {"A": T5["A"] | values}}


@pytest.mark.parametrize("name", ["clips", "sets"])
@pytest.mark.parametrize("pair", [[], [1], [2, 1, 0], [1, 2]])
def test_counts_of_a_t5_are_pairs_of_asked_and_passed(name: str, pair: list[int]) -> None:
    with pytest.raises(ValueError, match=r"t5\['A'\] has \[.*\], not \[asked, passed\]"):
        Plan.from_json(t5_plan(**{name: pair}))
    assert Plan.from_json(t5_plan(**{name: [2, 2]})).t5["A"][name] == [2, 2]
    with pytest.raises(ValueError, match=f"{name} is not a list"):
        Plan.from_json(t5_plan(**{name: {}}))
    with pytest.raises(ValueError, match=f"{name} is -1"):
        Plan.from_json(t5_plan(**{name: [2, -1]}))


def test_rules_of_a_t5_are_counted() -> None:
    assert Plan.from_json(t5_plan(rules={"length": 3}, more=1)).t5 == {"A": T5["A"] | {"rules": {"length": 3}, "more": 1}}
    with pytest.raises(ValueError, match=r"rules\['length'\] is -1"):
        Plan.from_json(t5_plan(rules={"length": -1}))
    with pytest.raises(ValueError, match="t5 is a list, not an object"):
        Plan.from_json(PLAN.to_json() | {"t5": []})


@pytest.mark.parametrize(
    "name", ["./train/0", "../train/0", "A/../0", "A/./0", "A\0/train/0", "plan/train/0", "Plan/train/0", "README.md/x/0"]
)
def test_a_shard_may_not_have_its_files_elsewhere(name: str) -> None:
    with pytest.raises(ValueError, match="no shard may have the name"):
        Plan.from_json(PLAN.to_json() | {"shards": {name: {"rows": 1, "rows_sha256": "x"}}})


@pytest.mark.parametrize("value", [{}, {"format": True}, {"format": "2"}, {"format": None}, {"schema": None}])
def test_what_names_no_format_is_an_error(value: dict) -> None:
    with pytest.raises(ValueError, match="it names no format") as caught:
        check_format(value, "x")
    assert not isinstance(caught.value, OutputFormatError)


def test_plans_are_values_that_cannot_change() -> None:
    with pytest.raises(AttributeError):
        PLAN.fingerprint = "x"  # type: ignore[misc]
    assert len({SHARDS[0], PlannedShard(ShardId("A", "test", 0), 3, "aa")}) == 1
