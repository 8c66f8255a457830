"""The verb `evaluate`: each dataset by its protocol, the difference of two runs, the rank of every query."""

import json
import shutil

import numpy as np
import pyarrow.parquet
import pytest
import torch

import train.towers.model
from tests.train_runs import call as run_command
from tests.train_runs import trained
from tests.train_sets import CLASSES, flac, sound, write_shard, write_split
from train.data.samples import FixedClips
from train.data.shards import find_shards
from train.evaluate import by_dataset, score
from train.loop.checkpoint import checkpoints, load_run

CPU = torch.device("cpu")
TAGS = {
    "esc50": [["dog"], ["sea_waves"], ["Chirping Birds"], ["rain"]],
    "UrbanSound8K": [["dog bark"], ["siren"], ["drilling"], ["gun_shot"]],
    "fsd50k_class_label": [["Bark", "Dog"], ["Gunshot_and_gunfire"], [], ["Rain"]],
}
KEYS = {"esc50": "esc50-{n}-1000-a-0", "UrbanSound8K": "us8k-1-1-1-{i}", "fsd50k_class_label": "fsd50k-{i}"}


def write_classes(root, dataset, n=4, tags=None):
    """Write a test split with tags. The fold is in the key or in the address, as the sources of this project write it."""
    chosen = tags or TAGS[dataset]
    samples = []
    for i in range(n):
        original = {"url": f"x/audio/fold{i % 2 + 1}/{i}.wav"}
        text = {"text": ["a sound"], "tag": chosen[i % len(chosen)], "original_data": original}
        samples.append((KEYS[dataset].format(i=i, n=i % 5 + 1), flac(sound(CLASSES[i % 4], 0.3, i)), text))
    write_shard(root / dataset / "test" / "0.tar", samples)
    (root / dataset / "test" / "sizes.json").write_text(json.dumps({"0.tar": n}))


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    root = tmp_path_factory.mktemp("scores") / "set"
    for dataset in TAGS:
        write_classes(root, dataset)
    write_split(root / "audiocaps" / "test", 4, seconds=(0.3,), seed=1)
    write_split(root / "Own" / "test", 3, seconds=(0.3,), seed=2)
    return root


def call(*words):
    return run_command(*words, "--device", "cpu")


@pytest.fixture(scope="module")
def evaluated(shards):
    """The scores of every dataset as JSON, and the rows of the ranks."""
    ranks = shards.parent / "ranks.parquet"
    code, out, _ = call("evaluate", trained()[0], shards, "--json", "--cache", shards.parent, "--ranks", ranks)
    assert code == 0
    return json.loads(out)["datasets"], pyarrow.parquet.read_table(ranks).to_pylist()


def test_each_dataset_is_scored_alone_by_the_protocol_of_its_name(evaluated, shards):
    datasets, _ = evaluated
    protocols = {"Own": "retrieval", "UrbanSound8K": "us8k", "audiocaps": "audiocaps", "esc50": "esc50", "fsd50k_class_label": "fsd50k"}
    assert {name: each["protocol"] for name, each in datasets.items()} == protocols
    run = load_run(trained()[0], CPU)
    alone = score(run.model, run.tokenizer, by_dataset(FixedClips(find_shards(str(shards / "Own"), "test"), True, shards.parent)), 77)
    assert datasets["Own"]["t2a"] == alone["t2a"] and datasets["Own"]["a2t"] == alone["a2t"]


def test_what_differs_from_the_published_set_is_noted(evaluated):
    datasets, _ = evaluated
    assert datasets["Own"]["notes"] == []
    assert datasets["audiocaps"]["notes"] == [
        "4 clips; the published set has 975, so the scores are not those of the complete set",
        "4 clips have another number of captions than the 5 of the published set",
    ]
    assert "46 of 50 classes have no clip" in datasets["esc50"]["notes"] and datasets["esc50"]["n_classes"] == 50


def test_scores_of_classes_have_the_measures_of_their_protocol(evaluated):
    datasets, _ = evaluated
    assert set(datasets["esc50"]["intervals"]) == set(datasets["UrbanSound8K"]["intervals"]) == {"accuracy", "fold_mean", "mAP"}
    assert set(datasets["fsd50k_class_label"]["intervals"]) == {"mAP"}
    assert datasets["esc50"]["prompts"] == ["This is a sound of {label}."]


