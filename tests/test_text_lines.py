"""The terminal shows a table of datasets with what its columns mean, and a few lines on each dataset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from pipeline.output.storage import Folder
from pipeline.report.guard_facts import GuardFacts, JudgedText
from pipeline.report.languages import Language, Languages
from pipeline.report.text_facts import DebiasedCaption, DebiasFacts, Repeat, TextFacts
from pipeline.report.text_lines import COLUMNS, t5_lines, text_lines, text_table
from tests.outcomes import SHARD, clip, write_plan
from tests.test_guard_facts import judged, with_t5

LANGUAGES = Languages(4, 500, (Language("en", 3, 0.9, "A dog barks."), Language("es", 1, 0.71, "Un perro ladra.")))
CHANGE = DebiasedCaption("k", "A man.", "A person.", ("person",))
FACTS = TextFacts("Set", 1000, 2000, 1, {"human": 1500, "template": 500}, {2: 1999, 9: 1}, 30, (), LANGUAGES, DebiasFacts())


def lines(**fields: object) -> list[str]:
    return list(text_lines([replace(FACTS, **fields)]))[len(COLUMNS) :]  # type: ignore[arg-type]


def shown(*facts: TextFacts) -> list[str]:
    console = Console(width=140)
    with console.capture() as capture:
        console.print(text_table(facts))
    return [line.strip() for line in capture.get().splitlines() if line.strip()]


def test_a_row_has_shares_a_range_of_words_and_languages_with_how_many_were_judged() -> None:
    heads, _, row = shown(FACTS)
    assert all(name in heads for name in COLUMNS)
    assert row.split("  ")[0] == "Set"
    for cell in ("1,000", "2,000", "2 to 2 (2)", "0.1%", "1.5%", "en 75.0%, es 25.0% (one in 500 judged)"):
        assert cell in row


def test_a_dataset_without_captions_has_a_row() -> None:
    empty = replace(FACTS, n_clips=0, n_captions=0, origins={}, words={}, n_only_template=0, n_repeated=0, languages=Languages())
    assert shown(empty)[-1].split() == ["Set", "0", "0"]
    assert list(text_lines([empty]))[-1] == "Set: no captions"


def test_every_column_that_needs_it_is_explained_first() -> None:
    assert list(text_lines([])) == [f"{name}: {meaning}" for name, meaning in COLUMNS.items()]


def test_lines_name_origins_repeats_and_other_languages() -> None:
    assert lines(repeats=tuple(Repeat(text * 60, 9) for text in "abcd"), n_dropped_repeats=1) == [
        "Set: human 1,500, template 500",
        f'  most repeated: "{"a" * 60}" on 9 clips; "{"b" * 60}" on 9 clips; "{"c" * 60}" on 9 clips',
        "  left out, since their uploader wrote them on many sounds: 1 caption",
        '  es 1 (confidence 0.71): "Un perro ladra."',
    ]


def test_four_other_languages_are_shown_and_the_rest_is_counted() -> None:
    counts = tuple(Language(code, 1, 0.5, code) for code in ("en", "de", "es", "fr", "it", "ja", "ko"))
    assert lines(languages=Languages(7, 1, counts))[1:] == [
        *(f'  {code} 1 (confidence 0.50): "{code}"' for code in ("de", "es", "fr", "it")),
        "  2 languages more: status --captions --json",
    ]
    assert "en 14.3%, de 14.3%" in shown(replace(FACTS, languages=Languages(7, 1, counts)))[-1]


def test_a_long_caption_is_cut() -> None:
    line = lines(repeats=(Repeat("x" * 300, 2),))[1]
    assert line == f'  most repeated: "{"x" * 77}..." on 2 clips'


def test_lines_show_changes_and_texts_of_the_t5() -> None:
    guard = GuardFacts(
        6, 4, 3, 2, {"length": 1}, (JudgedText(("dog", "rain"), "A dog in rain.", None), JudgedText(("cat",), "Cat", "length"))
    )
    assert lines(debias=DebiasFacts((CHANGE, CHANGE)), guard=guard)[-7:] == [
        "  de-biasing changed 2 of 2,000 captions: person 2",
        "    person: A man. -> A person.",
        "    person: A man. -> A person.",
        "  the T5's caption passes the guard for 2 of 3 keyword sets (66.7%), 4 of 6 clips; refused: length 1",
        "    passes: dog; rain -> A dog in rain.",
        "    length: cat -> Cat",
        "  every text of the T5, with the rule that it breaks: plan/t5_texts.parquet",
    ]


def test_after_planning_only_what_the_t5_wrote_is_shown(tmp_path: Path) -> None:
    folder = with_t5(tmp_path, [judged("dog", None), judged("cat", "length")])
    assert list(t5_lines(folder)) == [
        "Set: the T5's caption passes the guard for 1 of 2 keyword sets (50.0%), 2 of 4 clips; refused: length 1",
        "    passes: dog; x -> dog 0",
        "    length: cat; x -> cat 0",
        "  every text of the T5, with the rule that it breaks: plan/t5_texts.parquet",
    ]


def test_a_plan_without_a_t5_has_no_lines(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    write_plan({SHARD: [clip()]}, folder)
    assert list(t5_lines(folder)) == []
