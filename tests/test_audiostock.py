"""Audiostock: a dead source says so, and is built from recordings that the user has."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.records import Caption, Clip, Reason, Rejection
from sources import audiostock
from tests.fates import build_into, tone

URL = "https://audiostock.net/audio/1150592/play"


def options(base: Path, audio_root: str | None = "audio") -> audiostock.Options:
    return audiostock.Options(source="audiostock", base=base, audio_root=audio_root)


def table(folder: Path, text: str) -> audiostock.Options:
    (folder / "audiostock_all.csv").write_text(text)
    return options(folder)


def test_a_row_becomes_a_clip_that_is_found_by_its_number(tmp_path: Path) -> None:
    given = table(tmp_path, f",url,caption\n0,{URL},1150592 Bubble 02\n")
    audiostock.check(given)
    assert list(audiostock.read(given)) == [
        Clip(
            source="audiostock",
            dataset="audiostock",
            split="train",
            id="1150592",
            url=URL,
            captions=(Caption("Bubble 02", "title"),),
            title="1150592 Bubble 02",
            license="proprietary (Audiostock)",
            creator="Audiostock",
            recording="audiostock:1150592",
            audio_root="audio",
            row_number=1,
        )
    ]


def test_without_audio_root_nothing_runs_and_the_card_and_the_needs_say_why(tmp_path: Path) -> None:
    table(tmp_path, f"url,caption\n{URL},Bubble\n")
    with pytest.raises(ValueError, match="audio_root: none given, and the addresses of Audiostock are dead; set audio_root to a folder"):
        audiostock.check(options(tmp_path, None))
    assert "your own copy" in audiostock.CARD.dead
    paths = [need.where for need in audiostock.needs(options(tmp_path, None))]
    assert paths == [tmp_path / "audiostock_all.csv", None]
    (tmp_path / "audio").mkdir()
    assert audiostock.needs(options(tmp_path))[1].where == tmp_path / "audio"


def test_the_raw_table_has_tags_and_line_breaks_in_titles(tmp_path: Path) -> None:
    header = ",title,impression,scene,purpose,tags,audio_url,audio_size\n"
    (clip,) = audiostock.read(table(tmp_path, f'{header}0,"12. Bubble\n02",Horror,,Video,"foam,water, foam",{URL},2.0\n'))
    assert isinstance(clip, Clip)
    assert (clip.captions, clip.labels) == ((Caption("Bubble 02", "title"),), ("foam", "water"))


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("0815 Rain", "Rain"),
        ("12 Bubble 02", "Bubble 02"),
        ("#7 Gong", "Gong"),
        ("3 knocks", "3 knocks"),
        ("24-hour alarm", "hour alarm"),
        ("8bit jump", "8bit jump"),
        ("1150592", "1150592"),
        ("", ""),
    ],
)
def test_a_title_loses_the_number_that_it_begins_with(title: str, text: str) -> None:
    assert audiostock.title_of(title) == text


@pytest.mark.parametrize(
    ("row", "message"),
    [(",Rain\n", "url is empty"), ("play,Rain\n", "url 'play' is no address"), (f"{URL}\n", "1 cells where the header has 2")],
)
def test_a_bad_row_is_rejected_with_its_number(row: str, message: str, tmp_path: Path) -> None:
    (bad,) = audiostock.read(table(tmp_path, f"url,caption\n{row}"))
    assert isinstance(bad, Rejection) and bad.reason is Reason.BAD_ROW
    assert bad.detail.startswith(f"audiostock_all.csv, row 1: {message}")


def test_another_table_is_refused_by_the_name_of_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no column url.*is it audiostock_all\.csv"):
        audiostock.check(table(tmp_path, "filename,fold\n"))


def test_recordings_are_built_by_their_number(tmp_path: Path) -> None:
    import soundfile

    table(tmp_path, f"url,caption\n{URL},1150592 Bubble 02\n")
    (tmp_path / "audio").mkdir()
    soundfile.write(tmp_path / "audio" / "1150592.wav", tone(440, 0.2, 16_000), 16_000)
    (tmp_path / "r.toml").write_text('name = "r"\n[[sources]]\nsource = "audiostock"\naudio_root = "audio"\n')
    assert build_into(tmp_path / "out", tmp_path / "r.toml").books.datasets["audiostock"].samples == 1
