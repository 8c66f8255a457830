"""Classification with a trained model, zero-shot and by classifiers."""

import json
import shutil

import numpy as np
import pytest
import torch

from tests.train_runs import trained
from tests.train_sets import CLASSES, flac, sound, write_folder, write_shard
from train import classify
from train.classify import (
    check_prompts,
    class_list,
    class_loss,
    cross_validated,
    make_head,
    open_folds,
    open_train_and_test,
    read_labels,
    score_classes,
    supervised,
    zero_shot,
)
from train.data.folder import open_clips
from train.errors import BadInput
from train.evaluate import embed_clips
from train.loop.checkpoint import load_run
from train.scores.classes import class_matrix
from train.scores.protocols import PROMPT


@pytest.fixture(scope="module")
def run():
    return load_run(trained()[0], torch.device("cpu"))


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "sounds")


def test_the_prompt_is_the_published_one():
    assert PROMPT.format(label="dog") == "This is a sound of dog."


@pytest.fixture
def test_clips(tmp_path):
    return open_clips(str(trained()[1]), True, tmp_path, ("test",))


def test_zero_shot_on_shards_gives_the_same_scores_twice(run, test_clips):
    labels = class_list([test_clips], None)
    assert labels == sorted(CLASSES)
    first, second = (zero_shot(run, test_clips, labels, [PROMPT, "{label}"]) for _ in range(2))
    assert first.n_clips == 4 and first.confusion.sum() == 4
    assert first.accuracy == second.accuracy and first.mean_ap == second.mean_ap


def test_zero_shot_on_a_folder_of_class_folders(run, folder, tmp_path):
    clips = open_clips(str(folder), True, tmp_path)
    assert class_list([clips], None) == ["hiss", "hum"]
    assert zero_shot(run, clips, ["hiss", "hum"], [PROMPT]).n_clips == 6


@pytest.mark.parametrize("method", ["linear", "mlp", "finetune"])
def test_a_classifier_learns_the_classes_of_the_train_split(run, method, tmp_path):
    torch.manual_seed(0)
    fresh = load_run(trained()[0], torch.device("cpu")) if method == "finetune" else run
    result = supervised(fresh, *open_train_and_test(str(trained()[1]), True, tmp_path, "test"), sorted(CLASSES), method, epochs=2)
    assert result.n_clips == 4 and result.accuracy is not None
    if method != "finetune":
        assert result.accuracy >= 0.5  # hum, hiss, chirp and clicks are easy to tell apart


def write_folds(root, dataset="esc50", n=9):
    """Write a test split without a train split; the fold is in the key."""
    samples = []
    for i in range(n):
        kind = CLASSES[i % 3]
        samples.append((f"esc50-{i // 3 + 1}-{i}-a-0", flac(sound(kind, 0.3, i)), {"text": [f"a {kind}"], "tag": [kind]}))
    write_shard(root / dataset / "test" / "0.tar", samples)
    (root / dataset / "test" / "sizes.json").write_text(json.dumps({"0.tar": n}))
    return str(root)


def test_sets_with_folds_are_cross_validated_and_the_same_twice(run, tmp_path):
    clips, protocol = open_folds(write_folds(tmp_path / "set"), True, tmp_path, "test", "linear")
    first, second = (cross_validated(run, clips, protocol, class_list([clips], None), "linear") for _ in range(2))
    assert first.n_clips == 9 and first.fold_mean == pytest.approx(first.accuracy)  # folds of equal size
    assert first.accuracy > 0.6 and first.accuracy == second.accuracy


def test_no_clip_is_classified_by_a_classifier_that_saw_its_fold(run, tmp_path, monkeypatch):
    clips, protocol = open_folds(write_folds(tmp_path / "set"), True, tmp_path, "test", "linear")
    audio = embed_clips(run.model, clips).audio
    seen = []

    def record(train, truth, method):
        seen.append(({row.tobytes() for row in train}, set()))
        return lambda some: seen[-1][1].update(row.tobytes() for row in some) or np.zeros((len(some), truth.shape[1]))

    monkeypatch.setattr(classify, "train_head", record)
    cross_validated(run, clips, protocol, class_list([clips], None), "linear")
    assert len(seen) == 3 and all(not train & test for train, test in seen)
    assert sorted(row for _, test in seen for row in test) == sorted(row.tobytes() for row in audio)


def test_clips_whose_fold_is_not_known_are_not_cross_validated(run, tmp_path):
    clips, protocol = open_folds(write_folds(tmp_path / "set", "UrbanSound8K"), True, tmp_path, "test", "mlp")
    with pytest.raises(BadInput, match="9 of 9 clips have no fold"):
        cross_validated(run, clips, protocol, class_list([clips], None), "mlp")


