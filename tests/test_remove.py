"""A removed clip is in no file any more and comes back by no later command; nothing else changes, wherever a removal is killed."""

from __future__ import annotations

import contextlib
import csv
import html
import io
import itertools
import json
import re
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import markupsafe
import pytest
import soundfile

from pipeline.command import main
from pipeline.failures import EngineError, UsageError
from pipeline.output.disk import FolderInUseError
from pipeline.output.layout import REMOVED, REMOVING
from pipeline.output.object_store import ObjectStore
from pipeline.output.plan_files import read_column
from pipeline.output.plan_index import read_plan
from pipeline.output.removals_file import removal_rows
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.records import ShardId
from pipeline.verbs import finish_removal
from pipeline.verbs.changes import Changes
from pipeline.verbs.recaption import recaption
from pipeline.verbs.removal_request import GivenIds
from pipeline.verbs.remove import written_forms
from pipeline.verbs.status import read_the_books
from pipeline.verbs.verify import verify
from tests.eager import EagerEngine
from tests.fates import build_into, published, tone, unwatched
from tests.object_store import Store, object_store, published_there, upload
from tests.removing import files_of, files_with, removed
from tests.test_incremental_build import Killed, kill_after  # noqa: F401 (a fixture)

COLUMNS = ["id", "url", "caption", "labels", "split", "creator"]
N_CLIPS = 9
PAIR = "clip-0,clip-5"
"""Clips of a plain set that are in different shards."""


