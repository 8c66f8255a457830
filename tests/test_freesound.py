"""Freesound records: what becomes a caption, what stays a tag, and which rows are rejection."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from pipeline.recipe.model import load_recipe
from pipeline.records import Caption, Clip, Reason, Rejection
from sources import freesound
from tests.fates import build_into, tone

RECORD = {
    "id": 400181,
    "title": "Girl Screaming_05.wav",
    "tags:": "scream,ground-hit,,scream,",
    "description": "A girl screams &amp; runs.<br>Recorded with a Zoom H4n.",
    "username": "somebody",
    "download_url": "https://freesound.org/apiv2/sounds/400181/download/",
    "license": "http://creativecommons.org/licenses/by/3.0/",
}


def options(path: Path, **more: object) -> freesound.Options:
    return freesound.Options(source="freesound", dataset="freesound", base=path.parent, path=path.name, **more)  # type: ignore[arg-type]


def table(folder: Path, *records: dict) -> freesound.Options:
    pq.write_table(pa.Table.from_pylist(list(records)), folder / "records.parquet")
    return options(folder / "records.parquet")


def test_a_record_becomes_a_clip_with_the_best_of_its_texts(tmp_path: Path) -> None:
    assert list(freesound.read(table(tmp_path, RECORD))) == [
        Clip(
            source="freesound",
            dataset="freesound",
            split="train",
            id="400181",
            url="https://freesound.org/apiv2/sounds/400181/download/",
            captions=(Caption("A girl screams & runs.", "description"), Caption("Girl Screaming", "title")),
            labels=("scream", "ground-hit"),
            title="Girl Screaming_05.wav",
            license="CC-BY-3.0",
            creator="somebody",
            recording="freesound:400181",
            row_number=1,
        )
    ]


def test_the_recipe_says_how_many_tags_are_in_a_template(tmp_path: Path) -> None:
    table(tmp_path, {**RECORD, "title": "38.wav", "description": "", "tags:": "rain,thunder,wind"})
    recipe = tmp_path / "r.toml"
    recipe.write_text('name = "r"\ntemplate_labels = 2\n[[sources]]\nsource = "freesound"\npath = "records.parquet"\n')
    (clip,) = freesound.read(load_recipe(str(recipe)).sources[0])
    assert isinstance(clip, Clip)
    assert clip.captions == (Caption("The sound of rain and thunder.", "template"),)
    assert clip.labels == ("rain", "thunder", "wind")


def test_a_description_that_repeats_the_title_is_one_caption() -> None:
    assert freesound.captions_of("Rain on a roof", "rain on a roof.") == (Caption("Rain on a roof", "title"),)


def test_a_record_without_captions_has_a_template_over_its_tags(tmp_path: Path) -> None:
    (clip,) = freesound.read(table(tmp_path, RECORD | {"title": "38.wav", "description": None}))
    assert (
        isinstance(clip, Clip)
        and clip.captions == (Caption("The sound of scream and ground hit.", "template"),)
        and clip.labels == ("scream", "ground-hit")
    )


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        (None, []),
        (["a", None, " a ", "b"], ["a", "b"]),
        ("", []),
        (7, ["7"]),
        ("['a', 'b, c']", ["a", "b, c"]),
        ([float("nan"), "a"], ["a"]),
    ],
)
def test_tags_are_a_list_or_a_text_with_commas(value: object, tags: list[str]) -> None:
    assert freesound.tags_of(value) == tags


def test_a_csv_may_write_ids_with_a_decimal_point(tmp_path: Path) -> None:
    with (tmp_path / "records.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "title", "tags", "url"], ["12.0", "Rain", "rain,roof", "https://example.org/12.ogg"]])
    (clip,) = freesound.read(options(tmp_path / "records.csv"))
    assert isinstance(clip, Clip)
    assert (clip.id, clip.url, clip.labels) == ("12", "https://example.org/12.ogg", ("rain", "roof"))


@pytest.mark.parametrize("number", [None, "", "abc", "-4", "1.5"])
def test_a_row_without_the_id_of_a_sound_is_a_bad_row(number: object, tmp_path: Path) -> None:
    (rejection,) = freesound.read(table(tmp_path, RECORD | {"id": None if number is None else str(number)}))
    assert isinstance(rejection, Rejection) and rejection.reason is Reason.BAD_ROW and "row 1" in rejection.detail


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["title", "url"], "a column id or freesound_id and one of title"),
        (["id", "url"], "a column id or freesound_id and one of title"),
    ],
)
def test_a_table_without_the_columns_needed_is_refused_before_anything_runs(columns: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "records.csv").write_text(",".join(columns) + "\n")
    with pytest.raises(ValueError, match=message):
        freesound.check(options(tmp_path / "records.csv"))


@pytest.mark.parametrize("audio_root", [None, "audio"])
def test_a_record_without_an_address_is_asked_for_at_freesound(audio_root: str | None, tmp_path: Path) -> None:
    (tmp_path / "records.csv").write_text("id,title\n12,Rain\n")
    given = options(tmp_path / "records.csv", audio_root=audio_root)
    freesound.check(given)
    (clip,) = freesound.read(given)
    assert isinstance(clip, Clip) and (clip.url, clip.audio_root) == ("https://freesound.org/s/12/", audio_root)


@pytest.mark.parametrize("name", ["freesound/freesound_parquet.parquet", "freesound_raw_6000.parquet"])
def test_the_table_is_found_by_its_official_name_and_by_a_prefixed_one(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist([RECORD]), tmp_path / name)
    given = freesound.Options(source="freesound", base=tmp_path)
    freesound.check(given)
    assert [outcome.id for outcome in freesound.read(given) if isinstance(outcome, Clip)] == ["400181"]
    assert freesound.needs(given)[0].where == tmp_path / name
    assert given.dataset == "freesound_no_overlap_noesc50"


def test_without_a_table_the_message_names_it_and_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAION_AUDIO_CACHE", str(tmp_path / "cache"))
    given = freesound.Options(source="freesound", base=tmp_path)
    with pytest.raises(ValueError, match=r"freesound_parquet\.parquet \(table of records\) there, in .*; `plan` and `build` fetch"):
        freesound.check(given)
    (need,) = freesound.needs(given)
    assert need.where is None and need.download is not None and need.is_required


def test_a_table_that_an_entry_names_is_never_replaced_by_another(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([RECORD]), tmp_path / "freesound_parquet.parquet")
    given = options(tmp_path / "freesounds.csv")
    with pytest.raises(ValueError, match=r"freesounds\.csv: no such file"):
        freesound.check(given)
    assert freesound.needs(given)[0].where is None and freesound.needs(given)[0].download is None


def test_laions_captions_keep_their_origins_and_have_one_or_two_texts_a_sound(tmp_path: Path) -> None:
    (tmp_path / "freesound_no_overlap_all.csv").write_text(
        ",url,caption1,caption2,freesound_id\n"
        "0,https://freesound.org/apiv2/sounds/7/download/,Dog bark,A dog barks.,7\n"
        "1,https://freesound.org/apiv2/sounds/8/download/,Rain,,8\n"
    )
    both, single = freesound.read(freesound.Options(source="freesound", base=tmp_path))
    assert isinstance(both, Clip) and isinstance(single, Clip)
    assert both.captions == (Caption("Dog bark", "title"), Caption("A dog barks.", "description"))
    assert (both.id, both.recording, single.captions) == ("7", "freesound:7", (Caption("Rain", "title"),))


def test_records_as_the_api_writes_them_have_a_name_and_a_list_of_tags(tmp_path: Path) -> None:
    record = {"id": 7, "name": "dog_bark.wav", "tags": ["dog"], "url": "https://freesound.org/people/ann/sounds/7/", "username": "ann"}
    (tmp_path / "freesound.jsonl").write_text(json.dumps(record) + "\n")
    (clip,) = freesound.read(freesound.Options(source="freesound", base=tmp_path))
    assert isinstance(clip, Clip)
    assert (clip.title, clip.labels, clip.captions) == ("dog_bark.wav", ("dog",), (Caption("dog bark", "title"),))


def test_fingerprint_changes_with_the_content_of_the_table_and_not_with_its_folder(tmp_path: Path) -> None:
    prints = []
    for name, content in (("a", "id,title\n12,Rain\n"), ("b", "id,title\n12,Rain\n"), ("c", "id,title\n13,Rain\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "records.csv").write_text(content)
        prints.append(freesound.fingerprint(options(tmp_path / name / "records.csv")))
    assert prints[0] == prints[1] != prints[2]


def test_a_jsonl_table_is_checked_row_by_row(tmp_path: Path) -> None:
    (tmp_path / "records.jsonl").write_text('{"id": 12, "title": "Rain", "url": "https://example.org/12.ogg"}\n[]\n')
    given = options(tmp_path / "records.jsonl")
    freesound.check(given)
    clip, broken = freesound.read(given)
    assert isinstance(clip, Clip) and clip.id == "12"
    assert isinstance(broken, Rejection) and broken.detail == "records.jsonl, row 2: a list, not an object"


def test_read_refuses_a_table_that_check_refuses(tmp_path: Path) -> None:
    (tmp_path / "records.csv").write_text("id,url\n12,https://example.org/12.ogg\n")
    with pytest.raises(ValueError, match="a column id or freesound_id and one of title"):
        list(freesound.read(options(tmp_path / "records.csv")))


def test_a_bad_row_names_its_address_and_at_most_forty_characters_of_its_id(tmp_path: Path) -> None:
    (rejection,) = freesound.read(table(tmp_path, RECORD | {"id": "x" * 50}))
    assert isinstance(rejection, Rejection)
    assert (rejection.clip.id, rejection.clip.row_number, rejection.clip.url) == ("records.parquet-row-1", 1, RECORD["download_url"])
    assert rejection.detail.endswith(f"row 1: id {'x' * 40!r} is not the number of a Freesound sound")


def test_empty_cells_are_no_title_no_creator_no_licence_and_no_address(tmp_path: Path) -> None:
    (clip,) = freesound.read(table(tmp_path, RECORD | {"title": " ", "username": "", "license": None, "download_url": "", "url": " u "}))
    assert isinstance(clip, Clip)
    assert (clip.title, clip.creator, clip.license, clip.url) == (None, None, None, "u")
    assert clip.captions == (Caption("A girl screams & runs.", "description"),)


def test_a_crawl_has_a_folder_of_its_own_and_needs_a_key_until_it_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FREESOUND_TOKEN", raising=False)
    given = freesound.Options(source="freesound", base=tmp_path, query="rain", filter='license:"Creative Commons 0"')
    assert given.crawl is not None and given.crawl.folder.parent == tmp_path / "freesound"
    assert [(need.kind, need.where, need.is_required) for need in freesound.needs(given)] == [("file", None, True), ("key", None, True)]
    with pytest.raises(ValueError, match=r"records\.jsonl: the crawl is not finished; `plan` and `build` crawl it by the API"):
        freesound.check(given)
    given.crawl.folder.mkdir(parents=True)
    record = {
        "id": 7,
        "title": "Rain",
        "tags": [],
        "description": "",
        "username": "ann",
        "license": "",
        "duration": 1.5,
        "url": "https://x.org/7",
    }
    given.crawl.table.write_text(json.dumps(record) + "\n")
    freesound.check(given)
    (clip,) = freesound.read(given)
    assert isinstance(clip, Clip) and (clip.id, clip.url) == ("7", "https://x.org/7")
    assert [need.is_required for need in freesound.needs(given)] == [True, False]
    other = freesound.Options(source="freesound", base=tmp_path, query="wind")
    assert other.crawl is not None and other.crawl.folder != given.crawl.folder


def test_a_crawl_of_ids_reads_a_list_and_refuses_what_is_none(tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("id\n# mine\n12\n\n13.0\n12\n")
    given = freesound.Options(source="freesound", base=tmp_path, ids="ids.txt")
    assert given.crawl is not None and given.crawl.ids == (12, 13)
    for text, message in (("12\nx\n", "ids.txt, line 2: id 'x' is not the number"), ("\n", "ids.txt: no id")):
        (tmp_path / "ids.txt").write_text(text)
        with pytest.raises(ValueError, match=message):
            freesound.check(given)
    with pytest.raises(ValueError, match="no such file; a list of Freesound ids"):
        freesound.check(freesound.Options(source="freesound", base=tmp_path, ids="gone.txt"))
    (need,) = freesound.needs(freesound.Options(source="freesound", base=tmp_path, ids="gone.txt"))
    assert need.where is None and need.what == "list of ids: gone.txt"
    both = freesound.Options(source="freesound", base=tmp_path, path="records.csv", query="rain")
    assert freesound.needs(both) == ()
    with pytest.raises(ValueError, match="names a table, and query, filter and ids crawl one into a folder"):
        freesound.check(both)
    with pytest.raises(ValueError, match="give ids, or a query and a filter, not both"):
        freesound.check(freesound.Options(source="freesound", base=tmp_path, ids="ids.txt", query="rain"))


LAIONS_RULES = """
name = "both"
[[sources]]
source = "freesound"
dataset = "freesound"
path = "records.parquet"
audio_root = "sounds"
[sources.audio]                       # the reference set took at most three minutes, and 16 kHz or more
max_seconds = 180.0
min_source_rate = 16000
[[sources]]
source = "freesound"
dataset = "everything"
path = "records.parquet"
audio_root = "sounds"
"""


def test_the_rules_of_the_reference_set_hold_for_its_source_alone(tmp_path: Path) -> None:
    table(tmp_path, *({**RECORD, "id": number, "title": f"Sound {number}"} for number in (1, 2, 3)))
    (tmp_path / "sounds").mkdir()
    for number, rate, seconds in ((1, 16_000, 1.0), (2, 11_025, 1.0), (3, 16_000, 181.0)):
        soundfile.write(tmp_path / "sounds" / f"{number}.wav", tone(100 * number, seconds, rate), rate)
    (tmp_path / "both.toml").write_text(LAIONS_RULES)
    outcome = build_into(tmp_path / "out", tmp_path / "both.toml")
    datasets = outcome.books.datasets
    assert datasets["freesound"].samples == 1
    assert dict(datasets["freesound"].reasons) == {"limit_exceeded": 1, "too_long": 1}
    assert datasets["everything"].samples == 3
    (tmp_path / "again.toml").write_text((tmp_path / "out" / "recipe.toml").read_text())
    assert load_recipe(str(tmp_path / "again.toml")).sources[0].audio == {"max_seconds": 180.0, "min_source_rate": 16_000}
    before = {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in ("freesound/train/0.tar", "everything/train/0.tar")}
    (tmp_path / "both.toml").write_text(LAIONS_RULES.replace("180.0", "200.0"))
    outcome = build_into(tmp_path / "out", tmp_path / "both.toml")
    assert outcome.books.datasets["freesound"].samples == 2
    after = {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in before}
    assert [after[name] == before[name] for name in before] == [False, True]


def test_paths_start_in_the_folder_of_the_table(tmp_path: Path) -> None:
    assert options(tmp_path / "records.parquet").paths_start_in == tmp_path


def test_a_sentence_on_30_sounds_of_an_uploader_stands_only_where_nothing_else_does(tmp_path: Path) -> None:
    sentence = "Single note sampled from an analog synthesizer."
    records = [
        RECORD | {"id": 100 + n, "title": f"Synthesizer bass {n}", "tags": ["synthesizer"], "description": sentence} for n in range(29)
    ]
    records.append(RECORD | {"id": 200, "title": "38.wav", "tags": [], "description": f"<p>{sentence}</p>"})
    records.append(RECORD | {"id": 201, "title": "39.wav", "tags": [], "description": sentence, "username": "somebody else"})
    given = table(tmp_path, *records)
    clips = list(freesound.read(given))
    assert freesound.n_repeats_left_out(given) == 29
    described = [[caption.text for caption in clip.captions if caption.origin == "description"] for clip in clips]
    assert described[:29] == [[]] * 29
    assert described[29:] == [[sentence], [sentence]]


@pytest.mark.parametrize("description", [None, 7, ["a list"], ""])
def test_cells_that_are_no_text_repeat_nothing(description: object, tmp_path: Path) -> None:
    records = [RECORD | {"id": n, "description": description} for n in range(1, 30)]
    assert len(list(freesound.read(table(tmp_path, *records)))) == 29
