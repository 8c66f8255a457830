"""Recipes, tables and recordings in an object store give the bytes that the same files on this disk give."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.failures import RecipeError
from pipeline.output.books import read_books
from pipeline.output.layout import shard_of
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.recipe.write import resolved_recipe
from pipeline.records import Clip, Reason, Rejected
from pipeline.verbs.build import build
from pipeline.verbs.recaption import recipe_of_folder
from sources.metadata.store_files import MAX_TABLES, address_of, forget_copies, join, local_copy, path_of, without_cache_paths
from tests.eager import EagerEngine
from tests.fates import make_fates, published, unwatched
from tests.object_store import EngineElsewhere, Store, object_store, published_there, upload
from transforms.fetching.folders import LocalFolders
from transforms.fetching.roots.remote_root import RemoteHandler

IN, OUT = "gs://bucket/in", "gs://bucket/out"


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setattr("sources.metadata.store_files._folder", lambda: tmp_path / "cache" / "stores")
    with object_store() as files:
        forget_copies()
        yield files
    forget_copies()


def built(recipe: str, output: str, engine: EagerEngine | None = None) -> None:
    build(load_recipe(recipe), Folder(output), None, engine or EagerEngine(), unwatched)


def outcomes(folder: Folder) -> list[dict]:
    """Return key, outcome and hashes of every planned row, in the order of the shards."""
    names = ["key", "status", "reason", "source_sha256", "pcm_sha256"]
    shards = sorted(shard for name in folder.names() if name.endswith("_stats.json") and (shard := shard_of(name)) is not None)
    return [row for shard in shards for row in read_books(folder, shard, names).to_pylist()]


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_a_recipe_in_a_store_gives_the_samples_and_the_reasons_of_the_same_recipe_on_this_disk(is_elsewhere, tmp_path):
    recipe = make_fates(tmp_path / "in", n_good=6)
    upload(tmp_path / "in", IN)
    built(str(recipe), str(tmp_path / "out"))
    here = published(tmp_path / "out")
    built(f"{IN}/recipe.toml", OUT, EngineElsewhere(hidden=tmp_path / "in") if is_elsewhere else None)
    there = published_there(OUT)
    assert here.keys() == there.keys() and len({name for name in here if name.endswith(".tar")}) > 2
    assert not {name for name in here if here[name] != there[name] and not re.search(r"/\d+\.parquet", name)}
    assert outcomes(Folder(str(tmp_path / "out"))) == outcomes(Folder(OUT))


def test_the_recipe_of_a_build_names_the_store_and_reads_as_the_same_recipe(tmp_path):
    make_fates(tmp_path / "in", n_good=2)
    upload(tmp_path / "in", IN)
    recipe = load_recipe(f"{IN}/recipe.toml")
    assert f'folder = "{IN}"' in resolved_recipe(recipe)
    built(f"{IN}/recipe.toml", str(tmp_path / "out"))
    assert recipe_of_folder(Folder(str(tmp_path / "out"))) == recipe


def test_a_table_is_copied_once_for_each_version_and_a_changed_one_makes_a_new_plan(tmp_path, store):
    make_fates(tmp_path / "in", n_good=2)
    upload(tmp_path / "in", IN)
    first = load_recipe(f"{IN}/recipe.toml").fingerprint(None)
    Store.read.clear()
    forget_copies()
    assert load_recipe(f"{IN}/recipe.toml").fingerprint(None) == first
    assert Store.read == []
    table = store.cat("/bucket/in/clips.csv")
    store.pipe("/bucket/in/clips.csv", table.replace(b"note 0", b"note x"))
    forget_copies()
    assert load_recipe(f"{IN}/recipe.toml").fingerprint(None) != first
    assert Store.read == ["/bucket/in/clips.csv"]


def test_a_local_recipe_reads_a_table_in_a_store_and_its_recordings_beside_it(tmp_path):
    make_fates(tmp_path / "in", n_good=4)
    upload(tmp_path / "in", IN)
    text = (tmp_path / "in" / "recipe.toml").read_text().replace('"clips.csv"', f'"{IN}/clips.csv"')
    (tmp_path / "r.toml").write_text(text)
    built(str(tmp_path / "r.toml"), str(tmp_path / "out"))
    built(str(tmp_path / "in" / "recipe.toml"), str(tmp_path / "here"))
    samples = {name for name in published(tmp_path / "out") if name.endswith(".tar")}
    assert samples == {name for name in published(tmp_path / "here") if name.endswith(".tar")}


@pytest.mark.parametrize("root", ["recordings", f"{IN}/recordings"])
def test_an_audio_root_beside_a_recipe_in_a_store_is_listed_once_and_read_file_by_file(root, tmp_path, store):
    make_fates(tmp_path / "in", n_good=4)
    upload(tmp_path / "in", f"{IN}/recordings")
    store.pipe("/bucket/in/clips.csv", b"id,caption\n" + b"".join(b"good-%d,Note %d.\n" % (n, n) for n in range(4)))
    store.pipe("/bucket/in/r.toml", f'name="r"\n[[sources]]\nsource="table"\ndataset="D"\npath="clips.csv"\naudio_root="{root}"\n'.encode())
    Store.read.clear()
    built(f"{IN}/r.toml", str(tmp_path / "out"), None)
    assert (tmp_path / "out" / "D" / "train" / "sizes.json").read_text() == '{\n "0.tar": 4\n}\n'
    assert sorted(name for name in Store.read if "recordings" in name) == [
        f"/bucket/in/recordings/good-{n}.{kind}" for n, kind in enumerate(("wav", "flac", "wav", "ogg"))
    ]


@pytest.mark.parametrize(
    "url", ["../secret.wav", "/bucket/secret.wav", "gs://bucket/secret.wav", "a/../../secret.wav", "gs://other/in/x.wav"]
)
def test_rows_of_a_recipe_in_a_store_reach_only_its_folder(url, tmp_path, store):
    store.pipe("/bucket/secret.wav", b"secret")
    handler = RemoteHandler(LocalFolders(path_of(IN), address=IN), 100)
    clip = Clip("table", "D", "train", "1", url)
    assert handler.matches(clip)
    with pytest.raises(Rejected) as caught:
        handler.fetch(clip, tmp_path)
    assert caught.value.reason == Reason.UNSAFE_ADDRESS


@pytest.mark.parametrize("address", ["gs://", "gs:///x", "gs://../x", "gs://bucket/../other/x", "s3://bucket/../../x", "gs://bucket/a\0b"])
def test_an_address_that_leads_out_of_its_bucket_is_refused(address):
    with pytest.raises(ValueError, match="no address of a file in a bucket"):
        path_of(address)


def test_an_address_and_the_path_of_its_copy_name_each_other(tmp_path):
    path = path_of("GS://bucket/a/./b.csv")
    assert address_of(path) == "gs://bucket/a/b.csv"
    assert address_of(tmp_path / "b.csv") is None and local_copy(tmp_path, "b.csv") == tmp_path / "b.csv"
    assert without_cache_paths(f"{path}: no such file") == "gs://bucket/a/b.csv: no such file"
    assert join("gs://bucket", "a/b.wav") == "gs://bucket/a/b.wav"


def test_faults_of_a_recipe_in_a_store_name_its_address(store):
    with pytest.raises(RecipeError, match=r"^gs://bucket/in/none.toml: no such file in the store$"):
        load_recipe(f"{IN}/none.toml")
    store.pipe("/bucket/in/r.toml", b'name="r"\n[[sources]]\nsource="table"\ndataset="D"\npath="lost.csv"\n')
    with pytest.raises(RecipeError) as caught:
        load_recipe(f"{IN}/r.toml")
    assert str(caught.value).startswith("gs://bucket/in/r.toml: ") and "cache" not in str(caught.value)
    store.pipe("/bucket/in/f.toml", b'name="r"\n[[sources]]\nsource="folder"\ndataset="D"\nroot="sounds"\n')
    store.pipe("/bucket/in/sounds/a.wav", b"")
    with pytest.raises(RecipeError, match="list its files with their texts in a table"):
        load_recipe(f"{IN}/f.toml")


def test_of_a_folder_the_tables_are_copied_and_those_that_are_gone_there_are_removed(store, monkeypatch):
    for name in ("a.csv", "b/c.json", "b/d.wav", "e.zip"):
        store.pipe(f"/bucket/set/{name}", b"x")
    copy = local_copy(Path(), "gs://bucket/set")
    names = lambda: sorted(str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file())  # noqa: E731
    assert names() == ["a.csv", "b/c.json"]
    store.rm_file("/bucket/set/a.csv")
    forget_copies()
    local_copy(Path(), "gs://bucket/set")
    assert names() == ["b/c.json"]
    monkeypatch.setattr("sources.metadata.store_files.MAX_TABLES", 0)
    forget_copies()
    with pytest.raises(ValueError, match="1 tables, at most 0"):
        local_copy(Path(), "gs://bucket/set")
    assert MAX_TABLES > 100


def test_a_table_that_is_gone_from_the_store_is_gone_from_the_cache(store):
    store.pipe("/bucket/a.csv", b"x")
    copy = local_copy(Path(), "gs://bucket/a.csv")
    assert copy.read_bytes() == b"x"
    store.rm_file("/bucket/a.csv")
    forget_copies()
    assert not local_copy(Path(), "gs://bucket/a.csv").exists()


def test_a_store_that_may_not_be_read_is_a_fault_of_the_recipe(monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("no access")

    monkeypatch.setattr(Store, "info", refuse)
    with pytest.raises(RecipeError, match=r"gs://bucket/in/r.toml: cannot be read with the keys of this machine: no access"):
        load_recipe(f"{IN}/r.toml")
