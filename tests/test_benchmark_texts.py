"""Texts of an evaluation set are those that everybody measures with: as their table has them, repeats included, whatever is de-biased."""

from __future__ import annotations

import csv
import json
import tarfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.command import main
from pipeline.output.plan_files import read_rows_of
from pipeline.output.plan_index import read_plan
from pipeline.output.storage import Folder
from pipeline.records import Clip
from tests.eager import EagerEngine

Texts = dict[str, list[str]]
"""Captions in the order of the table, by id of the excerpt."""
VIDEOS = ("r1nicOVtvkQ", "-DGBjjwya_E", "_abcdefghi-")
CAPTIONS = (
    ("A man talks", "A woman’s laugh , then rain", "A man talks", "A man talks", "His dog barks.."),
    ("Rain", "Rain", "Rain", "Rain", "Rain"),
    ("A male voice", "Cafe\u0301 noise\nand plates", "a  door", "Two men, a boy", "“Stop” is shouted"),
)
RECIPE = """
name = "benchmark"
{more}
[[sources]]
source = "audiocaps"
path = "."
splits = ["valid"]
audio_root = "audio"

[[sources]]
source = "table"
dataset = "Labelled"
path = "labelled.csv"
"""
LABELLED = """id,url,caption,labels,split
l0,l0.wav,,"Male speech, man speaking",train
l1,l1.wav,,"Female speech, woman speaking",test
s0,s0.wav,A man speaks,,train
s1,s1.wav,A man speaks,,valid
s2,s2.wav,A man speaks,,test
"""

ALL_CHANGED = {
    "full": {"A person talks", "A person's laugh , then rain", "Their dog barks..", "A voice", "Two people, a child", "A person speaks"},
    "voices kept": {"A person talks", "Their dog barks..", "Two people, a boy", "A person speaks"},
}
"""Texts of evaluation sets that `all` changes, by level."""


def write_table(folder: Path, captions: tuple[tuple[str, ...], ...]) -> Path:
    """Write `val.csv` with the rows of excerpts mixed, as in the published file."""
    path = folder / "val.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = [(f"{n}{m}", VIDEOS[m], 30 * m, texts[n]) for n in range(5) for m, texts in enumerate(captions)]
        csv.writer(file).writerows([("audiocap_id", "youtube_id", "start_time", "caption"), *rows])
    return path


def make_audio(table: Path, folder: Path) -> None:
    """Write a recording for every excerpt of a table: ten seconds of noise, each with its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, key in enumerate(texts_of_table(table)):
        video, start = key.rsplit("_", 1)
        noise = np.random.default_rng(number).integers(-9_000, 9_000, 80_000, np.int16)
        soundfile.write(folder / f"{video}_{int(start) // 1000}_{int(start) // 1000 + 10}.wav", noise, 8_000)


def texts_of_table(table: Path) -> Texts:
    """Return the captions of a table of AudioCaps."""
    texts: Texts = {}
    with table.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            texts.setdefault(f"{row['youtube_id']}_{int(row['start_time']) * 1000}", []).append(row["caption"])
    return texts


def texts_of_shards(folder: Path) -> Texts:
    """Return `text` of every sample of valid, by id."""
    texts: Texts = {}
    for path in sorted((folder / "audiocaps/valid").glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                if member.name.endswith(".json"):
                    sample = json.load(tar.extractfile(member))  # type: ignore[arg-type]
                    texts[sample["original_data"]["id"]] = sample["text"]
    return texts


def different(table: Texts, built: Texts) -> Iterator[tuple[str, str]]:
    """Yield the texts that are not those of the table byte for byte, before and after."""
    assert table.keys() == built.keys()
    for key, texts in table.items():
        yield from (pair for pair in zip(texts, built[key], strict=True) if pair[0].encode() != pair[1].encode())


def only_form_and_breaks(before: str, after: str) -> bool:
    """Return whether two texts differ in nothing but the form of Unicode and line breaks."""
    return after == " ".join(unicodedata.normalize("NFC", before).splitlines())


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.engines.run.open_engine", lambda *_: EagerEngine())


def planned(root: Path, more: str) -> list[Clip]:
    write_table(root, CAPTIONS)
    (root / "audio").mkdir()
    (root / "labelled.csv").write_text(LABELLED)
    (root / "recipe.toml").write_text(RECIPE.format(more=more))
    assert main(["plan", str(root / "recipe.toml"), "--output", str(root / "out")]) == 0
    folder = Folder(str(root / "out"))
    return [clip for shard in read_plan(folder).shards for clip in read_rows_of(folder, shard.shard)]


def test_shards_of_audiocaps_hold_five_texts_a_clip_equal_to_those_of_the_table(tmp_path: Path) -> None:
    table = write_table(tmp_path, CAPTIONS)
    make_audio(table, tmp_path / "audio")
    (tmp_path / "recipe.toml").write_text(RECIPE.format(more="").split('[[sources]]\nsource = "table"')[0])
    assert main(["build", str(tmp_path / "recipe.toml"), "--output", str(tmp_path / "out")]) == 0
    built = texts_of_shards(tmp_path / "out")
    assert {len(texts) for texts in built.values()} == {5} and len(built) == 3
    listed = list(different(texts_of_table(table), built))
    assert listed == [("Cafe\u0301 noise\nand plates", "Café noise and plates")]
    assert all(only_form_and_breaks(*pair) for pair in listed)


@pytest.mark.parametrize("level", ["full", "voices kept"])
@pytest.mark.parametrize("scope", ["generated", "train", "all", "none"])
def test_a_plan_changes_texts_of_evaluation_splits_only_where_the_scope_is_all(scope: str, level: str, tmp_path: Path) -> None:
    clips = planned(tmp_path, f'debias = "{scope}"\ndebias_level = "{level}"')
    given = {text for texts in CAPTIONS for text in texts} | {"A man speaks"}
    captions = [caption for clip in clips if clip.split != "train" for caption in clip.captions if caption.origin != "template"]
    changed = {caption.text for caption in captions} - given
    assert changed - {"Café noise and plates"} == (ALL_CHANGED[level] if scope == "all" else set())
    (training,) = (clip.captions[0].text for clip in clips if clip.id == "s0")
    assert training == ("A person speaks" if scope in ("train", "all") else "A man speaks")


@pytest.mark.parametrize("scope", ["generated", "train", "all", "none"])
def test_templates_keep_class_names_whatever_the_scope(scope: str, tmp_path: Path) -> None:
    texts = {clip.id: [caption.text for caption in clip.captions] for clip in planned(tmp_path, f'debias = "{scope}"')}
    assert texts["l0"] == ["The sound of male speech or man speaking."]
    assert texts["l1"] == ["The sound of female speech or woman speaking."]
