"""What an uploader wrote on many sounds is left out, and `status --captions` says how often."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import soundfile

from pipeline.command import main
from pipeline.output.storage import Folder
from pipeline.verbs.dropped_repeats import dropped_repeats
from tests.fates import build_into, tone

SAME = "Water drips into a metal bucket while birds sing."
N = 24


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "audio").mkdir()
    with (tmp_path / "sounds.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "name", "description", "tags", "username", "license"])
        for n in range(N):
            soundfile.write(tmp_path / "audio" / f"{n}.wav", tone(200 + 9 * n), 44_100, subtype="PCM_16")
            table.writerow([n, "Thunder rolls over the hills", SAME, "thunder water bird", "ann", "CC0"])
    recipe = tmp_path / "recipe.toml"
    source = 'source = "freesound"\ndataset = "F"\npath = "sounds.csv"\naudio_root = "audio"\n'
    recipe.write_text(f'name = "repeats"\nallow_private = true\n[[sources]]\n{source}')
    build_into(tmp_path / "out", recipe)
    return tmp_path / "out"


def test_the_captions_that_were_left_out_are_counted(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dropped_repeats(Folder(str(built))) == {"F": N}
    assert main(["status", str(built), "--captions", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["F"]["repeats"]["dropped"] == N


def test_without_the_table_nothing_is_counted_and_status_answers(built: Path) -> None:
    (built.parent / "sounds.csv").unlink()
    assert dropped_repeats(Folder(str(built))) == {}
    assert main(["status", str(built), "--captions"]) == 0


def test_a_folder_without_a_recipe_has_no_counts(tmp_path: Path) -> None:
    assert dropped_repeats(Folder(str(tmp_path))) == {}
