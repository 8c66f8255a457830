"""Recaption gives shards new text: audio stays byte for byte, only changed shards are rewritten, a later build agrees with them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from hashlib import sha256
from pathlib import Path

import pytest
import soundfile

from pipeline.command import main
from pipeline.failures import EngineError, RecipeError
from pipeline.output.disk import FolderInUseError
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.verbs.build import build
from pipeline.verbs.recaption import RecaptionOutcome, recaption, recipe_of_folder
from pipeline.verbs.verify import verify
from tests.eager import EagerEngine
from tests.fates import appeared, build_into, make_fates, published, tone, unwatched
from tests.tiny_t5 import ROWS, make_labelled, make_t5
from transforms.shards import copy_shard

ENGINE = EagerEngine()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with recordings and recipe in `in`, and their build in `out`."""
    folder = tmp_path_factory.mktemp("original")
    build_into(folder / "out", make_fates(folder / "in"))
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """A copy of `original` whose recipe.toml names the copied recordings."""
    copy = shutil.copytree(original, tmp_path / "copy")
    edit(copy / "out/recipe.toml", (str(original / "in"), str(copy / "in")))
    return copy


def recaption_in(output: Path, recipe: Path | None = None) -> RecaptionOutcome:
    built = Folder(str(output))
    return recaption(load_recipe(str(recipe)) if recipe else recipe_of_folder(built), built, ENGINE, unwatched)


def flacs(output: Path) -> dict[str, str]:
    """Return the SHA-256 of every FLAC member, by its name."""
    hashes = {}
    for path in output.rglob("*.tar"):
        with tarfile.open(path) as tar:
            for member in tar:
                if member.name.endswith(".flac"):
                    hashes[member.name] = sha256(tar.extractfile(member).read()).hexdigest()  # type: ignore[union-attr]
    return hashes


def samples(output: Path) -> dict[str, dict]:
    """Return every JSON member by the id of its clip."""
    by_id = {}
    for path in output.rglob("*.tar"):
        with tarfile.open(path) as tar:
            for member in tar:
                if member.name.endswith(".json"):
                    sample = json.load(tar.extractfile(member))  # type: ignore[arg-type]
                    by_id[sample["original_data"]["id"]] = sample
    return by_id


def shards(output: Path) -> dict[str, str]:
    """Return the SHA-256 of tars, books and sizes, without the plan."""
    return {name: digest for name, digest in published(output).items() if not name.startswith("plan/")}


def edit(table: Path, *changes: tuple[str, str]) -> None:
    text = table.read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    table.write_text(text)


def remove_recordings(folder: Path) -> None:
    for path in folder.iterdir():
        if path.suffix in {".wav", ".flac", ".ogg", ".mp3"}:
            path.unlink()


def test_new_text_rewrites_its_shards_with_the_same_audio_and_without_recordings(folder: Path) -> None:
    audio, before, books = flacs(folder / "out"), shards(folder / "out"), recaption_in(folder / "out").books
    remove_recordings(folder / "in")
    edit(folder / "in/clips.csv", ("note 3.", "note three."))
    done = recaption_in(folder / "out")
    assert (done.n_rewritten, done.wrong) == (1, ())
    assert done.books.total == books.total  # no clip was tried again
    after = shards(folder / "out")
    assert len([name for name in after if name.endswith(".tar") and after[name] != before[name]]) == 1
    assert flacs(folder / "out") == audio
    assert samples(folder / "out")["good-3"]["text"] == ["A man plays note three."]
    assert list(verify(Folder(str(folder / "out")), deep=True)) == []


def test_the_same_text_rewrites_nothing(folder: Path) -> None:
    before = shards(folder / "out")
    assert recaption_in(folder / "out").n_rewritten == 0
    assert shards(folder / "out") == before


def test_a_build_of_the_same_recipe_has_nothing_to_do(folder: Path) -> None:
    edit(folder / "in/clips.csv", ("A man plays note", "A woman hears note"))
    recaption_in(folder / "out", folder / "in/recipe.toml")
    after = shards(folder / "out")
    outcome = build_into(folder / "out", folder / "in/recipe.toml")
    assert (outcome.plan_is_new, outcome.n_built) == (True, 0)
    assert shards(folder / "out") == after
    build_into(folder / "fresh", folder / "in/recipe.toml")
    assert shards(folder / "fresh") == after  # equal to a new build with this text


