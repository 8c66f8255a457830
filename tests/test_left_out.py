"""Files that no row uses are counted and named with the books."""

from __future__ import annotations

from pathlib import Path

import soundfile

from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.verbs.build import Outcome, build
from pipeline.verbs.left_out import describe
from tests.eager import EagerEngine
from tests.fates import tone, unwatched

TABLE = """
name = "left"

[[sources]]
source = "table"
dataset = "T"
path = "clips.csv"
audio_root = "rec"
"""
FOLDER = """
[[sources]]
source = "folder"
dataset = "F"
root = "own"
"""


def make(folder: Path, *names: str) -> None:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".wav":
            soundfile.write(path, tone(200 + 50 * number, 0.05, 8000), 8000)
        else:
            path.write_text("text")


def built(folder: Path, recipe: str) -> Outcome:
    (folder / "r.toml").write_text(recipe)
    return build(load_recipe(str(folder / "r.toml")), Folder(str(folder / "out")), None, EagerEngine(), unwatched)


def test_what_no_row_uses_is_counted_and_named_with_the_books(tmp_path):
    make(tmp_path, "rec/a/1.wav", "rec/a/2.wav", "rec/b/3.wav", "rec/b/4.wav", "rec/b/list.txt", "own/x/5.wav", "own/x.pdf", "own/y.pdf")
    (tmp_path / "own" / "far").symlink_to("/")
    (tmp_path / "clips.csv").write_text("id,url,caption\none,a/1.wav,One\ntwo,2.wav,\nno,a/9.wav,None\n")  # the second has no text
    lines = built(tmp_path, TABLE + FOLDER).left_out
    assert lines == (
        "folder 'own': 2 files left out, not taken for recordings (.pdf 2): x.pdf, y.pdf",
        "folder 'own': 'far' is left out: a link that leads out of the folders of the recipe; local_files allows others",
        "audio_root 'rec': 3 files left out, used by no row (.wav 2, .txt 1): b/3.wav, b/4.wav, b/list.txt",
    )
    assert built(tmp_path, TABLE + FOLDER).left_out == lines[:2]  # nothing was built: the rows are not read again


def test_files_that_all_are_used_need_no_line(tmp_path):
    make(tmp_path, "rec/1.wav")
    (tmp_path / "clips.csv").write_text("url,caption\n1.wav,One\n")
    assert built(tmp_path, TABLE).left_out == ()


def test_long_lists_are_cut():
    lines = list(describe("here", "why", [(f"{n}.s{n}", "") for n in range(20)] + [(f"l{n}", "a link") for n in range(9)]))
    assert lines[0].endswith("...): 0.s0, 1.s1, 2.s2, ...")
    assert (len(lines), lines[-1]) == (7, "here: 4 more links or folders are left out")
