"""Files of embeddings, and search."""

from dataclasses import replace

import numpy as np
import pyarrow.parquet
import pytest
import torch

from tests.train_runs import trained
from tests.train_sets import write_folder
from train.data.folder import open_clips
from train.evaluate import embed_clips, embed_texts
from train.loop.checkpoint import load_run
from train.search import save_embeddings, search


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run = load_run(trained()[0], torch.device("cpu"))
    return replace(run, folder=tmp_path_factory.mktemp("run"))


def test_npz_and_parquet_hold_the_same(run, tmp_path):
    names = ["a hum", "a hiss"]
    vectors = embed_texts(run.model, run.tokenizer, names, 77)
    assert vectors.shape == (2, 512)
    save_embeddings(tmp_path / "deep" / "x.npz", names, vectors)
    save_embeddings(tmp_path / "x.parquet", names, vectors)
    saved, table = np.load(tmp_path / "deep" / "x.npz"), pyarrow.parquet.read_table(tmp_path / "x.parquet").to_pydict()
    assert saved["names"].tolist() == table["name"] == names
    assert np.array_equal(saved["embeddings"], np.array(table["embedding"], np.float32))
    assert saved["embeddings"].dtype == np.float32


def test_a_folder_and_shards_are_embedded(run, tmp_path):
    folder = write_folder(tmp_path / "sounds")
    assert embed_clips(run.model, open_clips(str(folder), True, tmp_path)).keys[0] == "hiss/0.wav"
    assert len(embed_clips(run.model, open_clips(str(trained()[1]), True, tmp_path)).keys) == 24


def test_search_returns_the_best_first_and_embeds_the_clips_once(run, tmp_path):
    clips = open_clips(str(trained()[1]), True, tmp_path)
    hits = search(run, "a hum", clips, 5)
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    assert all(h.path.endswith(".tar") and h.key and h.caption for h in hits)
    cached = next(run.folder.glob("search-*.npz"))
    np.savez(cached, **{**np.load(cached), "captions": np.full(24, "cached")})
    assert search(run, "a hum", clips, 5) == [replace(hit, caption="cached") for hit in hits]


def test_a_file_that_was_changed_is_embedded_again(run, tmp_path):
    folder = write_folder(tmp_path / "sounds")
    before = {hit.key: hit.score for hit in search(run, "a hum", open_clips(str(folder), True, tmp_path), 6)}
    (folder / "hum" / "0.wav").write_bytes((folder / "hiss" / "2.wav").read_bytes())
    after = {hit.key: hit.score for hit in search(run, "a hum", open_clips(str(folder), True, tmp_path), 6)}
    assert after["hum/0.wav"] == pytest.approx(before["hiss/2.wav"]) and after["hum/1.wav"] == pytest.approx(before["hum/1.wav"])
