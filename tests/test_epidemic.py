"""Epidemic Sound: tables of metadata by class, LAION's captions, and which of them is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.records import Caption, Clip, Reason, Rejection, TextHolds
from sources import epidemic
from sources.metadata.epidemic_tables import DOWNLOADS
from sources.metadata.needs import metadata_path

URL = "https://dkihjuum4jcjr.cloudfront.net/ES_ITUNES/Wrestling%20Crowd%205/ES_Wrestling%20Crowd%205.mp3"
ROW: dict[str, Any] = {
    "title": "Wrestling Crowd 5",
    "id": 130586.0,
    "added": "2021-03-29T11:17:05",
    "length": 30.0,
    "bpm": 0.0,
    "isSfx": 1.0,
    "hasVocals": 0.0,
    "energyLevel": "medium",
    "genres": "applause",
    "url": URL,
    "metadataTags": ["wrestling crowd", "huge crowd", "loop"],
}


def options(base: Path, **more: object) -> epidemic.Options:
    return epidemic.Options(source="epidemic", base=base, **more)  # type: ignore[arg-type]


def put(path: Path, *rows: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAION_AUDIO_CACHE", str(tmp_path / "cache"))


def test_a_row_has_its_title_without_counter_the_template_over_its_tags_and_its_class_as_a_label(tmp_path: Path) -> None:
    put(tmp_path / "epidemic" / "Crowds.parquet", ROW)
    epidemic.check(options(tmp_path))
    assert list(epidemic.read(options(tmp_path))) == [
        Clip(
            source="epidemic",
            dataset="epidemic_sound_effects",
            split="train",
            id="130586",
            url=URL,
            captions=(
                Caption("Wrestling Crowd", "title"),
                Caption("The sound of wrestling crowd, huge crowd, and loop.", "template"),
            ),
            labels=("Crowds", "applause", "wrestling crowd", "huge crowd", "loop"),
            title="Wrestling Crowd 5",
            license="proprietary (Epidemic Sound)",
            creator="Epidemic Sound",
            recording="epidemic:130586",
            row_number=1,
        )
    ]


@pytest.mark.parametrize(
    ("tags", "text"), [([], None), (None, None), (["loop"], "The sound of loop."), (["a", "", "b"], "The sound of a and b.")]
)
def test_any_number_of_tags_has_a_template(tags: list[str] | None, text: str | None, tmp_path: Path) -> None:
    put(tmp_path / "epidemic" / "Crowds.parquet", ROW, ROW | {"id": 2.0, "metadataTags": tags})
    _, clip = epidemic.read(options(tmp_path))
    assert isinstance(clip, Clip)
    assert [caption.text for caption in clip.captions if caption.origin == "template"] == ([text] if text else [])


def test_laions_captions_come_first_and_name_the_t5(tmp_path: Path) -> None:
    put(tmp_path / "epidemic" / "Crowds.parquet", ROW)
    (tmp_path / "epidemic" / "Epidemic_all_debiased.csv").write_text(
        ",url,caption1,caption2,caption_t5,epidemic_id\n"
        f'0,{URL},Wrestling Crowd,"the sounds of wrestling crowd, and loop.",a crowd cheers,130586.0\n'
        "1,https://example.org/ES_Rain.mp3,Rain,,,\n"
    )
    with_t5, without = epidemic.read(options(tmp_path))
    assert isinstance(with_t5, Clip) and isinstance(without, Clip)
    assert with_t5.captions == (
        Caption("Wrestling Crowd", "title"),
        Caption("the sounds of wrestling crowd, and loop.", "template"),
        Caption("a crowd cheers", "t5", "mrm8488/t5-base-finetuned-common_gen"),
    )
    assert with_t5.id == "130586" and without.id.startswith("es_rain-") and without.captions == (Caption("Rain", "title"),)
    assert with_t5.text_holds is without.text_holds is TextHolds.ALL
    assert [need.what for need in epidemic.needs(options(tmp_path))] == [
        "LAION's captions, some by a T5: Epidemic_all_debiased.csv in epidemic"
    ]


def test_a_csv_with_the_four_columns_alone_is_read(tmp_path: Path) -> None:
    (tmp_path / "sounds.csv").write_text(f"url,caption1,caption2,caption_t5\n{URL},A,B,C\n")
    (clip,) = epidemic.read(options(tmp_path, path="sounds.csv"))
    assert isinstance(clip, Clip) and [caption.text for caption in clip.captions] == ["A", "B", "C"]


def test_tables_beside_the_recipe_need_a_prefix(tmp_path: Path) -> None:
    put(tmp_path / "freesound_raw.parquet", {"id": 1})
    put(tmp_path / "epidemic_Brass%20band.parquet", ROW)
    for given in (options(tmp_path), options(tmp_path, path=".")):
        (clip,) = epidemic.read(given)
        assert isinstance(clip, Clip) and clip.labels[0] == "Brass band"


def test_an_entry_may_name_one_table(tmp_path: Path) -> None:
    put(tmp_path / "epidemic" / "Crowds.parquet", ROW)
    put(tmp_path / "epidemic" / "Doors.parquet", ROW | {"id": 7.0})
    assert [clip.id for clip in epidemic.read(options(tmp_path, path="epidemic/Doors.parquet")) if isinstance(clip, Clip)] == ["7"]


def test_a_named_table_that_is_missing_is_not_replaced_by_those_that_are_fetched(tmp_path: Path) -> None:
    put(tmp_path / "epidemic_Doors.parquet", ROW)
    for name in ("gone.csv", "gone.parquet"):
        with pytest.raises(ValueError, match=rf"{name}: no such file"):
            epidemic.check(options(tmp_path, path=name))
        assert [(need.what, need.where, need.download) for need in epidemic.needs(options(tmp_path, path=name))] == [
            (f"table: {name}", None, None)
        ]


def test_without_tables_all_classes_are_fetched_and_none_may_be_missing(tmp_path: Path) -> None:
    needs = epidemic.needs(options(tmp_path))
    assert len(needs) == 1 + 43 and not needs[0].is_required
    assert all(need.is_required and need.download and len(need.download.sha256 or "") == 64 for need in needs[1:])
    with pytest.raises(ValueError, match=r"epidemic_Aircraft\.parquet \(effects of the class Aircraft\) there, in"):
        epidemic.check(options(tmp_path))
    for number, (name, download) in enumerate(DOWNLOADS.items()):
        put(metadata_path(download), ROW | {"id": float(number), "title": name})
    outcomes = list(epidemic.read(options(tmp_path)))
    assert {clip.labels[0] for clip in outcomes if isinstance(clip, Clip)} == set(DOWNLOADS) and len(outcomes) == 43
    metadata_path(DOWNLOADS["Wood"]).unlink()
    with pytest.raises(ValueError, match=r"epidemic_Wood\.parquet"):
        epidemic.check(options(tmp_path))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"url": "ES_Rain.mp3"}, "url 'ES_Rain.mp3' is no address"),
        ({"url": None, "id": None}, "neither an id nor an address"),
        ({"title": ["a", "b"]}, ""),
    ],
)
def test_a_bad_row_is_rejected_with_its_table_and_number(changed: dict[str, Any], message: str, tmp_path: Path) -> None:
    put(tmp_path / "epidemic" / "Crowds.parquet", *([ROW] if "title" not in changed else []), ROW | changed)
    rejection = list(epidemic.read(options(tmp_path)))[-1]
    assert isinstance(rejection, Rejection) and rejection.reason is Reason.BAD_ROW
    assert rejection.detail.startswith("Crowds.parquet, row ") and message in rejection.detail


def test_another_table_is_refused_and_the_class_is_part_of_the_fingerprint(tmp_path: Path) -> None:
    put(tmp_path / "epidemic" / "Crowds.parquet", {"id": 1, "title": "Rain"})
    with pytest.raises(ValueError, match=r"Crowds\.parquet: no column url, metadataTags, there are .*effects of the class Crowds"):
        epidemic.check(options(tmp_path))
    prints = [epidemic.fingerprint(options(put(tmp_path / name / f"{name}.parquet", ROW).parent.parent, path=name)) for name in "ab"]
    assert prints[0] != prints[1]
