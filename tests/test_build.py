"""Builds from recipe to shards: every row has an outcome, bytes are the same everywhere, only what changed is made again."""

from __future__ import annotations

import json
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from pipeline.engines.run import Engine
from pipeline.output.books import read_books
from pipeline.output.plan_index import read_plan
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.verbs.build import build
from pipeline.verbs.changes import Changes
from tests.eager import EagerEngine
from tests.fates import REASONS, RECIPE, build_into, make_fates, published, tone, unwatched


@pytest.fixture(scope="module")
def fates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_fates(tmp_path_factory.mktemp("fates"))


@pytest.fixture(scope="module")
def built(fates: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("built") / "out"
    build_into(output, fates)
    return output


def rows_of(output: Path) -> list[dict]:
    folder = Folder(str(output))
    plan = read_plan(folder)
    return [row for planned in plan.shards for row in read_books(folder, planned.shard).to_pylist()]


def test_every_planned_row_is_a_sample_or_has_a_reason(fates: Path, tmp_path: Path) -> None:
    outcome = build_into(tmp_path, fates)
    total = outcome.books.total
    assert dict(total.reasons) == REASONS
    assert total.samples == 13
    assert total.planned == total.samples + total.rejections == 26
    assert outcome.books.balance and outcome.missing == ()


def test_a_second_build_has_nothing_to_do(fates: Path, built: Path) -> None:
    before = published(built)
    outcome = build_into(built, fates)
    assert (outcome.n_built, outcome.plan_is_new) == (0, False)
    assert published(built) == before


@pytest.mark.parametrize(
    "engine",
    [
        {"n_workers": 1},
        {"n_workers": 5},
        {"options": ("--direct_running_mode=in_memory",)},
        {"options": ("--direct_runner_bundle_repeat=2",)},
        {"runner": "DirectRunner"},
    ],
    ids=["one worker", "five workers", "in memory", "every bundle twice", "by Beam's name"],
)
def test_shards_do_not_depend_on_engine_workers_or_folder(engine: dict, fates: Path, built: Path, tmp_path: Path) -> None:
    build_into(tmp_path / "elsewhere", fates, **engine)
    assert published(tmp_path / "elsewhere") == published(built)


def test_shards_do_not_depend_on_the_folder_of_the_recipe(fates: Path, built: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(fates.parent, tmp_path / "moved")  # not made again: a Vorbis file holds a random number
    build_into(tmp_path / "out", moved / fates.name)
    assert published(tmp_path / "out") == published(built)


def test_sizes_are_counted_from_the_tars(built: Path) -> None:
    for sizes in built.glob("*/*/sizes.json"):
        counts = json.loads(sizes.read_text())
        assert list(counts) == [f"{n}.tar" for n in range(len(counts))]
        for tar, count in counts.items():
            with tarfile.open(sizes.parent / tar) as file:
                assert len(file.getnames()) == 2 * count


def test_a_repeated_sound_in_the_same_shard_is_a_duplicate(built: Path) -> None:
    rows = {row["id"]: row for row in rows_of(built)}
    equal = [rows["same-sound"], rows["good-0"]]
    assert sorted(row["status"] for row in equal) == ["rejected", "sample"]
    refused = next(row for row in equal if row["status"] == "rejected")
    assert refused["reason"] == "duplicate" and "same sound as table-" in refused["detail"]


@pytest.mark.parametrize("splits", [("train", "train"), ("valid", "train"), ("train", "test"), ("test", "valid")], ids="-".join)
def test_a_repeated_sound_in_another_shard_is_a_duplicate(splits: tuple[str, str], tmp_path: Path) -> None:
    for name in "ab":
        soundfile.write(tmp_path / f"{name}.wav", tone(300, 0.05), 44_100, subtype="PCM_16")
    rows = [f"{name},{name}.wav,Sound {name}.,{split}" for name, split in zip("ab", splits, strict=True)]
    (tmp_path / "clips.csv").write_text("\n".join(["id,url,caption,split", *rows]) + "\n")
    (tmp_path / "recipe.toml").write_text(RECIPE.format(shard_size=1).replace("holdout", "# holdout"))
    outcome = build(load_recipe(str(tmp_path / "recipe.toml")), Folder(str(tmp_path / "out")), None, EagerEngine(), unwatched)
    folder = Folder(str(tmp_path / "out"))
    shards = [planned.shard for planned in read_plan(folder).shards]
    twins = [row for shard in shards for row in read_books(folder, shard).to_pylist()]
    assert len(shards) == len(twins) == 2, "each twin is in a shard of its own"
    assert outcome.books.total.reasons == {"duplicate": 1} and outcome.books.balance
    stays, refused = sorted(twins, key=lambda row: row["status"], reverse=True)
    assert (refused["reason"], refused["detail"]) == ("duplicate", f"same sound as {stays['key']}")
    assert stays["split"] == min(splits, key=["test", "valid", "train"].index)


def test_a_changed_caption_rewrites_one_shard_and_copies_its_audio(tmp_path: Path) -> None:
    recipe = make_fates(tmp_path / "in")
    build_into(tmp_path / "out", recipe)
    before, audio = published(tmp_path / "out"), flacs(tmp_path / "out")
    for recording in (tmp_path / "in").glob("good-*"):
        recording.unlink()  # so that its audio can only be copied
    table = tmp_path / "in" / "clips.csv"
    table.write_text(table.read_text().replace("note 3.", "note three."))
    outcome = build_into(tmp_path / "out", recipe)
    after = published(tmp_path / "out")
    assert outcome.n_built == 1
    assert len([name for name in after if name.endswith(".tar") and after[name] != before[name]]) == 1
    assert flacs(tmp_path / "out") == audio
    assert any("note three" in text for text in texts(tmp_path / "out"))


def test_an_extended_recipe_only_adds_shards(tmp_path: Path) -> None:
    recipe = make_fates(tmp_path / "in", n_good=12)
    build_into(tmp_path / "out", recipe)
    before = published(tmp_path / "out")
    make_fates(tmp_path / "in", n_good=20)
    outcome = build_into(tmp_path / "out", recipe)
    after = published(tmp_path / "out")
    assert outcome.books.balance and outcome.books.total.planned == 34
    assert all(after[name] == digest for name, digest in before.items() if name.endswith(".tar"))


def test_a_shrunken_recipe_leaves_no_stale_shards(tmp_path: Path) -> None:
    recipe = make_fates(tmp_path / "in", n_good=24)
    build_into(tmp_path / "out", recipe)
    make_fates(tmp_path / "in", n_good=4)
    outcome = build_into(tmp_path / "out", recipe, Changes(prune=True))
    assert outcome.books.balance
    tars = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.tar"))
    plan = read_plan(Folder(str(tmp_path / "out")))
    assert tars == [f"{planned.shard}.tar" for planned in plan.shards]


@pytest.mark.parametrize("lost", ["0_stats.json", "0.tar", "sizes.json"])
def test_a_lost_file_is_made_again(lost: str, fates: Path, built: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    build_into(output, fates)
    (output / "Fates" / "train" / lost).unlink()
    build_into(output, fates)
    assert published(output) == published(built)


def test_other_limits_make_other_shards(fates: Path, tmp_path: Path) -> None:
    recipe = load_recipe(str(fates))
    strict = recipe.model_copy(update={"audio": replace(recipe.audio, min_seconds=0.5)})
    folder = Folder(str(tmp_path))
    build(recipe, folder, None, Engine(n_workers=2), unwatched)
    outcome = build(strict, folder, None, Engine(n_workers=2), unwatched)
    assert outcome.books.total.samples == 1 and outcome.books.total.reasons["too_short"] > 0


def test_a_limit_takes_the_first_rows_of_every_source(fates: Path, tmp_path: Path) -> None:
    outcome = build(load_recipe(str(fates)), Folder(str(tmp_path)), 3, Engine(n_workers=1), unwatched)
    assert outcome.books.total.planned == 3


def test_missing_rows_are_named(fates: Path, tmp_path: Path) -> None:
    from pipeline.verbs.missing import missing_rows
    from pipeline.verbs.status import read_the_books, snapshot_of

    build_into(tmp_path, fates)
    folder = Folder(str(tmp_path))
    plan = read_plan(folder)
    (tmp_path / "Fates" / "valid" / "0_stats.json").unlink()
    assert not read_the_books(snapshot_of(folder)).balance
    assert list(missing_rows(snapshot_of(folder))) == ["Fates/valid/0: not built, 1 row"]
    assert plan.shards[-1].n_rows == 1


def test_the_resolved_recipe_builds_the_same(fates: Path, built: Path, tmp_path: Path) -> None:
    resolved = fates.parent / "resolved.toml"
    resolved.write_text((built / "recipe.toml").read_text())
    build_into(tmp_path, resolved)
    again, first = published(tmp_path), published(built)
    assert {name: digest for name, digest in again.items() if name.endswith(".tar")} == {
        name: digest for name, digest in first.items() if name.endswith(".tar")
    }


def test_debias_keeps_the_text_before(fates: Path, tmp_path: Path) -> None:
    recipe = fates.with_name("neutral.toml")
    recipe.write_text(f'debias = "all"\n{fates.read_text()}')
    build_into(tmp_path, recipe)
    captions = [caption for sample in samples(tmp_path) for caption in sample["original_data"]["captions"]]
    neutral = next(caption for caption in captions if caption["text"].endswith("note 3."))
    assert neutral == {
        "text": "A person plays note 3.",
        "origin": "human",
        "model": "",
        "prompt": "",
        "before_debias": "A man plays note 3.",
    }


def samples(output: Path) -> list[dict]:
    all_samples = []
    for path in sorted(output.rglob("*.tar")):
        with tarfile.open(path) as tar:
            all_samples += [json.loads(tar.extractfile(name).read()) for name in tar.getnames() if name.endswith(".json")]  # type: ignore[union-attr]
    return all_samples


def texts(output: Path) -> list[str]:
    return [text for sample in samples(output) for text in sample["text"]]


def flacs(output: Path) -> dict[str, bytes]:
    by_name = {}
    for path in output.rglob("*.tar"):
        with tarfile.open(path) as tar:
            by_name |= {name: tar.extractfile(name).read() for name in tar.getnames() if name.endswith(".flac")}  # type: ignore[union-attr]
    return by_name
