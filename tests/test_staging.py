"""Workers on other machines open no path of the user: what they make from copies has the bytes of a local build."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.engines.staging import remove_staged, stage_recordings
from pipeline.failures import EngineError
from pipeline.output.damage import DamagedFileError
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.records import Clip, Rejected, ShardId
from pipeline.verbs.build import build
from pipeline.verbs.current_plan import current_plan, standing_snapshot
from tests.eager import EagerEngine
from tests.fates import make_fates, published, tone, unwatched
from tests.object_store import EngineElsewhere, Store, object_store, published_there
from tests.sounds import wav
from transforms.fetching.staged import StagedFile, StagedHandler, may_be_on_disk, read_staged_files, write_staged_files

OUTPUT = "gs://bucket/out"
EVERY_ROOT = """
name = "roots"
shard_size = 5
local_files = ["."]

[[sources]]
source = "table"
dataset = "Rows"
path = "tables/rows.csv"
audio_root = "folder"

[[sources]]
source = "table"
dataset = "Zipped"
path = "zipped.csv"
audio_root = "sounds.zip"

[[sources]]
source = "table"
dataset = "Embedded"
path = "embedded.parquet"

[[sources]]
source = "folder"
dataset = "Folder"
root = "labelled"
"""


@pytest.fixture(autouse=True)
def store():
    with object_store() as files:
        yield files


def sound(number: int, seconds: float = 0.2) -> bytes:
    return wav(tone(200 + 30 * number, seconds).tobytes())


def make_roots(root: Path) -> Path:
    """Write a recipe whose recordings lie in every kind of place on this disk, with rows that find none or several."""
    for name, number in {"folder/a/one.wav": 1, "folder/b/two.wav": 2, "folder/a/same.wav": 3, "folder/b/same.wav": 4}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sound(number))
    (root / "folder" / "vid_000001_30.0_31.0.wav").write_bytes(sound(9, 1.0))
    (root / "tables").mkdir()
    (root / "tables" / "beside.wav").write_bytes(sound(5))
    rows = ["one,one.wav", "two,https://example.org/x/two.wav", "same,same.wav", "beside,beside.wav", "lost,lost.wav", "out,../../x"]
    (root / "tables" / "rows.csv").write_text("id,url,caption\n" + "".join(f"{row},A sound {row[:3]}.\n" for row in rows))
    with zipfile.ZipFile(root / "sounds.zip", "w") as archive:
        for number in range(3):
            archive.writestr(f"sounds/z{number}.wav", sound(10 + number))
    (root / "zipped.csv").write_text("id,caption\n" + "".join(f"z{n},Zipped {n}.\n" for n in range(4)))
    cells = [{"bytes": sound(20 + n), "path": f"{n}.wav"} for n in range(3)]
    audio = pa.array(cells, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    pq.write_table(pa.table({"audio": audio, "caption": [f"Embedded {n}." for n in range(3)]}), root / "embedded.parquet")
    (root / "labelled" / "dog").mkdir(parents=True)
    (root / "labelled" / "dog" / "bark.wav").write_bytes(sound(30))
    (root / "recipe.toml").write_text(EVERY_ROOT)
    return root / "recipe.toml"


def build_elsewhere(recipe: Path, output: str = OUTPUT) -> None:
    """Plan here, and build on an engine that does not have the folder of the recipe."""
    settings, folder = load_recipe(str(recipe)), Folder(output)
    current_plan(settings, standing_snapshot(folder), None, EagerEngine())
    build(settings, folder, None, EngineElsewhere(hidden=recipe.parent), unwatched)


def build_here(recipe: Path, output: Path) -> dict[str, str]:
    build(load_recipe(str(recipe)), Folder(str(output)), None, EagerEngine(), unwatched)
    return published(output)


@pytest.mark.parametrize("make", [make_fates, make_roots])
def test_a_build_elsewhere_gives_the_bytes_of_a_local_build_and_leaves_no_copies(make, tmp_path, store):
    recipe = make(tmp_path / "in")
    build_elsewhere(recipe)
    here = build_here(recipe, tmp_path / "out")
    there = published_there(OUTPUT)
    assert there == here and len(there) > 8
    assert not [name for name in store.find("bucket") if ".staged" in name]


def test_a_local_folder_is_never_staged_into(tmp_path):
    with pytest.raises(AssertionError):
        stage_recordings([], None, Folder(str(tmp_path)))  # type: ignore[arg-type]


class Killed(BaseException):
    """The process is killed."""


class Dying(EngineElsewhere):
    def run(self, *_: object, **__: object) -> None:
        raise Killed


def staged(recipe: Path) -> list[str]:
    """Run a build that is killed after its recordings were copied; return what was uploaded."""
    settings, folder = load_recipe(str(recipe)), Folder(OUTPUT)
    current_plan(settings, standing_snapshot(folder), None, EagerEngine())
    Store.uploaded.clear()
    with pytest.raises(Killed):
        build(settings, folder, None, Dying(hidden=recipe.parent), unwatched)
    return [name for name in Store.uploaded if "/.staged/recordings/" in name]


def test_each_content_is_uploaded_once_and_a_resume_uploads_and_reads_nothing_again(tmp_path, monkeypatch):
    recipe = make_fates(tmp_path / "in")
    first = staged(recipe)
    assert len(first) == len(set(first)) > 10
    opened = []
    monkeypatch.setattr("transforms.fetching.local._provenance", lambda *given: opened.append(given))
    assert staged(recipe) == [] and opened == []


def test_a_recording_that_changed_since_it_was_copied_is_copied_again(tmp_path):
    recipe = make_fates(tmp_path / "in")
    staged(recipe)
    (tmp_path / "in" / "good-2.wav").write_bytes(sound(99))
    assert len(staged(recipe)) == 1
    build_elsewhere(recipe)
    assert published_there(OUTPUT) == build_here(recipe, tmp_path / "out")


def test_a_copy_that_is_lost_is_made_again(tmp_path, store):
    recipe = make_fates(tmp_path / "in")
    first = staged(recipe)
    store.rm_file(first[0])
    assert staged(recipe) == [first[0]]


def test_a_damaged_copy_fails_the_build_and_the_next_one_copies_again(tmp_path, store):
    recipe = make_fates(tmp_path / "in")
    first = staged(recipe)
    store.pipe_file(first[0], b"other bytes")
    with pytest.raises((DamagedFileError, EngineError)):
        build_elsewhere(recipe)
    build_elsewhere(recipe)
    assert published_there(OUTPUT) == build_here(recipe, tmp_path / "out")


def test_copies_stay_while_shards_are_left_for_later(tmp_path, store):
    recipe = make_fates(tmp_path / "in")
    build_elsewhere(recipe)
    for path in (tmp_path / "in").glob("good-*"):
        path.unlink()
    (tmp_path / "in" / "recipe.toml").write_text((tmp_path / "in" / "recipe.toml").read_text() + "\n[sources.audio]\nmin_seconds = 0.01\n")
    build_elsewhere(recipe)
    assert [name for name in store.find("bucket") if ".staged" in name]
    remove_staged(Folder(OUTPUT))
    assert not [name for name in store.find("bucket") if ".staged" in name]


def test_a_worker_without_the_list_of_a_shard_fails_instead_of_rejecting_its_rows(tmp_path):
    shard = ShardId("Set", "train", 0)
    handler = StagedHandler(Folder(OUTPUT), shard)
    assert not handler.matches(Clip("table", "Set", "train", "1", "https://example.org/a.wav"))
    with pytest.raises(FileNotFoundError):
        handler.matches(Clip("table", "Set", "train", "1", "rain.wav"))


def test_what_was_found_is_read_as_it_was_written_and_damage_is_named():
    shard, folder = ShardId("Set", "train", 0), Folder(OUTPUT)
    files = {"a": StagedFile("0f", "00", 3, -0.5, True), "b-1": StagedFile(reason="not_found", detail="no file 'b'")}
    write_staged_files(files, shard, folder)
    assert read_staged_files(shard, folder) == files
    with pytest.raises(Rejected, match="no file 'b'"):
        StagedHandler(folder, shard).fetch(Clip("b", "Set", "train", "1", "b.wav"), Path())
    folder.write(".staged/shards/Set/train/0.json", b'{"a": {"nothing": 1}}')
    with pytest.raises(DamagedFileError):
        read_staged_files(shard, folder)


@pytest.mark.parametrize(
    ("url", "root", "is_there"),
    [
        ("rain.wav", None, True),
        ("Scene: night.wav", None, True),
        ("parquet:t.parquet#audio/1/00ff00ff00ff00ff", None, True),
        ("https://example.org/a.wav", "sounds", True),
        ("https://example.org/a.wav", "file:///sounds", True),
        ("https://example.org/a.wav", "gs://bucket/sounds", False),
        ("https://example.org/a.wav", None, False),
        ("bundled:quickstart/a.wav", None, False),
        ("", "https://example.org/dev.zip", False),
    ],
)
def test_only_a_clip_that_is_certainly_elsewhere_needs_no_list(url, root, is_there):
    assert may_be_on_disk(Clip("table", "Set", "train", "1", url, audio_root=root)) is is_there
