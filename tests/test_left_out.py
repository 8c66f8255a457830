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


def test_files_are_counted_by_suffix_the_most_frequent_first():
    files = [(name, "") for name in ("._a.wav", "b", "c.txt", "d.txt", "e.pdf", "\n.pdf", "x.wav")]
    assert list(describe("here", "why", files)) == [
        "here: 7 files left out, why (.pdf 2, .txt 2, .wav 1, macOS ._ 1, without suffix 1): ._a.wav, b, c.txt, ..."
    ]
    assert list(describe("here", "why", [("\n.pdf", "")])) == ["here: 1 file left out, why (.pdf 1): '\\n.pdf'"]
    assert list(describe("here", "why", [])) == []


def test_names_suffixes_and_links_have_limits():
    suffixes = [f"a.s{n}" for n in range(9)]
    kinds = [f".s{n} 1" for n in range(8)]
    assert list(describe("here", "why", [(name, "") for name in suffixes[:3]])) == [
        f"here: 3 files left out, why ({', '.join(kinds[:3])}): a.s0, a.s1, a.s2"
    ]
    for n, more in ((8, ""), (9, ", ...")):
        assert list(describe("here", "why", [(name, "") for name in suffixes[:n]])) == [
            f"here: {n} files left out, why ({', '.join(kinds)}{more}): a.s0, a.s1, a.s2, ..."
        ]
    links = [(f"{n}" * 201, "a link") for n in range(6)]
    lines = [f"here: {str(n) * 200!r} is left out: a link" for n in range(5)]
    assert list(describe("here", "why", links[:5])) == lines
    assert list(describe("here", "why", links)) == [*lines, "here: 1 more links or folders are left out"]
