"""Clotho: five captions a file, its sound on Freesound by a table in latin-1, and splits that are not exchanged."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
import soundfile

from pipeline.records import Caption, Clip, Reason
from sources import clotho
from sources.metadata.clotho_sounds import clotho_sounds
from tests.fates import build_into, tone
from tests.official_tables import options_of, outcomes_of, written

HEADER = "file_name,caption_1,caption_2,caption_3,caption_4,caption_5\n"
METADATA = "file_name,keywords,sound_id,sound_link,start_end_samples,manufacturer,license\n"
FIVE = ",".join(f"caption {n}" for n in (1, 2, 2, 4, 5))
BY = "http://creativecommons.org/licenses/by/3.0/"


def test_a_file_is_a_clip_with_five_captions_and_the_sound_that_it_was_cut_from(tmp_path: Path) -> None:
    row = f'"Año Nuevo, 1.wav",fireworks;city;;city,100032,https://freesound.org/people/José/sounds/100032,"[0, 9]",José,{BY}\n'
    given = written(
        tmp_path,
        clotho_captions_evaluation__csv=f'{HEADER}"Año Nuevo, 1.wav",{FIVE}\n',
        clotho_metadata_evaluation__csv=(METADATA + row).encode("latin-1"),
    )
    (clip,), rejections = outcomes_of("clotho", given)
    assert not rejections
    assert clip == Clip(
        source="clotho",
        dataset="Clotho",
        split="test",
        id="evaluation/Año Nuevo, 1.wav",
        url="evaluation/Año Nuevo, 1.wav",
        captions=tuple(Caption(f"caption {n}") for n in (1, 2, 2, 4, 5)),
        labels=("fireworks", "city"),
        title="Año Nuevo, 1",
        license="CC-BY-3.0",
        creator="José",
        recording="freesound:100032",
        audio_root=".",
        row_number=1,
    )


@pytest.mark.parametrize(("folder", "split"), [("development", "train"), ("validation", "valid"), ("evaluation", "test")])
def test_each_official_name_is_the_split_that_it_means(folder: str, split: str, tmp_path: Path) -> None:
    (clip,), _ = outcomes_of("clotho", written(tmp_path, **{f"clotho_captions_{folder}__csv": f"{HEADER}a.wav,{FIVE}\n"}))
    assert (clip.split, clip.url, clip.recording, clip.license) == (split, f"{folder}/a.wav", f"Clotho:{folder}/a.wav", None)


def test_the_form_with_a_caption_a_row_gives_the_same_captions(tmp_path: Path) -> None:
    rows = "".join(f'a.wav,"Caption {n}, loud.",caption {n} loud\n' for n in (1, 2, 2, 4, 5))
    (clip,), _ = outcomes_of("clotho", written(tmp_path, clotho_development_captions__csv=f"fname,raw_text,text\n{rows}"))
    assert [caption.text for caption in clip.captions] == [f"Caption {n}, loud." for n in (1, 2, 2, 4, 5)]


@pytest.mark.parametrize(
    ("content", "messages"),
    [
        (f"{HEADER}a.wav,1,2,3,4,\n", ["row 1: caption_5 is empty"]),
        (f"{HEADER},{FIVE}\n", ["row 1: file_name '' is not the name of a file"]),
        (f"{HEADER}../a.wav,{FIVE}\n/etc/a.wav,{FIVE}\n", ["row 1: file_name '../a.wav'", "row 2: file_name '/etc/a.wav'"]),
        (f"{HEADER}a.wav,1,2\n", ["row 1: 3 cells where the header has 6"]),
        (f"{HEADER}a.wav,{FIVE}\na.wav,{FIVE}\n", ["row 1: file 'a.wav' has 10 captions, in Clotho each has 5"]),
        ("fname,raw_text,text\n" + "a.wav,x,x\n" * 4, ["row 1: file 'a.wav' has 4 captions, in Clotho each has 5"]),
    ],
)
def test_a_file_without_five_captions_is_rejected_with_table_and_row(content: str, messages: list[str], tmp_path: Path) -> None:
    clips, rejections = outcomes_of("clotho", written(tmp_path, clotho_captions_development__csv=content))
    assert not clips and {rejection.reason for rejection in rejections} == {Reason.BAD_ROW}
    for rejection, message in zip(rejections, messages, strict=True):
        assert rejection.detail.startswith(f"clotho_captions_development.csv, {message}")


def test_a_sound_without_a_number_is_named_by_its_file_and_bad_rows_of_metadata_give_nothing(tmp_path: Path) -> None:
    rows = (
        f"a.wav,,Not found,No link available,,,{BY}\nb.wav,,12.0,,,Ann,\nc.wav,,,https://freesound.org/people/x/sounds/34/,,,CC0\nd.wav,1\n"
    )
    sounds = clotho_sounds(written(tmp_path, m__csv=METADATA + rows) / "m.csv")
    assert {name: (sound.freesound_id, sound.creator, sound.license) for name, sound in sounds.items()} == {
        "a.wav": ("", None, "CC-BY-3.0"),
        "b.wav": ("12", "Ann", None),
        "c.wav": ("34", None, "CC0-1.0"),
    }


def test_metadata_in_utf_8_is_read_as_such_and_names_are_compared_in_one_form(tmp_path: Path) -> None:
    row = f"Ano\u0303.wav,,7,,,José,{BY}\n"
    assert clotho_sounds(written(tmp_path, m__csv=METADATA + row) / "m.csv")["An\u00f5.wav"].creator == "José"


def test_the_audio_is_among_the_needs_until_a_folder_of_a_split_is_there(tmp_path: Path) -> None:
    given = options_of("clotho", tmp_path, path="clotho", splits=["test"])
    assert [need.where for need in clotho.needs(given)] == [None] * 3
    (tmp_path / "clotho" / "evaluation").mkdir(parents=True)
    *_, audio = clotho.needs(given)
    assert audio.where == tmp_path / "clotho" / "evaluation" and audio.is_required


def test_tables_that_are_exchanged_are_refused(tmp_path: Path) -> None:
    written(tmp_path, clotho_captions_development__csv=METADATA)
    with pytest.raises(ValueError, match=r"is it Clotho's clotho_captions_development\.csv"):
        clotho.check(options_of("clotho", tmp_path))
    written(tmp_path, clotho_captions_development__csv=HEADER, clotho_metadata_development__csv=HEADER)
    with pytest.raises(ValueError, match=r"no column sound_id, manufacturer, license; is it Clotho's clotho_metadata_"):
        clotho.check(options_of("clotho", tmp_path))


def test_files_of_one_name_and_one_sound_are_found_in_the_folder_of_their_split(tmp_path: Path) -> None:
    row = f"a.wav,,66304,,,Ann,{BY}\n"
    for number, folder in enumerate(("development", "evaluation"), 1):
        table = {f"clotho_captions_{folder}__csv": f"{HEADER}a.wav,{FIVE}\n", f"clotho_metadata_{folder}__csv": METADATA + row}
        written(tmp_path / "clotho", **table)
        (tmp_path / "clotho" / folder).mkdir()
        soundfile.write(tmp_path / "clotho" / folder / "a.wav", tone(100 * number, number, 8_000), 8_000)
    (tmp_path / "r.toml").write_text('name = "r"\n[[sources]]\nsource = "clotho"\nsplits = ["test"]\n')
    assert build_into(tmp_path / "out", tmp_path / "r.toml").books.datasets["Clotho"].samples == 1
    with tarfile.open(tmp_path / "out" / "Clotho" / "test" / "0.tar") as tar:
        flac = next(tar.extractfile(member).read() for member in tar if member.name.endswith(".flac"))  # type: ignore[union-attr]
    assert soundfile.info(io.BytesIO(flac)).duration == 2.0
