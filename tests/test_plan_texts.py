"""Whatever a source holds as text, a plan has clean captions for its row or a reason why there are none."""

from __future__ import annotations

import csv
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from augment.clean import MAX_CHARACTERS
from pipeline.output.plan_files import read_left_out, read_rows_of
from pipeline.output.storage import Folder
from pipeline.records import Clip
from tests.test_plan import planned

TEXTS = {
    "markup": "<div onclick='x()'><script>alert(1)</script><b>A dog</b> barks</div>",
    "markup without text": "<img src=x onerror=alert(1)>",
    "open markup": "<a href='http://example.org/" * 20,
    "JSON": '{"caption": "A dog barks", "tags": ["dog"], "id": 7}',
    "abbreviation": "e.g.",
    "music": "[music]",
    "equal letters": "a" * 300,
    "one symbol": "♪",
    "one mark": "?",
    "right to left": "\u202eشخص يتحدث بصوت عال\u202c",
    "zero width": "A d\u200bo\u200dg\ufeff barks\u200f",
    "mixed languages": "Ein Hund bellt, a dog barks, 犬が吠える, chien qui aboie",
    "control characters": "A\x00 dog\x1b[31m barks\x07",
    "megabyte": "a dog barks and " * 65_536,
    "megabyte of one word": "x" * 1_048_576,
    "megabyte of brackets": "<(" * 524_288,
    "addresses": "http://example.org/a?b=c " * 50,
}
TAGS_500 = [f"bell-{chr(97 + n % 26)}{chr(97 + n // 26)}x" for n in range(500)]
MAX_SECONDS = 20.0  # of CPU; a pattern that tries all ways to match would take hours


def plan_of(home: Path, out: Path) -> tuple[list[Clip], Counter[str], int]:
    plan = planned(home, out)
    folder = Folder(str(out))
    clips = [clip for shard in plan.shards for clip in read_rows_of(folder, shard.shard)]
    return clips, Counter(read_left_out(folder)["reason"].to_pylist()), plan.n_read


def write_records(home: Path, records: list[dict]) -> None:
    pq.write_table(pa.Table.from_pylist(records), home / "records.parquet")
    (home / "recipe.toml").write_text('name = "texts"\n[[sources]]\nsource = "freesound"\npath = "records.parquet"\n')


def write_captions(home: Path, rows: list[tuple[str, str]]) -> None:
    with (home / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([("url", "caption", "labels"), *((f"{n}.wav", *row) for n, row in enumerate(rows))])
    (home / "recipe.toml").write_text('name = "texts"\n[[sources]]\nsource = "table"\ndataset = "T"\npath = "clips.csv"\n')


def check(clips: list[Clip], left_out: Counter[str], n_read: int) -> None:
    assert len(clips) + left_out.total() == n_read
    assert left_out.keys() <= {"no_text", "bad_row"}
    for clip in clips:
        assert clip.captions
        for caption in clip.captions:
            assert 0 < len(caption.text) <= MAX_CHARACTERS
            assert caption.text == caption.text.strip() and caption.text.isprintable()
            assert not any(mark in caption.text for mark in ("\u200b", "\u202e", "\ufeff", "\x1b", "<script", "http:"))


def test_any_text_as_title_description_or_tag_of_freesound_is_planned(tmp_path: Path) -> None:
    began = time.process_time()
    empty = {"title": "", "description": "", "tags": ""}
    filled = [
        {**empty, **dict.fromkeys(fields, text)} for text in TEXTS.values() for fields in (["title"], ["description"], ["tags"], empty)
    ]
    write_records(tmp_path, [{"id": number, **fields} for number, fields in enumerate(filled, 1)])
    clips, left_out, n_read = plan_of(tmp_path, tmp_path / "out")
    assert n_read == 4 * len(TEXTS)
    check(clips, left_out, n_read)
    assert time.process_time() - began < MAX_SECONDS


def test_any_text_as_caption_or_labels_of_a_table_is_planned(tmp_path: Path) -> None:
    texts = [text.replace("\x00", "") for text in TEXTS.values() if len(text) <= csv.field_size_limit()]
    write_captions(tmp_path, [*((text, "") for text in texts), *(("", text) for text in texts), *((text, text) for text in texts)])
    clips, left_out, n_read = plan_of(tmp_path, tmp_path / "out")
    assert n_read == 3 * len(texts)
    check(clips, left_out, n_read)


@pytest.mark.parametrize("source", ["freesound", "table"])
def test_a_clip_with_500_tags_has_a_short_template_and_all_its_tags(source: str, tmp_path: Path) -> None:
    if source == "freesound":
        write_records(tmp_path, [{"id": 1, "title": "38.wav", "description": "", "tags": ",".join(TAGS_500)}])
    else:
        write_captions(tmp_path, [("", ";".join(TAGS_500))])
    ((clip,), _, _) = plan_of(tmp_path, tmp_path / "out")
    assert [caption.origin for caption in clip.captions] == ["template"]
    assert clip.captions[0].text.count(",") == 11
    assert len(clip.labels) == 500
