"""FSD50K: splits, display names of labels, attribution, and files that are missing, swapped or broken."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.records import Clip, Reason, Rejection
from sources import fsd50k
from sources.metadata.fsd50k_labels import display_name, label_of, vocabulary_in

VOCABULARY = "0,Gunshot_and_gunfire,/m/032s66\n1,Fill_(with_liquid),/m/07ptzwd\n2,Speech,/m/09x0r\n3,Drawer_open_or_close,/m/0642b4\n"
DEV = 'fname,labels,mids,split\n64760,"Gunshot_and_gunfire,Speech","/m/032s66,/m/09x0r",train\n16399,Fill_(with_liquid),/m/07ptzwd,val\n'
EVAL = 'fname,labels,mids\n37199,"Drawer_open_or_close,Speech","/m/0642b4,/m/09x0r"\n'
DETAILS = {
    "64760": {
        "title": "shot.wav",
        "description": "A shot.",
        "tags": ["gun"],
        "license": "http://creativecommons.org/licenses/sampling+/1.0/",
        "uploader": "ann",
    }
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAION_AUDIO_CACHE", str(tmp_path / "cache"))


def write(folder: Path, dev: str = DEV, evaluation: str = EVAL, details: object = DETAILS) -> None:
    for below in ("FSD50K.ground_truth", "FSD50K.metadata"):
        (folder / below).mkdir(parents=True, exist_ok=True)
    (folder / "FSD50K.ground_truth" / "vocabulary.csv").write_text(VOCABULARY)
    (folder / "FSD50K.ground_truth" / "dev.csv").write_text(dev)
    (folder / "FSD50K.ground_truth" / "eval.csv").write_text(evaluation)
    (folder / "FSD50K.metadata" / "dev_clips_info_FSD50K.json").write_text(json.dumps(details))


def options(base: Path, **more: object) -> fsd50k.Options:
    return fsd50k.Options(source="fsd50k", base=base, **more)  # type: ignore[arg-type]


def test_a_row_becomes_a_clip_with_display_names_and_the_attribution_of_its_sound(tmp_path: Path) -> None:
    write(tmp_path / "fsd50k")
    fsd50k.check(options(tmp_path))
    train, valid, test = fsd50k.read(options(tmp_path))
    assert train == Clip(
        source="fsd50k",
        dataset="fsd50k_class_label",
        split="train",
        id="64760",
        url="https://freesound.org/s/64760/",
        labels=("Gunshot, gunfire", "Speech"),
        title="shot.wav",
        license="CC-Sampling-Plus-1.0",
        creator="ann",
        recording="freesound:64760",
        row_number=1,
    )
    assert isinstance(valid, Clip) and isinstance(test, Clip)
    assert (valid.split, valid.labels, valid.license) == ("valid", ("Fill (with liquid)",), None)
    assert (test.split, test.labels, test.row_number) == ("test", ("Drawer open or close", "Speech"), 1)


def test_only_the_files_of_the_splits_that_are_read_are_needed(tmp_path: Path) -> None:
    write(tmp_path / "fsd50k")
    (tmp_path / "fsd50k" / "FSD50K.ground_truth" / "dev.csv").unlink()
    given = options(tmp_path, splits=["test"])
    fsd50k.check(given)
    assert [outcome.split for outcome in fsd50k.read(given) if isinstance(outcome, Clip)] == ["test"]
    assert not any("dev.csv" in need.what for need in fsd50k.needs(given))
    with pytest.raises(ValueError, match=r"FSD50K\.ground_truth/dev\.csv \(labels of the dev set\) there, in"):
        fsd50k.check(options(tmp_path, splits=["valid"]))
    for wrong in (["dev"], ["test", "eval"]):
        with pytest.raises(ValidationError):
            options(tmp_path, splits=wrong)


def test_the_tables_are_read_out_of_the_zips_of_the_publisher(tmp_path: Path) -> None:
    write(tmp_path / "unpacked")
    for folder, below in (("FSD50K.ground_truth", tmp_path / "fsd50k"), ("FSD50K.metadata", tmp_path / "cache" / "metadata")):
        below.mkdir(parents=True)
        with zipfile.ZipFile(below / f"{folder}.zip", "w") as archive:
            for path in (tmp_path / "unpacked" / folder).iterdir():
                archive.write(path, f"{folder}/{path.name}")
    given = options(tmp_path, splits=["train", "valid"])
    needs = fsd50k.needs(given)
    assert [need.where for need in needs[:2]] == [tmp_path / "fsd50k" / "FSD50K.ground_truth.zip"] * 2
    assert not list((tmp_path / "cache" / "metadata").glob("unpacked-*"))
    fsd50k.check(given)
    assert [clip.title for clip in fsd50k.read(given) if isinstance(clip, Clip)] == ["shot.wav", None]
    with pytest.raises(ValueError, match=r"FSD50K\.metadata\.zip: FSD50K\.metadata/dev_clips_info_FSD50K\.json cannot be read"):
        (tmp_path / "cache" / "metadata" / "FSD50K.metadata.zip").write_bytes(b"<html>")
        fsd50k.check(given)


def test_tables_of_all_sets_may_lie_in_the_folder_of_the_recipe_with_prefixes(tmp_path: Path) -> None:
    for name, text in (("vocabulary", VOCABULARY), ("dev", DEV), ("eval", EVAL)):
        (tmp_path / f"FSD50K_{name}.csv").write_text(text)
    assert len(list(fsd50k.read(options(tmp_path)))) == 3


def test_the_unpacked_audio_of_each_part_is_found_beside_the_tables(tmp_path: Path) -> None:
    write(tmp_path / "fsd50k")
    before = fsd50k.fingerprint(options(tmp_path))
    (tmp_path / "fsd50k" / "FSD50K.eval_audio").mkdir()
    roots = [outcome.audio_root for outcome in fsd50k.read(options(tmp_path)) if isinstance(outcome, Clip)]
    assert roots == [None, None, "fsd50k/FSD50K.eval_audio"]
    assert fsd50k.fingerprint(options(tmp_path)) != before
    assert {outcome.audio_root for outcome in fsd50k.read(options(tmp_path, audio_root="mine")) if isinstance(outcome, Clip)} == {"mine"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("x1,Speech,/m/09x0r,train", "fname 'x1' is not the number of a Freesound sound"),
        (",Speech,/m/09x0r,train", "fname '' is not the number"),
        ("1,Barking,/m/1,train", "label 'Barking' is not in vocabulary.csv"),
        ("1,Speech,/m/09x0r,", "split '' is neither train nor val"),
        ("1,Speech,/m/09x0r,test", "split 'test' is neither train nor val"),
        ("1,Speech,train", "3 cells where the header has 4"),
        ("1,Speech,Gunshot_and_gunfire,/m/09x0r,train", "5 cells"),
    ],
)
def test_a_bad_row_is_rejected_with_its_table_and_number(row: str, message: str, tmp_path: Path) -> None:
    write(tmp_path / "fsd50k", dev=f"{DEV}{row}\n")
    rejections = [outcome for outcome in fsd50k.read(options(tmp_path)) if isinstance(outcome, Rejection)]
    assert [(each.reason, each.clip.row_number) for each in rejections] == [(Reason.BAD_ROW, 3)]
    assert rejections[0].detail.startswith("dev.csv, row 3: ") and message in rejections[0].detail


def test_a_row_without_labels_is_a_clip_that_planning_leaves_out(tmp_path: Path) -> None:
    write(tmp_path / "fsd50k", dev="fname,labels,mids,split\n1,,,train\n")
    (clip,) = fsd50k.read(options(tmp_path, splits=["train"]))
    assert isinstance(clip, Clip) and clip.labels == () and clip.captions == ()


def test_swapped_and_foreign_files_are_refused_by_the_name_of_the_right_one(tmp_path: Path) -> None:
    write(tmp_path / "fsd50k", evaluation=DEV)
    with pytest.raises(ValueError, match=r"there is a column split, as in dev\.csv: is it eval\.csv of FSD50K"):
        fsd50k.check(options(tmp_path))
    write(tmp_path / "fsd50k", dev=EVAL)
    with pytest.raises(ValueError, match=r"no column split.*is it FSD50K\.ground_truth/dev\.csv"):
        fsd50k.check(options(tmp_path))
    write(tmp_path / "fsd50k", details=[1])
    with pytest.raises(ValueError, match=r"is it FSD50K\.metadata/dev_clips_info_FSD50K\.json"):
        fsd50k.check(options(tmp_path))
    write(tmp_path / "fsd50k")
    (tmp_path / "fsd50k" / "FSD50K.metadata" / "dev_clips_info_FSD50K.json").write_text("{")
    with pytest.raises(ValueError, match=r"not the JSON of FSD50K\.metadata/dev_clips_info"):
        fsd50k.check(options(tmp_path))


def test_details_that_are_no_object_reject_their_row_alone(tmp_path: Path) -> None:
    write(tmp_path / "fsd50k", details={"64760": "shot.wav", "16399": {"title": ["a", "b"]}})
    first, second, third = fsd50k.read(options(tmp_path))
    assert isinstance(first, Rejection) and first.detail == "dev.csv, row 1: the details of sound 64760 are no object"
    assert isinstance(second, Rejection) and "title holds a list" in second.detail
    assert isinstance(third, Clip)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Bird_vocalization_and_bird_call_and_bird_song", "Bird vocalization, bird call, bird song"),
        ("Dishes_and_pots_and_pans", "Dishes, pots, and pans"),
        ("Fixed-wing_aircraft_and_airplane", "Fixed-wing aircraft, airplane"),
        ("Bathtub_(filling_or_washing)", "Bathtub (filling or washing)"),
        ("Boat_and_Water_vehicle", "Boat, Water vehicle"),
        ("Rock_and_roll", "Rock and roll"),
    ],
)
def test_a_label_has_the_display_name_of_audioset(label: str, name: str) -> None:
    assert display_name(label) == name and label_of(name) in {label, "Rock_and_roll"}


@pytest.mark.parametrize(
    "text", ["", "fname,labels,mids,split\n", "0,Speech\n", "x,Speech,/m/1\n", "0,,/m/1\n", '0,"Speech,/m/1\n', "0,\udcff,/m/1\n"]
)
def test_a_vocabulary_that_is_another_file_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "vocabulary.csv").write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ValueError, match=r"vocabulary\.csv of FSD50K"):
        vocabulary_in(tmp_path / "vocabulary.csv")


def test_a_vocabulary_may_have_a_header(tmp_path: Path) -> None:
    (tmp_path / "vocabulary.csv").write_text("index,label,mid\n0,Speech,/m/09x0r\n")
    assert vocabulary_in(tmp_path / "vocabulary.csv") == {"Speech"}
