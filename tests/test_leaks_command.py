"""`laion-audio leaks` ends with 1 for a leak, 2 where nothing is known, 0 else, and prints what was not compared as such."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.command import main
from pipeline.output.storage import Folder
from tests.test_leaks import VIDEO, planned, recipe_of

HERE = f"https://youtu.be/{VIDEO}"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    planned(tmp_path, "Mine", f"a,{HERE},0,10,A dog,,train,")
    return tmp_path


def leaks(home: Path, *options: object) -> int:
    return main(["leaks", str(home / "Mine.out"), *map(str, options)])


def test_a_leak_is_one_and_its_clip_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert leaks(home, "--against", recipe_of(home, "Bench", f"t,{HERE},5,15,A cat,,test,")) == 1
    output = capsys.readouterr()
    assert "Bench/test t (recording, seconds): a in Mine/train/0" in output.out
    assert "1 clip leaks, of Bench/test, in 1 row of training" in output.err


def test_nothing_found_is_zero_and_a_dash_is_no_nought(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert leaks(home, "--against", recipe_of(home, "Bench", "t,https://youtu.be/aaaaaaaaaaa,5,15,A cat,,test,")) == 0
    output = capsys.readouterr()
    (row,) = (line.split() for line in output.out.splitlines() if line.strip().startswith("Bench/test "))
    assert row == ["Bench/test", "1", "0", "-", "0", "0", "-", "-", "0"]
    assert "tables have no sound" in output.out and not output.err


def test_a_benchmark_without_tables_is_two_unless_another_leaks(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert leaks(home, "--against", "evaluation", "--data", home) == 2
    output = capsys.readouterr()
    assert "missing for VGGSound: table of VGGSound, test: vggsound.csv" in output.out.replace("\n", " ")
    assert "nothing is known of them" in output.err
    bench = recipe_of(home, "Bench", f"t,{HERE},5,15,A cat,,test,")
    assert leaks(home, "--against", "evaluation", "--data", home, "--against", bench) == 1


@pytest.mark.parametrize("given", ["empty.txt", "gone.txt", "Bench.out", "gone", "bad.toml"])
def test_what_the_user_can_mend_is_two_and_nothing_is_written(home: Path, given: str, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "empty.txt").write_text("")
    (home / "Bench.out").mkdir()
    (home / "bad.toml").write_text("sources = 3")
    assert leaks(home, "--against", home / given, "--write") == 2
    assert given in capsys.readouterr().err.replace("\n", "") and not (home / "Mine.out" / "leaks.json").exists()


def test_the_folder_must_be_an_output_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaks", str(tmp_path), "--against", "evaluation"]) == 2
    assert "no plan here" in capsys.readouterr().err.replace("\n", " ")


def test_write_writes_what_json_prints(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench = recipe_of(home, "Bench", f"t,{HERE},10,15,A cat,,test,")
    assert leaks(home, "--against", bench, "--seconds", "--json", "--write") == 0
    printed = capsys.readouterr().out
    assert Folder(str(home / "Mine.out")).read("leaks.json").decode() == printed
    value = json.loads(printed)
    assert value["by_seconds"] and value["rows"] == [] and value["benchmarks"][0]["state"] == "nothing found"
