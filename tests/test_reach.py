"""A build reads the files that a recipe allows, and nothing of others reaches plan, books or messages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import soundfile

from pipeline.output.books import read_books
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.records import ShardId
from pipeline.verbs.build import build
from tests.eager import EagerEngine
from tests.fates import tone, unwatched

RECIPE = """
name = "reach"
{head}

[[sources]]
source = "table"
dataset = "D"
path = "meta/clips.csv"
audio_root = "rec"
"""
SECRET = b"\x02the secret of this machine"


def outcomes(home: Path, rows: list[str], head: str = "", output: str = "out") -> dict[str, tuple[str, str, float]]:
    """Build a table of the given addresses; return the status or reason, the detail and the seconds of each row by its address."""
    (home / "meta").mkdir(exist_ok=True)
    lines = [f'{number},"{url}",Caption {number}' for number, url in enumerate(rows)]
    (home / "meta" / "clips.csv").write_text("\n".join(["id,url,caption", *lines]) + "\n", encoding="utf-8")
    (home / "r.toml").write_text(RECIPE.format(head=head))
    folder = Folder(str(home.parent / output))
    build(load_recipe(str(home / "r.toml")), folder, None, EagerEngine(), unwatched)
    for path in (home.parent / output).rglob("*"):
        assert not path.is_file() or SECRET[1:] not in path.read_bytes()
    books = read_books(folder, ShardId("D", "train", 0)).to_pylist()
    return {rows[int(row["id"])]: (row["reason"] or row["status"], row["detail"] or "", row["duration"] or 0.0) for row in books}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    (home / "rec" / "A").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(SECRET)
    soundfile.write(tmp_path / "outside" / "far.wav", tone(900, 0.5), 44_100)
    (home / "rec" / "secret.wav").symlink_to("../../outside/secret")
    (home / "rec" / "linked").symlink_to("../../outside")
    os.mkfifo(home / "rec" / "pipe.wav")
    return home


def test_files_elsewhere_are_unsafe_and_nothing_of_them_is_kept(home: Path) -> None:
    outside = str(home.parent / "outside" / "secret")
    rows = [outside, "/etc/passwd", "../../outside/secret", "secret.wav", "linked/secret", "/dev/zero", "/proc/kmsg", "../rec/pipe.wav"]
    result = outcomes(home, rows)
    assert {url: reason for url, (reason, _, _) in result.items()} == dict.fromkeys(rows[:-1], "unsafe_address") | {rows[-1]: "not_audio"}
    assert all("local_files" in result[url][1] for url in rows[:-1])


def test_local_files_allows_other_folders(home: Path) -> None:
    rows = [str(home.parent / "outside" / "far.wav"), "/etc/passwd"]
    result = outcomes(home, rows, 'local_files = ["../outside"]')
    assert [result[url][0] for url in rows] == ["sample", "unsafe_address"]


def test_every_row_gets_its_own_sound_or_a_reason(home: Path) -> None:
    """The sound of each file lasts as long as no other, so that a wrong pairing is seen."""
    seconds = {}
    names = [
        "C/na\udcefve.wav",  # Latin-1 on disk
        "A/1.wav",
        "B/1.wav",
        "C/2.wav",
        "C/ 3.wav",
        "C/3.wav",
        "C/Scene: night.wav",
        "C/what?#1.wav",
        "C/cafe\u0301.wav",
    ]
    for number, name in enumerate(names, 1):
        path = home / "rec" / name
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            soundfile.write(file, tone(200 + 30 * number, 0.1 * number), 44_100, format="WAV")
        seconds[name] = 0.1 * number
    rows = {"A/1.wav": "A/1.wav", "old/B/1.wav": "B/1.wav", "2.wav": "C/2.wav", " 3.wav": "C/ 3.wav", "C/3.wav": "C/3.wav"}
    rows |= {
        "C/na\u00efve.wav": "C/na\udcefve.wav",
        "Scene: night.wav": "C/Scene: night.wav",
        "C/what?#1.wav": "C/what?#1.wav",
        "C/caf\u00e9.wav": "C/cafe\u0301.wav",
    }
    result = outcomes(home, [*rows, "1.wav", "D/1.wav", "A/2.wav"])
    for url, name in rows.items():
        assert result[url] == ("sample", "", pytest.approx(seconds[name])), url
    assert result["1.wav"][0] == result["D/1.wav"][0] == "ambiguous"
    assert "'A/1.wav' or 'B/1.wav'" in result["1.wav"][1]
    assert result["A/2.wav"][:2] == ("not_found", "no file '2.wav'; audio_root has 'C/2.wav', which is in another folder")
