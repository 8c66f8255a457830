"""SoundDescs: its lists say what is read, and its pickle files are never opened."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from pipeline.records import Caption, Clip, Reason
from sources import sounddescs
from tests.official_tables import options_of, outcomes_of, written

LISTS = {"train_list__txt": "07051146\nnhu05102079\n", "val_list__txt": "07000001\n", "test_list__txt": "07000002"}
TEXTS = {"07051146": "Rain, on a roof.", "NHU05102079": ["A bird."], "07000001": "Wind.", "07000002": "(Sea)"}


class Bomb:
    def __reduce__(self) -> tuple:
        return exec, ("raise SystemExit('opened')",)


def test_a_line_of_a_list_is_a_clip_of_its_split_with_the_description(tmp_path: Path) -> None:
    clips, rejections = outcomes_of("sounddescs", written(tmp_path, descriptions__json=json.dumps(TEXTS), **LISTS))
    assert not rejections and [clip.split for clip in clips] == ["train", "train", "valid", "test"]
    assert clips[1] == Clip(
        source="sounddescs",
        dataset="SoundDescs",
        split="train",
        id="NHU05102079",
        url="https://sound-effects-media.bbcrewind.co.uk/zip/NHU05102079.wav.zip",
        captions=(Caption("A bird.", "description"),),
        license="RemArc",
        creator="BBC",
        recording="bbc:NHU05102079",
        row_number=2,
    )


def test_the_descriptions_may_be_a_csv_table(tmp_path: Path) -> None:
    table = 'id,description\n07051146,"Rain, on\na roof."\nbroken\nnhu05102079,A bird.\n'
    clips, _ = outcomes_of("sounddescs", written(tmp_path, sounddescs__csv=table, **LISTS), splits=["train"])
    assert [clip.captions[0].text for clip in clips] == ["Rain, on\na roof.", "A bird."]


def test_an_id_that_is_none_or_has_no_description_is_rejected_with_list_and_line(tmp_path: Path) -> None:
    given = written(tmp_path, descriptions__json=json.dumps({"07051146": "Rain.", "1": ""}), train_list__txt="07051146\n../x\n\n1\n2\n")
    clips, rejections = outcomes_of("sounddescs", given)
    assert len(clips) == 1
    assert [(rejection.reason, rejection.detail.split(": ")[0]) for rejection in rejections] == [
        (Reason.BAD_ROW, "train_list.txt, row 2"),
        (Reason.BAD_ROW, "train_list.txt, row 3"),
        (Reason.NO_TEXT, "train_list.txt, row 4"),
        (Reason.NO_TEXT, "train_list.txt, row 5"),
    ]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"descriptions__json": "[1]"}, "there is no description in it|not a JSON object"),
        ({"descriptions__json": '{"a": '}, "not a JSON object of ids and descriptions"),
        ({"descriptions__json": "{}"}, "there is no description in it"),
        ({"descriptions__csv": "a,b\n"}, "no column id, description"),
    ],
)
def test_another_file_is_refused(files: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        sounddescs.check(options_of("sounddescs", written(tmp_path, **files, **LISTS)))


@pytest.mark.parametrize("name", ["descriptions__pkl", "descriptions__json", "sounddescs__csv"])
def test_a_pickle_file_is_never_opened_whatever_its_name(name: str, tmp_path: Path) -> None:
    written(tmp_path, **{name: pickle.dumps(Bomb()), **LISTS})
    with pytest.raises(ValueError, match=r"pickle files are code|not a JSON object|row 0 \(the header\)"):
        sounddescs.check(options_of("sounddescs", tmp_path))
