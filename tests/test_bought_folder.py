"""Libraries of recordings that file names describe: the four sources that share a reader."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from pipeline.records import Caption, Clip, Rejection
from sources import SOURCES
from tests.fates import build_into, tone

LIBRARIES = {
    "sonniss": "sonniss_game_effects",
    "free_to_use_sounds": "free_to_use_sounds",
    "paramount_motion": "paramount_motion",
    "wesoundeffects": "wesoundeffects",
}


def options(base: Path, name: str = "sonniss", **more: object):  # type: ignore[no-untyped-def]
    return SOURCES[name].Options(source=name, base=base, **more)


def put(path: Path, content: bytes = b"RIFF") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.mark.parametrize(("name", "dataset"), LIBRARIES.items())
def test_each_library_reads_its_own_folder_into_its_own_dataset(name: str, dataset: str, tmp_path: Path) -> None:
    given = options(tmp_path, name)
    with pytest.raises(ValueError, match=rf"path = '{name}': no such folder below .*: (download|buy)"):
        SOURCES[name].check(given)
    put(tmp_path / name / "Vendor Pack 2016" / "BB01_DoorOpen-02.wav")
    SOURCES[name].check(given)
    assert list(SOURCES[name].read(given)) == [
        Clip(
            source=name,
            dataset=dataset,
            split="train",
            id="Vendor Pack 2016/BB01_DoorOpen-02.wav",
            url=f"{name}/Vendor Pack 2016/BB01_DoorOpen-02.wav",
            captions=(Caption("Door open", "title"),),
            title="BB01_DoorOpen-02.wav",
            license="as bought",
            recording=f"{name}/Vendor Pack 2016/BB01_DoorOpen-02.wav",
            row_number=1,
        )
    ]
    (need,) = SOURCES[name].needs(given)
    assert need.where == tmp_path / name
    assert SOURCES[name].CARD.parts["train"].hours and "as bought" in SOURCES[name].CARD.license


def test_a_name_without_words_has_no_text_and_the_folder_is_no_label(tmp_path: Path) -> None:
    put(tmp_path / "sonniss" / "Doors" / "0001.wav")
    (clip,) = SOURCES["sonniss"].read(options(tmp_path))
    assert isinstance(clip, Clip) and clip.captions == () and clip.labels == ()


def test_captions_and_side_cars_come_before_the_file_name(tmp_path: Path) -> None:
    root = tmp_path / "sonniss"
    for name in ("DoorOpen.wav", "DoorShut.wav", "Bell.wav"):
        put(root / name)
    put(root / "captions.csv", b"file_name,caption\nDoorOpen.wav,A heavy gate opens\n")
    put(root / "DoorShut.json", b'{"labels": ["gate"], "license": "CC0"}')
    put(root / "Bell.json", b"{")
    outcomes = {
        outcome.id if isinstance(outcome, Clip) else outcome.clip.id: outcome for outcome in SOURCES["sonniss"].read(options(tmp_path))
    }
    opened, shut, bell = (outcomes[name] for name in ("DoorOpen.wav", "DoorShut.wav", "Bell.wav"))
    assert isinstance(opened, Clip) and opened.captions == (Caption("A heavy gate opens", "human"),)
    assert isinstance(shut, Clip) and (shut.captions, shut.labels, shut.license) == ((), ("gate",), "CC0-1.0")
    assert isinstance(bell, Rejection)


def test_the_vendor_of_a_library_is_no_word_of_a_caption(tmp_path: Path) -> None:
    put(tmp_path / "paramount_motion" / "PM_ODEON_CarEngineStart_04.aif")
    (clip,) = SOURCES["paramount_motion"].read(options(tmp_path, "paramount_motion"))
    assert isinstance(clip, Clip) and clip.captions == (Caption("Car engine start", "title"),)


def test_the_fingerprint_changes_with_the_files_and_not_with_the_folder_above(tmp_path: Path) -> None:
    for base in ("a", "b"):
        put(tmp_path / base / "sonniss" / "Rain.wav")
    prints = [SOURCES["sonniss"].fingerprint(options(tmp_path / base)) for base in ("a", "b")]
    put(tmp_path / "b" / "sonniss" / "Wind.wav")
    assert prints[0] == prints[1] != SOURCES["sonniss"].fingerprint(options(tmp_path / "b"))


RECIPE = """
name = "libraries"

[[sources]]
source = "sonniss"
path = "{disk}/sonniss"
split = "valid"

[[sources]]
source = "free_to_use_sounds"
path = "{disk}/free_to_use_sounds"

[[sources]]
source = "paramount_motion"
path = "{disk}/paramount_motion"

[[sources]]
source = "wesoundeffects"
path = "{disk}/wesoundeffects"
"""


def test_libraries_are_built_from_folders_outside_of_the_recipes(tmp_path: Path) -> None:
    for number, name in enumerate(LIBRARIES):
        folder = tmp_path / "disk" / name / "pack"
        folder.mkdir(parents=True)
        soundfile.write(folder / "DOORWood_Old Door Creaks_JD_Lib.wav", tone(440 + 50 * number, 0.2, 16_000), 16_000)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "r.toml").write_text(RECIPE.format(disk=tmp_path / "disk"))
    books = build_into(tmp_path / "out", tmp_path / "recipes" / "r.toml").books
    assert {name: counts.samples for name, counts in books.datasets.items()} == dict.fromkeys(LIBRARIES.values(), 1)
    assert (tmp_path / "out" / "sonniss_game_effects" / "valid" / "0.tar").is_file()
