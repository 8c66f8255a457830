"""The tutorial is followed line by line: its table, its recipe and its commands."""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from pipeline.command import main as laion_audio
from tests.documents import ROOT
from tests.fates import tone
from train.command import main as train

TEXT = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
SHORTER = {"steps=40": "steps=4", "batch=8": "batch=4", "valid_every=20": "valid_every=4"}
SPLITS = ["train"] * 12 + ["valid"] * 4 + ["test"] * 4


def block(kind: str) -> str:
    """Return the first block of code of a kind."""
    match = re.search(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL)
    assert match is not None
    return match[1]


def commands() -> Iterator[list[str]]:
    for lines in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL):
        for line in lines.splitlines():
            yield [SHORTER.get(word, word) for word in shlex.split(line)]


def test_the_tutorial_works_from_the_folder_to_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    head, *_ = csv.reader(block("csv").splitlines())
    (tmp_path / "field").mkdir()
    rows = [head]
    for n, split in enumerate(SPLITS):
        soundfile.write(tmp_path / "field" / f"{n}.wav", tone(200 + 20 * n), 44_100, subtype="PCM_16")
        rows.append([f"{n}.wav", f"Note {n} of a rain drum", split])
    with (tmp_path / "field" / "captions.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    (tmp_path / "mine.toml").write_text(block("toml"))
    done = []
    for words in commands():
        lines: list[str] = []
        if words[:3] == ["python", "-m", "train"]:
            assert train([*words[3:], "--cache", "cache"], lines.append, lines.append) == 0, (words, lines)
        else:
            assert words[0] == "laion-audio" and laion_audio(words[1:]) == 0, (words, capsys.readouterr())
        done.append(words)
    assert len(done) >= 8 and (tmp_path / "mine-clap" / "config.json").exists()
