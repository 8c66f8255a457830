"""WavText5K: title and description are captions, and lists of tags that are cut off lose one tag only."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.records import Caption, Clip
from sources import wavtext5k
from tests.official_tables import options_of, outcomes_of, written

HEADER = "view_link,download_link,title,description,fname,tags\n"
ROW = 'https://bigsoundbank.com/d-1.html,https://bigsoundbank.com/UPLOAD/wav/0100.wav,"Cymbale 16""","Birds, drive\naway.",0100.wav,\n'


def test_a_row_is_a_clip_with_title_and_description(tmp_path: Path) -> None:
    (clip,), rejections = outcomes_of("wavtext5k", written(tmp_path, WavText5K__csv=HEADER + ROW))
    assert not rejections
    assert clip == Clip(
        source="wavtext5k",
        dataset="WavText5K",
        split="train",
        id="0100",
        url="https://bigsoundbank.com/UPLOAD/wav/0100.wav",
        captions=(Caption('Cymbale 16"', "title"), Caption("Birds, drive\naway.", "description")),
        title='Cymbale 16"',
        recording="https://bigsoundbank.com/UPLOAD/wav/0100.wav",
        row_number=1,
    )


@pytest.mark.parametrize(
    ("title", "description", "tags", "captions", "labels"),
    [
        ("Rain", "rain", "['rain', 'roof', 'rain']", ["Rain"], ("rain", "roof")),
        ("", "", "['arrow', 'ballista", [], ("arrow",)),
        ("", "Rain.", "", ["Rain."], ()),
        ("(Rain)", "['Rain'", "[]", ["(Rain)", "['Rain'"], ()),
    ],
)
def test_text_and_tags_of_the_worst_rows(
    title: str, description: str, tags: str, captions: list[str], labels: tuple[str, ...], tmp_path: Path
) -> None:
    row = f'v,https://soundbible.com/grab.php?id=7&type=wav,{title},{description},gun_1.wav,"{tags}"\n'
    (clip,), _ = outcomes_of("wavtext5k", written(tmp_path, WavText5K__csv=HEADER + row))
    assert ([caption.text for caption in clip.captions], clip.labels, clip.id) == (captions, labels, "gun_1")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("v,ftp://x/a.wav,t,d,a.wav,", "download_link 'ftp://x/a.wav' is not an address"),
        ("v,,t,d,a.wav,", "download_link '' is not an address"),
        ("v,https://example.org/a.wav,t,d,,", "no fname is given"),
        ("v,https://example.org/a.wav,t,d,a.wav", "5 cells where the header has 6"),
    ],
)
def test_a_bad_row_is_rejected_with_file_and_number(row: str, message: str, tmp_path: Path) -> None:
    clips, (rejection,) = outcomes_of("wavtext5k", written(tmp_path, WavText5K__csv=f"{HEADER}{ROW}{row}\n"))
    assert len(clips) == 1 and rejection.detail.startswith(f"WavText5K.csv, row 2: {message}")


def test_another_table_is_refused_with_the_name_of_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no column download_link.*is it WavText5K\.csv"):
        wavtext5k.check(options_of("wavtext5k", written(tmp_path, WavText5K__csv="title,description\n")))
