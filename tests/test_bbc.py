"""BBC Sound Effects: recordings by number, descriptions as captions, and broken rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.records import Caption, Clip, Reason, Rejection
from sources import bbc

HEADER = '"location","description","secs","category","CDNumber","CDName","tracknum"\n'
ROW = '"07076051.wav","Engine, start, ""run"", stop. (1 1/2 h.p.)","194","Engines: Petrol","EC117D","Diesel & Petrol Engines","4"\n'


def options(base: Path, **more: object) -> bbc.Options:
    return bbc.Options(source="bbc", base=base, **more)  # type: ignore[arg-type]


def table(folder: Path, *rows: str, header: str = HEADER) -> bbc.Options:
    (folder / "BBCSoundEffects.csv").write_text(header + "".join(rows))
    return options(folder)


def test_a_row_becomes_a_clip_at_the_archive_of_its_recording(tmp_path: Path) -> None:
    given = table(tmp_path, ROW)
    bbc.check(given)
    assert list(bbc.read(given)) == [
        Clip(
            source="bbc",
            dataset="BBCSoundEffects",
            split="train",
            id="07076051",
            url="https://sound-effects-media.bbcrewind.co.uk/zip/07076051.wav.zip",
            captions=(Caption('Engine, start, "run", stop. (1 1/2 h.p.)', "description"),),
            title="Diesel & Petrol Engines",
            license="RemArc",
            creator="BBC",
            recording="bbc:07076051",
            row_number=1,
        )
    ]


def test_a_recording_without_a_description_is_a_clip_that_planning_leaves_out(tmp_path: Path) -> None:
    (clip,) = bbc.read(table(tmp_path, '"NHU05065069.wav","","75","","ECD042","","22"\n'))
    assert isinstance(clip, Clip) and (clip.id, clip.captions, clip.labels, clip.title) == ("NHU05065069", (), (), None)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('"../07076051.wav","x","1","","","",""\n', "location '../07076051.wav' is not the name of a recording"),
        ('"","x","1","","","",""\n', "location '' is not the name"),
        ('"1.mp3?x=1","x","1","","","",""\n', "is not the name of a recording"),
        ('"1.wav","x"\n', "2 cells where the header has 7"),
    ],
)
def test_a_bad_row_is_rejected_with_its_number(row: str, message: str, tmp_path: Path) -> None:
    good, bad = bbc.read(table(tmp_path, ROW, row))
    assert isinstance(good, Clip)
    assert isinstance(bad, Rejection) and bad.reason is Reason.BAD_ROW
    assert bad.detail.startswith("BBCSoundEffects.csv, row 2: ") and message in bad.detail


def test_another_table_is_refused_and_a_copy_of_the_right_one_can_be_fetched(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no column location.*is it BBCSoundEffects\.csv"):
        bbc.check(table(tmp_path, header="url,caption\n"))
    (need,) = bbc.needs(options(tmp_path / "empty"))
    assert need.where is None and need.download is not None and need.download.n_bytes == 2_078_606
