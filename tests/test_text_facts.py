"""Facts about the text of a plan are counted by dataset, from the plan alone."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.output.damage import DamagedFileError
from pipeline.output.storage import Folder
from pipeline.records import Caption, Clip, ShardId
from pipeline.report.text_facts import N_EXAMPLES, N_REPEATS, DebiasedCaption, DebiasFacts, Repeat, TextFacts, text_facts
from tests.outcomes import SHARD, clip, write_plan

OTHER = ShardId("Other", "train", 0)
CHANGED = Caption("A person speaks.", before_debias="A man speaks.", debias_rules=("person",))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path))


def clips(*captions: str, origin: str = "human", start: int = 0) -> list[Clip]:
    return [clip(f"c{start + n}", captions=(Caption(text, origin),)) for n, text in enumerate(captions)]


def facts_of(rows: list[Clip], folder: Folder) -> TextFacts:
    (facts,) = text_facts(folder, write_plan({SHARD: rows}, folder))
    return facts


def test_captions_are_counted_by_dataset_origin_and_number_of_words(folder: Folder) -> None:
    rows = [clip("a", captions=(CHANGED, Caption("Rain.", "template"))), clip("b", captions=(Caption("  Strong   wind  "),))]
    other, facts = text_facts(folder, write_plan({SHARD: rows, OTHER: clips("Dog.", origin="template")}, folder))
    assert (other.dataset, facts.dataset) == ("Other", "Set")
    assert (facts.n_clips, facts.n_captions, list(facts.origins.items())) == (2, 3, [("human", 2), ("template", 1)])
    assert facts.words == {1: 1, 2: 1, 3: 1}
    assert (other.n_clips, other.n_captions, other.origins, other.words) == (1, 1, {"template": 1}, {1: 1})


def test_facts_of_all_shards_of_a_dataset_are_together_and_clips_stay_apart(folder: Folder) -> None:
    second = {ShardId("Set", "test", 0): clips("Rain.", start=5), ShardId("Set", "train", 1): clips("Wind.", start=9)}
    (facts,) = text_facts(folder, write_plan({SHARD: clips("Rain.", "Wind.", "Sea."), **second}, folder))
    assert (facts.n_clips, facts.n_repeated) == (5, 4)
    assert facts.repeats == (Repeat("Rain.", 2), Repeat("Wind.", 2))


def test_only_clips_without_other_text_count_as_templates(folder: Folder) -> None:
    both = clip("both", captions=(Caption("Dog.", "template"), Caption("My dog.", "title")))
    two = clip("two", captions=(Caption("Dog.", "template"), Caption("Hound.", "template")))
    assert facts_of([both, two, *clips("A cat.", "A cow.")], folder).n_only_template == 1


def test_repeats_count_clips_whatever_case_and_last_mark_and_not_captions_of_one_clip(folder: Folder) -> None:
    same = clip("same", captions=(Caption("Rain."), Caption("rain"), Caption("Sea.")))
    facts = facts_of([same, *clips("RAIN!", "Rain falls.", "Wind.")], folder)
    assert facts.repeats == (Repeat("Rain.", 2),)
    assert facts.n_repeated == 3, "all captions with this text"


def test_the_most_frequent_repeats_are_named_and_ties_are_in_order_of_their_text(folder: Folder) -> None:
    facts = facts_of(clips(*[f"Sound {n:02}." for n in range(20, 0, -1)] * 2, "Sound 07."), folder)
    assert facts.repeats == (Repeat("Sound 07.", 3), *(Repeat(f"Sound {n:02}.", 2) for n in range(1, N_REPEATS + 1) if n != 7))
    assert facts.n_repeated == 41


def test_changes_are_those_that_the_plan_holds(folder: Folder) -> None:
    same_text = Caption("He says he.", debias_rules=())
    facts = facts_of([clip("a", captions=(same_text, CHANGED))], folder)
    assert facts.debias.changes == (DebiasedCaption(clip("a").key, "A man speaks.", "A person speaks.", ("person",)),)
    assert facts.to_json()["debias"]["rules"] == {"person": 1}


def test_examples_of_each_rule_stand_together_and_a_rule_counts_once_a_caption() -> None:
    rules = [("noun", "verb", "noun"), ("verb",), *[("noun", "verb")] * 4]
    debias = DebiasFacts(tuple(DebiasedCaption(f"{n}", "before", "after", each) for n, each in enumerate(rules)))
    assert list(debias.rules.items()) == [("verb", 6), ("noun", 5)]
    assert [change.key for change in debias.examples] == ["0", "2", "3", "1"] and N_EXAMPLES == 3


def test_of_many_captions_every_second_is_judged_and_the_result_says_so(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.report.text_facts.sample_step", lambda n_captions: -(-n_captions // 2))
    rows = clips("Un perro ladra bajo la lluvia.", "A dog barks.", "A dog barks.", "Una mujer canta en la calle.")
    languages = facts_of(rows, folder).languages
    assert (languages.n_judged, languages.every, languages.counts[0].code) == (2, 2, "es")


def test_a_plan_without_clips_has_facts_that_are_zero(folder: Folder) -> None:
    facts = facts_of([], folder)
    assert (facts.n_clips, facts.n_only_template, facts.n_repeated, facts.repeats, facts.words) == (0, 0, 0, (), {})
    assert text_facts(folder, write_plan({}, folder)) == ()


def test_facts_are_json_and_what_does_not_apply_is_not_in_it(folder: Folder) -> None:
    value = json.loads(json.dumps(facts_of(clips("Rain.", "Rain."), folder).to_json()))
    assert "guard" not in value and "dropped" not in value["repeats"]
    assert value["repeats"]["most_frequent"] == [{"text": "Rain.", "clips": 2}] and value["words"] == {"1": 2}


@pytest.mark.parametrize("field", ["text", "origin"])
def test_a_caption_without_its_text_is_a_damaged_plan(field: str, folder: Folder) -> None:
    plan = write_plan({SHARD: clips("Rain.")}, folder)
    (path,) = Path(folder.root).rglob("00000.parquet")
    table = pq.read_table(path)
    captions = table["captions"].to_pylist()
    captions[0][0][field] = None
    at = table.column_names.index("captions")
    pq.write_table(table.set_column(at, "captions", pa.array(captions, table.schema.field(at).type)), path)
    with pytest.raises(DamagedFileError, match=field):
        text_facts(folder, plan)
