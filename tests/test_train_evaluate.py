"""Embedding and retrieval scores of a trained model."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.train_runs import on_two_ranks, trained
from tests.train_sets import write_shard
from train import evaluate
from train.data.samples import FixedClips
from train.data.shards import find_shards
from train.errors import BadInput
from train.evaluate import by_dataset, embed_clips, embed_texts, score
from train.loop.checkpoint import load_run
from train.scores.table import score_table

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def run():
    return load_run(trained()[0], CPU)


def clips_of(root, split="test"):
    return FixedClips(find_shards(str(root), split), True, trained()[1].parent / "cache")


def evaluated(run, split="test"):
    return score(run.model, run.tokenizer, by_dataset(clips_of(trained()[1], split)), 77)


def test_two_evaluations_give_the_same_numbers(run):
    assert evaluated(run) == evaluated(run)


def scores_in_small_batches(run_folder: str, root: str, cache: str) -> dict:
    """Score train and test splits, with batches so small that ranks have several, of unequal number."""
    run = load_run(Path(run_folder), CPU)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "CLIPS_AT_ONCE", 3)
        patch.setattr(evaluate, "TEXTS_AT_ONCE", 2)
        clips = FixedClips([*find_shards(root, "train"), *find_shards(root, "test")], True, Path(cache))
        return score(run.model, run.tokenizer, by_dataset(clips), 77)


def test_two_ranks_have_to_the_bit_the_scores_of_one():
    words = str(trained()[0]), str(trained()[1]), str(trained()[1].parent / "cache")
    alone = scores_in_small_batches(*words)
    assert alone["n_clips"] == 20 and set(alone["datasets"]) == {"First", "Second"}
    assert on_two_ranks(scores_in_small_batches, *words) == [alone, alone]


def test_the_scores_of_several_datasets_are_their_mean_and_none_ranks_the_clips_of_another(run):
    clips = clips_of(trained()[1], "train")
    together = score(run.model, run.tokenizer, by_dataset(clips), 77)
    for name, own in by_dataset(clips).items():
        assert together["datasets"][name] == score(run.model, run.tokenizer, {name: own}, 77)["datasets"][name]
    first, second = (together["datasets"][name]["t2a"] for name in ("First", "Second"))
    assert together["t2a"] == {name: pytest.approx((first[name] + second[name]) / 2) for name in first}
    assert second["R@5"] == 1  # it has four clips


def test_equal_captions_have_equal_vectors_whatever_the_batches(run, monkeypatch):
    monkeypatch.setattr(evaluate, "TEXTS_AT_ONCE", 2)
    texts = ["a hum", "a long caption of many words", "a hum", "x", "a hum"]
    vectors = embed_texts(run.model, run.tokenizer, texts, 77)
    assert np.array_equal(vectors[0], vectors[2]) and np.array_equal(vectors[0], vectors[4])
    assert embed_texts(run.model, run.tokenizer, [], 77).shape == (0, 512)


def test_every_clip_and_caption_of_the_split_counts(run):
    scores = evaluated(run)
    assert (scores["n_clips"], scores["n_captions"], scores["n_broken"]) == (4, 8, 0)
    assert set(scores["t2a"]) == {"R@1", "R@5", "R@10", "mAP@10", "mAP@16", "median_rank"}
    assert set(scores["a2t"]) == {*scores["t2a"], "mAP@10_laion_compat"}


def test_embeddings_are_unit_vectors_and_do_not_change_from_call_to_call(run):
    clips = clips_of(trained()[1])
    first, second = embed_clips(run.model, clips), embed_clips(run.model, clips)
    assert np.array_equal(first.audio, second.audio)
    assert np.allclose(np.linalg.norm(first.audio, axis=1), 1, atol=1e-5)
    assert first.audio.dtype == np.float32 and first.audio.shape == (4, 512)


def test_embeddings_of_texts_are_in_the_given_order_whatever_the_batches(run, monkeypatch):
    monkeypatch.setattr(evaluate, "TEXTS_AT_ONCE", 2)
    texts = ["a hum", "the sound of hiss number 3 in the far distance of a long evening", "x", "a chirp"]
    together = embed_texts(run.model, run.tokenizer, texts, 77)
    assert np.allclose(together, [embed_texts(run.model, run.tokenizer, [text], 77)[0] for text in texts], atol=1e-5)


def test_the_model_goes_back_to_training_but_a_locked_tower_does_not(run):
    run.model.train()
    run.model.audio_branch.eval()
    embed_texts(run.model, run.tokenizer, ["a"], 77)
    assert run.model.training and run.model.text_branch.training and not run.model.audio_branch.training
    run.model.eval()


def test_a_set_of_broken_clips_alone_is_bad_input(run, tmp_path):
    write_shard(tmp_path / "A" / "test" / "0.tar", [("bad", b"", {"text": ["x"], "tag": []})])
    (tmp_path / "A" / "test" / "sizes.json").write_text(json.dumps({"0.tar": 1}))
    with pytest.raises(BadInput, match="all 1 clips are broken, the first: bad"):
        score(run.model, run.tokenizer, by_dataset(FixedClips(find_shards(str(tmp_path), "test"), True, tmp_path)), 77)


def test_the_table_shows_both_directions(run):
    text = score_table(evaluated(run))
    assert "text to audio" in text and "audio to text" in text and "4 clips, 8 captions" in text


def test_a_dataset_is_the_first_folder_also_where_a_tar_names_the_split(tmp_path):
    sample = [("a", b"", {"text": ["x"]})]
    for path in ("First/test/0.tar", "Second/test-000.tar", "Third/any/val-000.tar", "Third/any/test-000.tar"):
        write_shard(tmp_path / path, sample)
    sets = by_dataset(FixedClips(find_shards(str(tmp_path), "test"), True, tmp_path, most_bytes=7))
    assert {name: [s.address for s in each.shards] for name, each in sets.items()} == {
        "First": [f"{tmp_path}/First/test/0.tar"],
        "Second": [f"{tmp_path}/Second/test-000.tar"],
        "Third": [f"{tmp_path}/Third/any/test-000.tar"],
    }
    assert {each.most_bytes for each in sets.values()} == {7}