def test_scores_follow_from_the_ranks_of_the_queries(evaluated):
    datasets, rows = evaluated
    assert {row["way"] for row in rows if row["dataset"] == "Own"} == {"t2a", "a2t"}
    for name in ("Own", "audiocaps"):
        to_audio = np.array([row["rank"] for row in rows if (row["dataset"], row["way"]) == (name, "t2a")])
        assert len(to_audio) == datasets[name]["n_captions"]
        assert datasets[name]["t2a"]["mAP@10"] == pytest.approx((1 / to_audio).mean())
        best: dict[str, int] = {}
        for row in rows:
            if (row["dataset"], row["way"]) == (name, "a2t"):
                best[row["key"]] = min(row["rank"], best.get(row["key"], 99))
        assert datasets[name]["a2t"]["R@1"] == pytest.approx(np.mean([rank == 1 for rank in best.values()]))
    for name in ("esc50", "UrbanSound8K"):
        own = [row for row in rows if row["dataset"] == name]
        assert datasets[name]["accuracy"] == pytest.approx(np.mean([row["rank"] == 1 for row in own]))
        assert all((row["rank"] == 1) == (row["first"] == row["text"]) for row in own)
    assert [row["text"] for row in rows if row["dataset"] == "fsd50k_class_label"] == ["Bark", "Dog", "Gunshot, gunfire", "Rain"]


def test_a_run_against_itself_differs_by_nothing_and_the_ensemble_has_other_scores(shards):
    words = ("evaluate", trained()[0], shards / "esc50", "--cache", shards.parent, "--json")
    code, out, _ = call(*words, "--ensemble", "--against", trained()[0])
    result = json.loads(out)["datasets"]["esc50"]
    assert code == 0 and len(result["prompts"]) == 4
    assert result["difference"] == {**dict.fromkeys(("accuracy", "fold_mean", "mAP"), 0.0), "intervals": result["difference"]["intervals"]}
    assert all(bounds == [0, 0] for bounds in result["difference"]["intervals"].values())


def test_two_runs_on_clips_that_only_one_can_use_are_not_compared(tmp_path):
    write_split(tmp_path / "set" / "Own" / "test", 2, seconds=(11.0,))
    cut = flac(sound("hiss", 30, 0))
    write_shard(
        tmp_path / "set" / "Own" / "test" / "0.tar", [("a", flac(sound("hum", 1, 0)), {"text": ["x"]}), ("b", cut[:-100], {"text": ["y"]})]
    )
    shutil.copytree(trained()[0], tmp_path / "other")
    recipe = json.loads((tmp_path / "other" / "run.json").read_text())
    recipe["recipe"]["fusion"] = "none"  # decodes the 10 s in the middle alone, which are not damaged
    (tmp_path / "other" / "run.json").write_text(json.dumps(recipe))
    for path in [*checkpoints(tmp_path / "other"), tmp_path / "other" / "best.pt"]:
        saved = torch.load(path)
        torch.save({**saved, "model": {k: v for k, v in saved["model"].items() if "fusion" not in k and "mel_conv2d" not in k}}, path)
    code, _, error = call("evaluate", trained()[0], tmp_path / "set", "--against", tmp_path / "other", "--cache", tmp_path)
    assert code == 2 and "Own: the two runs cannot use the same clips, so they are not compared: b" in error


def test_a_table_for_people_has_every_dataset_with_intervals_and_notes(shards):
    code, out, _ = call("evaluate", trained()[0], shards / "audiocaps", "--cache", shards.parent, "--against", trained()[0])
    assert code == 0
    assert "audiocaps by the protocol audiocaps: 4 clips, 8 captions, 0 broken clips left out" in out
    assert "note: 4 clips; the published set has 975" in out and "+0.000 +0.000" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("{shards}/Own", "--protocol", "esc50"), "Own: 3 tags are no classes of the protocol esc50: chirp, hiss, hum; correct the tags"),
        (("{shards}/fsd50k_class_label", "--protocol", "vggsound"), "are no classes of the protocol vggsound"),
        (("{two}", "--split", "test"), "esc50: 2 of 4 clips have not exactly one tag, which the protocol esc50 needs"),
        (("{none}", "--protocol", "fsd50k"), "esc50: no clip has a tag, which the protocol fsd50k needs"),
        (("{shards}/Own", "--ranks", "x.csv"), "--ranks x.csv has a suffix that is not supported; .parquet is"),
        (("{shards}/Own", "--against", "{two}"), "holds no run"),
        (("{shards}/Own", "--split", "dev"), "no samples of split 'dev'"),
    ],
)
def test_bad_input_is_reported_before_a_model_is_built(words, message, shards, tmp_path, monkeypatch):
    write_classes(tmp_path / "two", "esc50", tags=[["dog", "cat"], ["dog"], [], ["cat"]])
    write_classes(tmp_path / "none", "esc50", tags=[[]])
    paths = {"shards": shards, "two": tmp_path / "two", "none": tmp_path / "none"}
    monkeypatch.setattr(train.towers.model.Clap, "__init__", None)  # building one would fail
    code, _, error = call("evaluate", trained()[0], *(word.format(**paths) for word in words), "--cache", shards.parent)
    assert code == 2 and message in error


def test_a_dataset_of_classes_can_be_scored_by_captions(shards):
    words = ("evaluate", trained()[0], shards / "esc50", "--protocol", "retrieval", "--json", "--cache", shards.parent)
    assert set(json.loads(call(*words)[1])["datasets"]["esc50"]) >= {"t2a", "a2t"}