def test_clips_whose_rows_were_removed_keep_their_text_and_new_rows_add_no_clips(folder: Path) -> None:
    before = samples(folder / "out")
    edit(
        folder / "in/clips.csv",
        ("good-3,good-3.ogg", "new,good-3.ogg"),
        ("good-4,good-4.wav,,,A man plays note 4.", "good-4,good-4.wav,,,"),
    )
    done = recaption_in(folder / "out", folder / "in/recipe.toml")
    after = samples(folder / "out")
    assert done.n_read == done.n_rows - 1
    assert after.keys() == before.keys() and after["good-3"]["text"] == before["good-3"]["text"]
    assert after["good-4"]["text"] == before["good-4"]["text"]  # a sample must have text


def test_another_recipe_changes_only_text(folder: Path) -> None:
    (folder / "in/plain.toml").write_text("debias = 'train'\nlicenses = ['CC0-1.0']\n" + (folder / "in/recipe.toml").read_text())
    before = samples(folder / "out")
    done = recaption_in(folder / "out", folder / "in/plain.toml")
    assert done.wrong == () and samples(folder / "out").keys() == before.keys()
    assert samples(folder / "out")["good-3"]["text"] == ["A person plays note 3."] != before["good-3"]["text"]
    assert 'debias = "train"' in (folder / "out/recipe.toml").read_text()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_folder_with_template_captions_gets_captions_by_a_t5(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    recipe = make_labelled(tmp_path / "in", make_t5(tmp_path / "tiny"))
    for number, (name, seconds, _, _) in enumerate(ROWS):
        soundfile.write(tmp_path / f"in/{name}.wav", tone(200 + 50 * number, seconds), 44_100)
    soundfile.write(tmp_path / "in/plain.wav", tone(100), 44_100)
    text = recipe.read_text()
    (tmp_path / "in/template.toml").write_text('name = "labelled"\nshard_size = 5\n' + text[text.index("[[sources]]") :])
    build_into(tmp_path / "out", tmp_path / "in/template.toml")
    audio = flacs(tmp_path / "out")
    assert not any("text_augment_t5" in sample for sample in samples(tmp_path / "out").values())
    remove_recordings(tmp_path / "in")
    done = recaption_in(tmp_path / "out", recipe)
    assert done.wrong == () and flacs(tmp_path / "out") == audio and len(audio) == 10
    after = samples(tmp_path / "out")
    assert after["rain"]["text_augment_t5"] == ["Rain is falling ."] and after["zither"]["text_augment_t5"] == ["The sound of zither."]
    assert {name for name, sample in after.items() if "text_augment_all" not in sample} == {"plain"}
    assert recaption_in(tmp_path / "out").n_rewritten == 0  # recipe.toml is that of the last recaption


def test_a_shard_whose_audio_is_outdated_is_still_made_again_by_a_build_after_new_text(folder: Path) -> None:
    audio = flacs(folder / "out")
    (folder / "in/shorter.toml").write_text((folder / "in/recipe.toml").read_text() + "\n[audio]\nmax_seconds = 0.5\n")
    edit(folder / "in/clips.csv", ("A man plays", "A man hums"))
    done = recaption_in(folder / "out", folder / "in/shorter.toml")
    assert done.n_rewritten == 5 and done.wrong == () and flacs(folder / "out") == audio
    assert recaption_in(folder / "out", folder / "in/shorter.toml").n_rewritten == 0
    assert build_into(folder / "out", folder / "in/shorter.toml").books.total.reasons["too_long"] == 2


def test_missing_shards_are_left_to_a_build(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = make_fates(tmp_path / "in")
    assert main(["plan", str(recipe), "--output", str(tmp_path / "out")]) == 0
    assert main(["recaption", str(tmp_path / "out"), str(recipe)]) == 1
    assert "Fates/train/0: not built" in capsys.readouterr().err
    assert not list((tmp_path / "out").rglob("*.tar"))


def test_a_damaged_shard_is_not_changed_and_is_reported(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tar = folder / "out/Fates/train/0.tar"
    tar.write_bytes(b"\0" * 1024 + tar.read_bytes()[1024:])
    (folder / "out/Fates/train/1.parquet").unlink()
    damaged = tar.read_bytes()
    edit(folder / "in/clips.csv", ("A man plays", "A man hums"))
    assert main(["recaption", str(folder / "out")]) == 1
    errors = capsys.readouterr().err
    assert "Fates/train/0: damaged" in errors and "Fates/train/1: damaged" in errors
    assert tar.read_bytes() == damaged
    assert build_into(folder / "out", folder / "in/recipe.toml").missing == ()
    assert list(verify(Folder(str(folder / "out")), deep=False)) == []


def test_a_failure_leaves_complete_shards_and_the_next_run_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = make_fates(tmp_path / "in", n_good=12, shard_size=3)
    build_into(tmp_path / "out", recipe)
    edit(tmp_path / "in/clips.csv", ("A man plays", "A man hums"))
    publish, n_published = copy_shard.publish, 0

    def fail_later(*arguments: object) -> None:
        nonlocal n_published
        n_published += 1
        if n_published > 2:
            raise OSError("no space left")
        publish(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(copy_shard, "publish", fail_later)
        with pytest.raises(EngineError):
            recaption_in(tmp_path / "out")
    done = recaption_in(tmp_path / "out")
    assert done.wrong == () and 0 < done.n_rewritten < done.books.shards_done
    build_into(tmp_path / "fresh", recipe)
    assert shards(tmp_path / "out") == shards(tmp_path / "fresh")


@pytest.mark.parametrize("moment", [pytest.param("plan.new/**/*.parquet", marks=pytest.mark.slow), ".work/*/shard.tar"])
def test_killed_and_run_again_gives_the_same_bytes(moment: str, tmp_path: Path) -> None:
    recipe = make_fates(tmp_path / "in", n_good=24, shard_size=3)
    build_into(tmp_path / "out", recipe)
    audio = flacs(tmp_path / "out")
    edit(tmp_path / "in/clips.csv", ("A man plays", "A man hums"))
    argv = [sys.executable, "-m", "pipeline", "recaption", str(tmp_path / "out")]
    process = subprocess.Popen(argv, start_new_session=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while process.poll() is None and not appeared(tmp_path / "out", moment):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert recaption_in(tmp_path / "out").wrong == ()
    assert flacs(tmp_path / "out") == audio
    build_into(tmp_path / "fresh", recipe)
    assert shards(tmp_path / "out") == shards(tmp_path / "fresh")


def test_a_missing_recipe_plan_or_model_is_reported_before_anything_changes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recaption", str(tmp_path / "nowhere")]) == 2
    assert "no recipe.toml here" in capsys.readouterr().err
    recipe = make_fates(tmp_path / "in")
    assert main(["recaption", str(tmp_path / "nowhere"), str(recipe)]) == 2
    assert "no plan here" in capsys.readouterr().err
    build_into(tmp_path / "out", recipe)
    before = published(tmp_path / "out")
    (tmp_path / "in/clips.csv").unlink()
    with pytest.raises(RecipeError, match=r"clips\.csv: no such file"):
        recipe_of_folder(Folder(str(tmp_path / "out")))
    (tmp_path / "in/t5.toml").write_text(
        'captions = "t5"\n' + recipe.read_text().replace("clips.csv", "other.csv") + '\n[t5]\nmodel = "/no"\n'
    )
    (tmp_path / "in/other.csv").write_text("id,url,caption\n1,1.wav,x\n")
    assert main(["recaption", str(tmp_path / "out"), str(tmp_path / "in/t5.toml")]) == 2
    assert published(tmp_path / "out") == before


def test_a_folder_in_use_is_not_changed(tmp_path: Path) -> None:
    recipe = load_recipe(str(make_fates(tmp_path / "in")))
    folder = Folder(str(tmp_path / "out"))
    build(recipe, folder, None, ENGINE, unwatched)
    with folder.locked(), pytest.raises(FolderInUseError):
        recaption(recipe, folder, ENGINE, unwatched)
