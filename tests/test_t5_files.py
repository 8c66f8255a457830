"""What a T5 wrote outlives plans, and every text is counted with the rule that it breaks."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.output.storage import Folder
from pipeline.output.t5_files import (
    GeneratedTexts,
    Verdict,
    part_name,
    read_cache,
    read_part,
    read_texts,
    write_cache,
    write_part,
    write_verdicts,
)

DOG, RAIN = GeneratedTexts("dog", ("A dog.", "Dogs.")), GeneratedTexts("rain", ())


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path))


def test_the_cache_keeps_earlier_texts_and_adds_fresh_ones(folder: Folder) -> None:
    assert list(read_cache(folder, "g")) == []
    write_cache([RAIN, DOG], "g", folder, "plan")
    write_cache([GeneratedTexts("sea", ("The sea.",))], "g", folder, "plan")
    assert list(read_cache(folder, "g")) == [DOG, RAIN, GeneratedTexts("sea", ("The sea.",))]


def test_the_cache_of_another_model_is_kept_and_not_returned(folder: Folder) -> None:
    write_cache([DOG], "g", folder, "plan")
    other = GeneratedTexts("dog", ("Other.",))
    write_cache([other], "h", folder, "plan")
    assert (list(read_cache(folder, "g")), list(read_cache(folder, "h")), list(read_cache(folder, "i"))) == ([DOG], [other], [])


def test_fresh_texts_take_the_place_of_cached_ones(folder: Folder) -> None:
    write_cache([DOG], "g", folder, "plan")
    write_cache([GeneratedTexts("dog", ("New.",))], "g", folder, "plan")
    assert list(read_cache(folder, "g")) == [GeneratedTexts("dog", ("New.",))]


def test_a_new_cache_is_written_beside_the_standing_one(folder: Folder) -> None:
    write_cache([DOG], "g", folder, "plan.new")
    assert list(read_cache(folder, "g")) == []
    assert folder.names() == ["plan.new/t5_captions.parquet"]


def test_a_cache_with_columns_of_other_names_is_ignored(folder: Folder) -> None:
    (Path(folder.root) / "plan").mkdir()
    pq.write_table(pa.table({"shape": ["g"], "prompt": ["dog"], "texts": [["A"]]}), folder.path("plan/t5_captions.parquet"))
    assert list(read_cache(folder, "g")) == []
    write_cache([DOG], "g", folder, "plan")
    assert list(read_cache(folder, "g")) == [DOG]


def test_the_bytes_of_the_cache_do_not_depend_on_the_order_of_the_texts(folder: Folder) -> None:
    for below, texts in (("one", [DOG, RAIN]), ("two", [RAIN, DOG])):
        write_cache(texts, "g", folder, below)
    assert folder.read("one/t5_captions.parquet") == folder.read("two/t5_captions.parquet")


def test_a_batch_comes_back_by_its_prompts_and_its_model(folder: Folder) -> None:
    assert read_part(["dog", "rain"], "g", folder) == ()
    write_part([DOG, RAIN], "g", folder)
    assert read_part(["dog", "rain"], "g", folder) == (DOG, RAIN)
    assert read_part(["rain", "dog"], "g", folder) == read_part(["dog", "rain"], "h", folder) == read_part(["dog"], "g", folder) == ()
    name = part_name(["dog", "rain"], "g")
    assert folder.names() == [name]
    assert name.startswith("plan/t5/batch-") and len(name) == len("plan/t5/batch-.parquet") + 24


def verdict(dataset: str, keywords: tuple[str, ...], **rules: str | None) -> Verdict:
    return Verdict(dataset, keywords, " ".join(keywords), tuple(rules), tuple(rules.values()))


VERDICTS = [
    (verdict("B", ("z",), good=None), 5),
    (verdict("A", ("dog",), bad="number", good=None), 3),
    (verdict("A", ("cat",), bad="number", worse="length"), 2),
    (verdict("A", ("ant",), bad="length"), 7),
    (verdict("A", ("bee",)), 1),
]


def test_the_text_of_a_verdict_is_the_first_that_breaks_no_rule() -> None:
    assert [judged.text for judged, _ in VERDICTS] == ["good", "good", None, None, None]
    assert verdict("A", (), first=None, second=None).text == "first"


def test_verdicts_are_written_text_by_text_in_order_and_counted(folder: Folder) -> None:
    write_verdicts(VERDICTS, folder, "plan")
    rows = [(row["dataset"], row["keywords"], row["rank"], row["text"], row["rule"], row["n_clips"]) for row in read_texts(folder)]
    assert rows == [
        ("A", ["ant"], 0, "bad", "length", 7),
        ("A", ["cat"], 0, "bad", "number", 2),
        ("A", ["cat"], 1, "worse", "length", 2),
        ("A", ["dog"], 0, "bad", "number", 3),
        ("A", ["dog"], 1, "good", None, 3),
        ("B", ["z"], 0, "good", None, 5),
    ]
    assert {row["prompt"] for row in read_texts(folder)} == {"ant", "cat", "dog", "z"}
    counts = folder.read_json("plan/t5_counts.json")
    assert counts == {
        "A": {"clips": [13, 3], "sets": [4, 1], "rules": {"length": 1, "number": 1, "uncovered": 1}},
        "B": {"clips": [5, 5], "sets": [1, 1], "rules": {}},
    }
    assert list(counts["A"]["rules"]) == ["length", "number", "uncovered"]


def test_a_folder_without_a_t5_has_no_texts(folder: Folder) -> None:
    assert read_texts(folder) == []
