"""Verify accuses no set that is as builds left it: any recipe, rejections, equal sounds, text of a T5, other captions, limits, splits."""

from __future__ import annotations

import csv
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.verbs.build import build
from pipeline.verbs.recaption import recaption, recipe_of_folder
from pipeline.verbs.verify import verify
from tests.eager import EagerEngine
from tests.fates import make_fates, tone, unwatched
from tests.tiny_t5 import ROWS, make_labelled, make_t5

SPLITS = ("train", "train", "train", "valid", "test", "balanced_train", "Ünusual split")
IDS = ("clip-{}", "Clip {}.wav", "ä/{}", "{}", "a.b.{}", " {}", "x" * 90 + "{}")
TEXTS = ("A dog barks.", "Eine Straße, ß & <b>Regen</b>.", "A man and a woman talk.", "雨の音", 'Quote "x" and \\ n', "")
LABELS = ("Dog;Rain", "", "engine", "Speech;Man;Woman", "a1;b2;c3;d4")


def make_table(root: Path, chance: random.Random) -> None:
    """Write recordings in several formats, lengths and channels, and a table that names them, and some that do not exist."""
    rows = [["id", "url", "start", "end", "caption", "labels", "split", "title", "license", "creator"]]
    for n in range(chance.randint(1, 14)):
        rate, kind = chance.choice((8000, 44_100, 48_000)), chance.choice(("wav", "flac", "ogg", "mp3"))
        frames = tone(200 + 50 * chance.randrange(6), chance.choice((0.05, 0.2, 1.2)), rate)
        if chance.random() < 0.2:
            frames = np.stack([frames, frames // 2], 1)
        elif chance.random() < 0.2:
            frames = np.clip(frames.astype(np.int32) * 4, -32_768, 32_767).astype(np.int16)
        elif chance.random() < 0.1:
            frames = np.zeros_like(frames)
        name = f"sound {n}.{kind}"
        soundfile.write(root / name, frames, rate)
        for part in range(chance.choice((1, 1, 1, 3))):
            start, end = ("", "") if part == 0 else (f"{0.01 * part}", chance.choice(("", f"{0.01 * part + 0.02}", "99")))
            url = name if chance.random() < 0.85 else chance.choice(("gone.wav", "http://127.0.0.1/x.wav", "clips.csv", ""))
            text, labels = chance.choice(TEXTS), chance.choice(LABELS)
            license_, creator = chance.choice(("CC0-1.0", "CC-BY-4.0", "", "mine")), chance.choice(("", "Zoë"))
            clip = chance.choice(IDS).format(f"{n}-{part}")
            rows.append(
                [clip, url, start, end, text, labels, chance.choice(SPLITS[: chance.randint(1, 7)]), f"Title {n}", license_, creator]
            )
    with (root / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def make_recipe(root: Path, chance: random.Random, n_sources: int) -> Path:
    """Write a recipe with drawn settings: size of shards, limits, licences, hold-outs, one or two datasets of the table."""
    debias = chance.choice(("all", "none"))
    lines = ['name = "drawn"', f"shard_size = {chance.choice((1, 2, 3, 7, 512))}", f"debias = '{debias}'"]
    if chance.random() < 0.3:
        lines.append('licenses = ["CC0-1.0", "CC-BY-4.0"]')
    if chance.random() < 0.3:
        lines.append('holdout = [{ name = "First:test", allow_empty = true }]')
    if chance.random() < 0.5:
        limits = chance.sample(("min_seconds = 0.1", "max_seconds = 1.0", "min_source_rate = 16000", "silent_below_db = -12.5"), 2)
        lines += ["[audio]", *limits]
    for dataset in ("First", "Second")[:n_sources]:
        lines += ["[[sources]]", 'source = "table"', f'dataset = "{dataset}"', 'path = "clips.csv"']
        lines += ["audio = { max_seconds = 0.5 }"] if chance.random() < 0.2 else []
    (root / "recipe.toml").write_text("\n".join(lines) + "\n")
    return root / "recipe.toml"


def build_in(root: Path, recipe: Path, limit: int | None = None) -> None:
    build(load_recipe(str(recipe)), Folder(str(root / "out")), limit, EagerEngine(), unwatched)


def edited(root: Path, recipe: Path, chance: random.Random) -> None:
    """Build again after other text, other audio or other limits; or write new text into the shards that stand."""
    edit = chance.choice(("text", "audio", "settings", "recaption", "killed marker", "none"))
    table = root / "clips.csv"
    if edit in ("text", "recaption"):
        table.write_text(table.read_text(encoding="utf-8").replace("A dog barks", "A dog howls"), encoding="utf-8")
    if edit == "audio":
        for path in sorted(root.glob("sound*"))[:2]:
            soundfile.write(path, tone(900, 0.1, 8000), 8000, format="WAV")
    if edit == "settings":
        recipe.write_text(recipe.read_text().replace('"drawn"', '"drawn-again"'))
    if edit == "killed marker":
        next((root / "out").glob("*/*/*_stats.json")).unlink()
    if edit == "recaption":
        recaption(recipe_of_folder(Folder(str(root / "out"))), Folder(str(root / "out")), EagerEngine(), unwatched)
    else:
        build_in(root, recipe)


def check(seed: int, root: Path) -> None:
    """Build a drawn set, in some cases in two steps, and verify it."""
    chance = random.Random(seed)
    make_table(root, chance)
    recipe = make_recipe(root, chance, chance.choice((1, 1, 2)))
    build_in(root, recipe, chance.choice((None, None, 5)))
    if chance.random() < 0.5 and list((root / "out").glob("*/*/*_stats.json")):
        edited(root, recipe, chance)
    assert [str(fault) for fault in verify(Folder(str(root / "out")), deep=True)] == []


@pytest.mark.parametrize("seed", [*range(12), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(12, 30))])
def test_a_built_set_has_no_faults(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30, 130))
def test_a_hundred_built_sets_have_no_faults(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path)


@pytest.mark.parametrize("make", [lambda root: make_fates(root / "in"), lambda root: with_t5(root)], ids=["fates", "T5"])
def test_sets_with_every_outcome_and_with_text_of_a_t5_have_no_faults(make: Callable[[Path], Path], tmp_path: Path) -> None:
    build_in(tmp_path, make(tmp_path))
    assert [str(fault) for fault in verify(Folder(str(tmp_path / "out")), deep=True)] == []


def with_t5(root: Path) -> Path:
    recipe = make_labelled(root / "in", make_t5(root / "t5"))
    for number, name in enumerate([*(row[0] for row in ROWS), "plain"]):
        soundfile.write(recipe.parent / f"{name}.wav", tone(200 + 50 * number, 7.0, 8000), 8000)
    return recipe


def test_a_set_that_was_copied_elsewhere_without_its_recordings_has_no_faults(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    make_table(tmp_path / "in", random.Random(1))
    build_in(tmp_path / "in", make_recipe(tmp_path / "in", random.Random(1), 1))
    shutil.copytree(tmp_path / "in" / "out", tmp_path / "copy")
    shutil.rmtree(tmp_path / "in")
    assert [str(fault) for fault in verify(Folder(str(tmp_path / "copy")), deep=True)] == []