def write_set(root: Path, rows: list[list[str]], sounds: dict[str, float], shard_size: int = 3, more: str = "") -> Path:
    """Write recordings (name -> pitch), a table and a recipe; return the recipe's path."""
    root.mkdir(parents=True, exist_ok=True)
    for name, pitch in sounds.items():
        soundfile.write(root / name, tone(pitch, 0.05, 8000), 8000, subtype="PCM_16")
    with (root / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    source = '[[sources]]\nsource = "table"\ndataset = "Set"\npath = "clips.csv"\ncreator = "creator"\n'
    (root / "recipe.toml").write_text(f'name = "set"\nshard_size = {shard_size}\n{source}{more}')
    return root / "recipe.toml"


def plain_set(root: Path, n_clips: int = N_CLIPS) -> Path:
    rows = [[f"clip-{n}", f"sound-{n}.wav", f"Caption number {n}x.", f"label{n}", "train", f"Creator {n}"] for n in range(n_clips)]
    return write_set(root, rows, {f"sound-{n}.wav": 200 + 40 * n for n in range(n_clips)})


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the build of a plain set of three shards, `out`, and its recipe."""
    root = tmp_path_factory.mktemp("built")
    build_into(root / "out", plain_set(root / "in"))
    return root


@pytest.fixture
def out(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built / "out", tmp_path / "out"))


def faults(output: Path | str) -> list[str]:
    return [str(fault) for fault in verify(Folder(str(output)), deep=True)]


def words_of(output: Path, *numbers: int) -> dict[str, bytes]:
    """Return what names clips of a plain set: id, key, address, caption, creator, label, and their audio as it stands."""
    words = {}
    for n in numbers:
        names = {"id": f"clip-{n}", "url": f"sound-{n}.wav", "text": f"number {n}x", "creator": f"Creator {n}", "label": f"label{n}"}
        words |= {f"{what} {n}": name.encode() for what, name in names.items()}
        words[f"audio {n}"] = members(output)[f"table-clip-{n}.flac"]
    return words


def members(output: Path) -> dict[str, bytes]:
    matched = {}
    for path in output.rglob("*.tar"):
        with tarfile.open(path) as tar:
            matched |= {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    return matched


def ids_of(output: Path, index: int) -> list[str]:
    """Return the ids of the clips of a shard."""
    return read_column(Folder(str(output)), ShardId("Set", "train", index), "id")


def shard_of(output: Path, clip_id: str) -> str:
    return next(f"Set/train/{index}" for index in range(3) if clip_id in ids_of(output, index))


def test_exactly_the_shards_of_removed_clips_change_and_nothing_names_them_any_more(out: Path) -> None:
    ids = [*ids_of(out, 0)[:2], ids_of(out, 2)[1]]
    before, words = files_of(out), words_of(out, *(int(each[-1]) for each in ids))
    assert {matched.rpartition(" ")[0] for matched in files_with(words, before)} >= {"Set/train/0.tar: audio", "Set/train/0.parquet: id"}
    shards = {"Set/train/0", "Set/train/2"}
    outcome = removed(out, ",".join(ids[:2]), f"Set/{ids[2]}")
    after = files_of(out)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert {shard.name for shard in outcome.finished.written} == shards
    of_shards = {re.sub(r"(_stats)?\.\w+$", "", name) for name in changed if re.match(r"Set/train/\d", name)}
    assert of_shards == shards
    assert files_with(words, after) == []
    assert faults(out) == []
    books = read_the_books(take_snapshot(Folder(str(out))))
    assert books.balance and books.total.planned == N_CLIPS and books.total.reasons == {"removed": 3}


def test_members_that_stay_are_the_same_bytes(out: Path) -> None:
    before = members(out)
    removed(out, "clip-0,clip-8")
    gone = {f"table-clip-{n}.{ending}" for n in (0, 8) for ending in ("flac", "json")}
    assert members(out) == {name: data for name, data in before.items() if name not in gone}


def test_later_builds_have_nothing_to_do_and_bring_no_clip_back(built: Path, out: Path) -> None:
    words = words_of(out, 1, 4)
    removed(out, "clip-1", "clip-4")
    after, recipe = files_of(out), built / "in/recipe.toml"
    assert build_into(out, recipe).n_built == 0 and files_of(out) == after
    for changes in (Changes(reshard=True), Changes(repair=True), Changes(retried=frozenset({"timeout"}))):  # type: ignore[arg-type]
        assert build_into(out, recipe, changes).missing == ()
    shutil.rmtree(out / "plan")
    assert build_into(out, recipe).missing == () and faults(out) == []
    recaption(load_recipe(str(recipe)), Folder(str(out)), EagerEngine(), unwatched)
    assert files_with(words, files_of(out)) == [] and faults(out) == []


def test_a_new_folder_with_the_same_removals_gets_the_same_clips(built: Path, out: Path, tmp_path: Path) -> None:
    words = words_of(out, 3)
    removed(out, "clip-3")
    (tmp_path / "new").mkdir()
    shutil.copy(out / REMOVED, tmp_path / "new")
    outcome = build_into(tmp_path / "new", built / "in/recipe.toml")
    assert outcome.books.total.reasons == {"removed": 1} and files_with(words, files_of(tmp_path / "new")) == []
    assert members(tmp_path / "new") == members(out) and faults(tmp_path / "new") == []


def test_rows_that_come_later_are_added_and_the_removed_ones_stay_away(built: Path, out: Path, tmp_path: Path) -> None:
    shutil.copytree(built / "in", tmp_path / "in")
    words = words_of(out, 0) | {"new id": b"other-name"}
    removed(out, "clip-0", creators=["Creator 7"])
    with (tmp_path / "in/clips.csv").open("a", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [["other-name", "sound-0.wav", "Again.", "", "train", "x"], ["new", "new.wav", "New.", "", "train", "y"]]
        )
        csv.writer(file).writerow(["later-7", "later.wav", "Later.", "", "train", "Creator 7"])
    for name in ("new.wav", "later.wav"):
        soundfile.write(tmp_path / "in" / name, tone(1000 + len(name), 0.05, 8000), 8000, subtype="PCM_16")
    outcome = build_into(out, tmp_path / "in/recipe.toml")
    assert any("3 rows added" in note for note in outcome.notes) and outcome.books.total.reasons == {"removed": 4}
    assert files_with(words | {"creator": b"Creator 7"}, files_of(out)) == [] and faults(out) == []


def test_an_edit_of_the_recipe_or_the_table_brings_nothing_back(built: Path, out: Path, tmp_path: Path) -> None:
    shutil.copytree(built / "in", tmp_path / "in")
    words = words_of(out, 0)
    removed(out, "clip-0")
    recipe = tmp_path / "in/recipe.toml"
    recipe.write_text(recipe.read_text().replace("[[sources]]", '[[sources]]\nsplit = "split"'))
    table = (tmp_path / "in/clips.csv").read_text().replace("Caption", "Words").replace("Creator 8,", "Other,")
    (tmp_path / "in/clips.csv").write_text(table)
    assert build_into(out, recipe, Changes(prune=True)).missing == ()
    assert files_with(words, files_of(out)) == [] and faults(out) == []


def test_a_dataset_with_another_name_brings_nothing_back(built: Path, out: Path, tmp_path: Path) -> None:
    shutil.copytree(built / "in", tmp_path / "in")
    words, recipe = words_of(out, 0, 5), tmp_path / "in/recipe.toml"
    removed(out, PAIR)
    recipe.write_text(recipe.read_text().replace('"Set"', '"Renamed"'))
    outcome = build_into(out, recipe, Changes(prune=True))
    assert outcome.missing == () and outcome.books.datasets["Renamed"].reasons == {"removed": 2}
    assert files_with(words, files_of(out)) == [] and faults(out) == []


def test_the_same_excerpt_and_the_same_sound_go_from_other_datasets_too(tmp_path: Path) -> None:
    rows = [["one", "one.wav", "First words.", "", "train", ""], ["two", "two.wav", "Other words.", "", "train", ""]]
    recipe = write_set(tmp_path / "in", rows, {"one.wav": 300, "two.wav": 400, "copy.wav": 300})
    (tmp_path / "in/other.csv").write_text(
        "id,url,caption\nsame,one.wav,More words.\nalike,copy.wav,Words again.\nstays,two.wav,It stays.\n"
    )
    recipe.write_text(recipe.read_text() + '[[sources]]\nsource = "table"\ndataset = "Other"\npath = "other.csv"\n')
    build_into(tmp_path / "out", recipe)
    flac = members(tmp_path / "out")["table-one.flac"]
    outcome = removed(tmp_path / "out", "one")
    assert {row.id for row in outcome.matched.clips.values()} == {"one", "same", "alike"}
    assert sorted(outcome.matched.because.values()) == ["the same excerpt", "the same sound"]
    assert files_with({"audio": flac, "url": b"one.wav"}, files_of(tmp_path / "out")) == [] and faults(tmp_path / "out") == []
    plan = read_plan(Folder(str(tmp_path / "out")))
    build_into(tmp_path / "out", recipe, Changes(reshard=True))
    assert read_plan(Folder(str(tmp_path / "out"))) == plan


def test_rows_of_the_same_excerpt_go_with_their_clip_whichever_is_named(tmp_path: Path) -> None:
    rows = [["a", "a.wav", "First.", "", "train", ""], ["b", "a.wav", "Second.", "", "train", ""], ["c", "c.wav", "C.", "", "train", ""]]
    rows += [["a", "a.wav", "Third.", "", "train", ""], ["a", "other.wav", "Same id.", "", "train", ""]]
    recipe = write_set(tmp_path / "in", rows, {"a.wav": 300, "c.wav": 400, "other.wav": 500})
    build_into(tmp_path / "out", recipe)
    outcome = removed(tmp_path / "out", "b")
    assert [row.id for row in outcome.matched.clips.values()] == ["a"] and faults(tmp_path / "out") == []
    words = {word: word.encode() for word in ("a.wav", "table-a", "table-b", "other.wav", "Second", "First", "Third")}
    assert files_with(words, files_of(tmp_path / "out")) == []
    plan = files_of(tmp_path / "out")["plan/rejections.parquet"]
    shutil.rmtree(tmp_path / "out/plan")
    build_into(tmp_path / "out", recipe)
    assert files_of(tmp_path / "out")["plan/rejections.parquet"] == plan


@pytest.mark.parametrize("named", ["one", "two", "three"])
def test_clips_that_sound_exactly_alike_go_together(named: str, tmp_path: Path) -> None:
    names = ("one", "two", "three", "four", "five")
    rows = [[name, f"{name}.wav", f"Caption {name}.", "", "test" if name == "two" else "train", ""] for name in names]
    recipe = write_set(tmp_path / "in", rows, {f"{name}.wav": 300 if n < 3 else 300 + n for n, name in enumerate(names)}, shard_size=1)
    build_into(tmp_path / "out", recipe)
    outcome = removed(tmp_path / "out", named)
    assert {row.id for row in outcome.matched.clips.values()} == {"one", "two", "three"} and len(outcome.matched.because) == 2
    words = {name: name.encode() for name in ("one.wav", "two.wav", "three.wav", "table-two", "table-one", "table-three")}
    assert files_with(words, files_of(tmp_path / "out")) == [] and faults(tmp_path / "out") == []
    after = published(tmp_path / "out")
    assert build_into(tmp_path / "out", recipe).n_built == 0 and published(tmp_path / "out") == after


def test_a_shard_without_clips_goes_and_the_last_one_takes_its_number(built: Path, out: Path) -> None:
    ids, last = ids_of(out, 0), files_of(out)["Set/train/2.tar"]
    removed(out, ",".join(ids))
    after = files_of(out)
    assert (
        after["Set/train/0.tar"] == last
        and "Set/train/2.tar" not in after
        and json.loads(after["Set/train/sizes.json"]).keys() == {"0.tar", "1.tar"}
    )
    assert faults(out) == [] and build_into(out, built / "in/recipe.toml").n_built == 0
    assert files_with(words_of(built / "out", *(int(each[-1]) for each in ids)), files_of(out)) == []
    assert not any(name.startswith(".moved") for name in after)


def test_all_clips_may_be_removed(built: Path, out: Path) -> None:
    removed(out, sources=["Set"])
    assert not list(out.rglob("*.tar")) and read_plan(Folder(str(out))).shards == ()
    assert build_into(out, built / "in/recipe.toml").books.total.reasons == {"removed": N_CLIPS}


def kills(before: Path, output: Path, allow: Callable[[int | None], list[str]], step: int) -> Iterator[int]:
    """Kill a removal before every change of the folder; each time the folder is as the kill left it."""
    shutil.copytree(before, output)
    changes = allow(None)
    removed(output, PAIR)
    n_changes = len(changes)
    assert n_changes > 20
    for n in range(0, n_changes, step):
        allow(None)
        shutil.rmtree(output)
        shutil.copytree(before, output)
        allow(n)
        with contextlib.suppress(Killed):
            removed(output, PAIR)
        allow(None)
        yield n


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 7])
@pytest.mark.parametrize("rerun", ["remove", "build"])
def test_wherever_it_is_killed_the_next_command_ends_it(
    step: int,
    rerun: str,
    built: Path,
    tmp_path: Path,
    kill_after: Callable[[int | None], list[str]],  # noqa: F811
) -> None:
    before, output = built / "out", tmp_path / "out"
    shutil.copytree(before, tmp_path / "undisturbed")
    removed(tmp_path / "undisturbed", PAIR)
    wanted, words = published(tmp_path / "undisturbed"), words_of(before, 0, 5)
    for n in kills(before, output, kill_after, step):
        if rerun == "build" and not any((output / name).exists() for name in (REMOVING, REMOVED)):
            assert build_into(output, built / "in/recipe.toml").n_built == 0 and published(output) == published(before), n
            continue
        if rerun == "remove":
            removed(output, PAIR)
        else:
            assert build_into(output, built / "in/recipe.toml").missing == ()
        assert published(output) == wanted, f"killed before change {n}"
        assert files_with(words, files_of(output)) == [] and not (output / REMOVING).exists()


def test_a_removal_that_was_not_finished_is_a_fault(
    out: Path,
    kill_after: Callable[[int | None], list[str]],  # noqa: F811
) -> None:
    kill_after(None)
    kill_after(12)
    with pytest.raises(Killed):
        removed(out, "clip-2")
    kill_after(None)
    assert any("not finished" in fault for fault in faults(out))


def test_a_folder_of_a_store_loses_clips_as_one_on_a_disk(built: Path, out: Path) -> None:
    removed(out, PAIR)
    with object_store():
        upload(built / "out", "gs://bucket/out")
        words = words_of(built / "out", 0, 5)
        outcome = removed("gs://bucket/out", PAIR)
        assert len(outcome.finished.written) == 2 and published_there("gs://bucket/out") == published(out)
        stored = {name: bytes(file.getvalue()) for name, file in Store.store.items()}
        assert files_with(words, stored) == [] and faults("gs://bucket/out") == []


@pytest.fixture
def kill_store_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], list[str]]:
    """As `kill_after`, of changes of stores."""
    changes: list[str] = []
    limit: list[int | None] = [None]

    def counted(name: str, change: Callable) -> Callable:
        def run(*arguments: object) -> object:
            if limit[0] is not None and len(changes) >= limit[0]:
                raise Killed
            changes.append(name)
            return change(*arguments)

        return run

    for name in ("write", "upload", "copy", "copy_small", "remove"):
        monkeypatch.setattr(ObjectStore, name, counted(name, getattr(ObjectStore, name)))

    def allow(n_changes: int | None) -> list[str]:
        limit[0] = n_changes
        changes.clear()
        return changes

    return allow


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 9])
def test_wherever_it_is_killed_in_a_store_the_next_command_ends_it(
    step: int, built: Path, out: Path, kill_store_after: Callable[[int | None], list[str]]
) -> None:
    removed(out, PAIR)
    wanted, words, address = published(out), words_of(built / "out", 0, 5), "gs://bucket/out"
    monkey = pytest.MonkeyPatch()
    monkey.setattr(finish_removal, "N_AT_ONCE", 1)
    with object_store(), monkey.context():
        upload(built / "out", address)
        before = dict(Store.store)
        changes = kill_store_after(None)
        removed(address, PAIR)
        n_changes = len(changes)
        assert n_changes > 20 and published_there(address) == wanted
        for n in range(0, n_changes, step):
            Store.store.clear()
            for name, file in before.items():
                Store.store[name] = type(file)(file.fs, file.path, file.getvalue())
            kill_store_after(n)
            with contextlib.suppress(Killed):
                removed(address, PAIR)
            kill_store_after(None)
            Folder(address).remove_below(".lock")
            removed(address, PAIR)
            assert published_there(address) == wanted, f"killed before change {n}"
            assert files_with(words, {name: bytes(file.getvalue()) for name, file in Store.store.items()}) == []
    monkey.undo()


def test_shards_that_are_held_for_clips_that_move_lose_clips_too(
    built: Path,
    out: Path,
    tmp_path: Path,
    kill_after: Callable[[int | None], list[str]],  # noqa: F811
) -> None:
    shutil.copytree(built / "in", tmp_path / "in")
    words, before = words_of(out, 0, 1, 5), members(out)
    table = tmp_path / "in/clips.csv"
    table.write_text(re.sub(r"(clip-[0-4].*),train,", r"\1,valid,", table.read_text()))
    for n in itertools.count(1, 3):
        kill_after(n)
        with contextlib.suppress(Killed, EngineError):
            build_into(out, tmp_path / "in/recipe.toml")
        kill_after(None)
        if list(out.glob(".moved/*/Set/*/*_stats.json")):
            break
    removed(out, "clip-0,clip-1,clip-5")
    assert files_with(words, files_of(out)) == []
    assert build_into(out, tmp_path / "in/recipe.toml").missing == () and faults(out) == []
    after = members(out)
    flacs = {
        name: data
        for name, data in before.items()
        if name.endswith(".flac") and not name.startswith(("table-clip-0", "table-clip-1", "table-clip-5"))
    }
    assert {name: after.get(name) for name in flacs} == flacs and not (out / ".moved").exists()


def test_ids_may_hold_blanks_commas_and_signs_of_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["Año Nuevo 1", "rain, heavy", "*", "a[1]?", " edge ", "Set/odd", "ids.txt", "stays"]
    rows = [[name, f"s{n}.wav", f"Text {n}.", "", "train", ""] for n, name in enumerate(names)]
    recipe = write_set(tmp_path / "in", rows, {f"s{n}.wav": 300 + 50 * n for n in range(len(names))})
    build_into(tmp_path / "out", recipe)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ids.txt").write_bytes("\ufeffAño Nuevo 1\r\n\r\nrain, heavy\n".encode())
    assert {row.id for row in removed(tmp_path / "out", "*").matched.clips.values()} == {"*"}
    assert {row.id for row in removed(tmp_path / "out", "ids.txt").matched.clips.values()} == {"ids.txt"}
    (tmp_path / "list").write_bytes((tmp_path / "ids.txt").read_bytes())
    matched = removed(tmp_path / "out", "list", "a[1]?", "Set/odd", "edge").matched
    assert {row.id for row in matched.clips.values()} == {"Año Nuevo 1", "rain, heavy", "a[1]?", "Set/odd", "edge"}
    assert read_plan(Folder(str(tmp_path / "out"))).n_clips == 1 and faults(tmp_path / "out") == []


def test_unknown_ids_are_named_and_nothing_is_done(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files_of(out)
    (tmp_path / "empty").write_text("\n \n")
    (tmp_path / "sound").write_bytes(b"RIFF\xff\xfe")
    for words, message in (
        (["--ids", "clip-1,nope,clip-*"], "has the id 'nope', 'clip-*'"),
        (["--ids", " , "], "names no id"),
        (["--ids", str(tmp_path / "empty")], "holds no id"),
        (["--ids", str(tmp_path / "sound")], "not UTF-8"),
        (["--creator", "Nobody"], "has the creator 'Nobody'"),
        (["--source", ""], "--source is empty"),
        ([], "nothing to remove is given"),
        (["--ids", "clip-1", "--why", "take clip-1 away"], "--why names 'clip-1'"),
        (["--source", "table", "--why", "the table is not free"], "--why names 'table'"),
    ):
        assert main(["remove", str(out), *words]) == 2
        assert message in " ".join(capsys.readouterr().err.split()), words
    assert main(["remove", str(tmp_path / "nowhere"), "--ids", "a"]) == 2 and not (tmp_path / "nowhere").exists()
    assert files_of(out) == before


def test_a_dry_run_lists_what_would_go_and_changes_nothing(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files_of(out)
    assert main(["remove", str(out), "--ids", "clip-1", "--dry-run"]) == 0
    assert f"Set/clip-1: in {shard_of(out, 'clip-1')}" in capsys.readouterr().out and files_of(out) == before
    assert main(["remove", str(out), "--ids", "clip-1", "--dry-run", "--json"]) == 0
    clips = json.loads(capsys.readouterr().out)["clips"]
    assert clips == [{"dataset": "Set", "id": "clip-1", "shard": shard_of(out, "clip-1"), "because": "named"}] and files_of(out) == before


def test_ids_that_were_removed_before_are_no_fault(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    removed(out, "clip-1")
    before = files_of(out)
    for name in ("clip-1", "table-clip-1", "Set/clip-1"):
        assert main(["remove", str(out), "--ids", name]) == 0
        assert "1 id was removed before" in capsys.readouterr().out and files_of(out) == before
    assert main(["remove", str(out), "--ids", "clip-1,clip-2", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["already_removed"] == ["clip-1"] and len(printed["shards"]["changed"]) == 1


def test_an_id_of_several_datasets_has_to_be_given_with_one(tmp_path: Path) -> None:
    rows = [[f"x{n}", f"s{n}.wav", f"Text {n}.", "", "train", ""] for n in range(4)]
    recipe = write_set(tmp_path / "in", rows, {f"s{n}.wav": 300 + 50 * n for n in range(8)})
    (tmp_path / "in/other.csv").write_text("id,url,caption\nx0,s4.wav,Other.\nx1,s1.wav,Same file.\n")
    recipe.write_text(recipe.read_text() + '[[sources]]\nsource = "table"\ndataset = "Other"\npath = "other.csv"\n')
    build_into(tmp_path / "out", recipe)
    with pytest.raises(UsageError, match=r"several datasets.*'Other/x0', 'Set/x0'"):
        removed(tmp_path / "out", "x0")
    assert [row.dataset for row in removed(tmp_path / "out", "Other/x0").matched.clips.values()] == ["Other"]
    assert {row.dataset for row in removed(tmp_path / "out", "x1").matched.clips.values()} == {"Set", "Other"}, "one address"


def test_the_time_and_the_words_of_the_user_are_kept(out: Path) -> None:
    removed(out, "clip-1")
    rows = removal_rows(Folder(str(out)), REMOVED)
    assert {(row.kind, row.why, row.removed_at) for row in rows} == {
        (kind, "they asked", "2023-11-14T22:13:20Z") for kind in ("clip", "excerpt")
    }


def test_a_removal_beside_a_build_is_refused(out: Path) -> None:
    with Folder(str(out)).locked(), pytest.raises(FolderInUseError):
        removed(out, "clip-1")


def test_a_damaged_shard_is_named_and_a_build_makes_it_without_the_clip(built: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shard, words = shard_of(out, "clip-1"), words_of(out, 1)
    books = out / f"{shard}.parquet"
    books.write_bytes(b"PAR1 damaged")
    assert main(["remove", str(out), "--ids", "clip-1"]) == 1
    assert f"{shard}: damaged" in capsys.readouterr().err and (out / REMOVING).exists()
    assert build_into(out, built / "in/recipe.toml").missing == ()
    assert files_with(words, files_of(out)) == [] and faults(out) == [] and not (out / REMOVING).exists()


def test_damaged_removals_are_never_taken_for_none(built: Path, out: Path) -> None:
    removed(out, "clip-1")
    (out / REMOVED).write_bytes(b"nothing")
    assert any(REMOVED in fault for fault in faults(out))
    assert main(["build", str(built / "in/recipe.toml"), "--output", str(out), "--reshard"]) == 1
    assert b"clip-1" not in b"".join(files_of(out).values())


def test_what_removed_clips_held_out_stays_held_out(tmp_path: Path) -> None:
    rows = [["eval", "same.wav", "Test sound.", "", "test", ""], ["c", "c.wav", "Train sound.", "", "train", ""]]
    recipe = write_set(tmp_path / "in", rows, {"same.wav": 300, "c.wav": 400})
    (tmp_path / "in/other.csv").write_text("id,url,caption\ntwin,same.wav,Other words.\n")
    other = '[[sources]]\nsource = "table"\ndataset = "Other"\npath = "other.csv"\n'
    recipe.write_text('holdout = ["Set:test"]\n' + recipe.read_text() + other)
    build_into(tmp_path / "out", recipe)
    removed(tmp_path / "out", "eval")
    plan = read_plan(Folder(str(tmp_path / "out")))
    for text in (recipe.read_text(), recipe.read_text().replace('holdout = ["Set:test"]', "")):
        recipe.write_text(text)
        build_into(tmp_path / "out", recipe, Changes(reshard=True))
        assert read_plan(Folder(str(tmp_path / "out"))).shards == plan.shards and plan.n_clips == 1
    assert plan.left_out == {"Other": {"held_out": 1}, "Set": {"removed": 1}}


def test_lines_of_a_file_of_ids_end_where_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("\ufeffone\u2028id\r\ntwo\x0bids\n\nthree\x85\n", encoding="utf-8", newline="")
    assert GivenIds.read(str(tmp_path / "ids")).lines == ("one\u2028id", "two\x0bids", "three\x85")


def test_reports_that_may_show_a_removed_clip_go_and_others_stay(out: Path) -> None:
    (out / "report.html").write_text("<p>a page of long ago</p>")
    (out / "leaks.json").write_text('{"benchmarks": ["other-clip"]}')
    removed(out, "clip-1")
    assert not (out / "report.html").exists() and (out / "leaks.json").exists()


@pytest.mark.parametrize("word", ["a&b", 'say "hi"', "it's", "caf\u00e9", "x<y>", "a b/c"])
def test_every_writer_of_reports_writes_a_form_that_is_looked_for(word: str) -> None:
    text = io.StringIO()
    csv.writer(text).writerow([word, "x"])
    written = (
        str(markupsafe.escape(word)),
        html.escape(word),
        json.dumps(word),
        json.dumps(word, ensure_ascii=False),
        text.getvalue(),
        quote(word),
    )
    for each in written:
        assert any(form in each.encode() for form in written_forms(word)), each