@pytest.mark.parametrize(("dataset", "method"), [("Own", "linear"), ("esc50", "finetune")])
def test_shards_with_neither_a_train_split_nor_folds_are_bad_input(dataset, method, tmp_path):
    with pytest.raises(BadInput, match="has no train split to train a classifier on; the folds of one set, esc50 or us8k"):
        open_folds(write_folds(tmp_path / "set", dataset), True, tmp_path, "test", method)


def test_a_train_split_or_a_folder_of_sounds_needs_no_folds(folder, tmp_path):
    assert open_folds(str(trained()[1]), True, tmp_path, "test", "linear") is None
    assert open_folds(str(folder), True, tmp_path, "test", "linear") is None


def test_a_folder_is_split_by_the_hash_of_file_names(folder, tmp_path):
    with pytest.raises(BadInput, match="too few sound files"):
        open_train_and_test(str(folder), True, tmp_path, "test")
    for i in range(3, 30):
        shutil.copy(folder / "hum" / "0.wav", folder / "hum" / f"{i}.wav")
    train, test = open_train_and_test(str(folder), True, tmp_path, "test")
    assert len(train) + len(test) == 33 and 0 < len(test) < len(train)


def test_a_tag_that_is_not_in_the_class_list_is_named(test_clips, tmp_path):
    (tmp_path / "classes.txt").write_text("hum\nhiss\nchirp\n")
    with pytest.raises(BadInput, match="1 tags are not in the class list: clicks; it has hum, hiss, chirp"):
        class_list([test_clips], tmp_path / "classes.txt")


def test_one_class_is_too_few(test_clips, tmp_path):
    (tmp_path / "classes.txt").write_text("hum\n")
    with pytest.raises(BadInput, match="there are 1 classes"):
        class_list([test_clips], tmp_path / "classes.txt")


@pytest.mark.parametrize("prompt", ["a sound", "{label} {room}", "{}", "{label", "{label!z}", "{label:>{x}}"])
def test_a_prompt_without_label_or_with_other_fields_is_bad_input(prompt):
    check_prompts([PROMPT])
    with pytest.raises(BadInput, match=r"should have .label. where"):
        check_prompts([prompt])


def test_labels_are_read_from_lines_or_the_json_of_the_reference(tmp_path):
    (tmp_path / "a.txt").write_text("dog\n\n cat \n")
    (tmp_path / "a.json").write_text('{"cat": 1, "dog": 0}')
    assert read_labels(tmp_path / "a.txt") == read_labels(tmp_path / "a.json") == ["dog", "cat"]
    (tmp_path / "a.json").write_text('["dog"]')
    with pytest.raises(BadInput, match="should be a JSON object"):
        read_labels(tmp_path / "a.json")
    with pytest.raises(BadInput, match="is no file"):
        read_labels(tmp_path / "b.txt")
    with pytest.raises(BadInput, match="should be a JSON object"):
        read_labels(tmp_path / "b.json")


def test_clips_of_several_classes_have_no_accuracy_but_a_mean_average_precision():
    truth = class_matrix([("a", "b"), ("b",)], ["a", "b"])
    result = score_classes(np.array([[0.9, 0.8], [0.1, 0.7]]), truth)
    assert result.accuracy is None and result.mean_ap == 1


def test_clips_of_one_class_have_cross_entropy_and_others_binary_cross_entropy():
    logits = torch.tensor([[2.0, -1.0]])
    assert class_loss(logits, torch.tensor([[1.0, 0.0]])) == pytest.approx(np.log1p(np.exp(-3)), rel=1e-5)
    both = -np.log(1 / (1 + np.exp(-2))) / 2 - np.log(1 / (1 + np.exp(1))) / 2
    assert class_loss(logits, torch.tensor([[1.0, 1.0]])) == pytest.approx(both, rel=1e-5)


def test_the_perceptron_has_the_layers_of_the_paper_and_the_probe_one():
    assert [tuple(p.shape) for p in make_head("mlp", 512, 10).parameters()] == [(1024, 512), (1024,), (10, 1024), (10,)]
    assert [tuple(p.shape) for p in make_head("linear", 512, 10).parameters()] == [(10, 512), (10,)]


def test_accuracy_is_the_share_of_clips_with_the_right_class():
    truth = class_matrix([("a",), ("b",), ("b",)], ["a", "b"])
    result = score_classes(np.array([[0.9, 0.8], [0.1, 0.7], [0.6, 0.2]]), truth)
    assert result.accuracy == pytest.approx(2 / 3) and result.n_clips == 3
    assert result.confusion.tolist() == [[1, 0], [1, 1]]
