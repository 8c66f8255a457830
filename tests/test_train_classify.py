"""Classification of a real run, by words and by classifiers."""

import numpy as np
import pytest
import torch

from tests.test_train_fit import trained
from tests.test_train_sounds import CLASSES, folder  # noqa: F401
from train.checkpoint import load_run
from train.classify import PROMPT, class_loss, outcome, read_labels, supervised, targets, zero_shot
from train.problem import BadInput


@pytest.fixture(scope="module")
def run():
    return load_run(trained()[0], torch.device("cpu"))


def test_the_prompt_is_the_published_one():
    assert PROMPT.format(label="dog") == "This is a sound of dog."


def test_zero_shot_on_shards_is_deterministic(run, tmp_path):
    one, two = (zero_shot(run, str(trained()[1]), "test", [], [PROMPT, "{label}"], tmp_path) for _ in range(2))
    assert one.labels == tuple(sorted(CLASSES)) and one.n_clips == 4
    assert one.accuracy == two.accuracy and one.mean_ap == two.mean_ap
    assert one.confusion.sum() == 4


def test_zero_shot_on_a_folder_of_class_folders(run, folder, tmp_path):  # noqa: F811
    found = zero_shot(run, str(folder), "test", [], [PROMPT], tmp_path)
    assert found.labels == ("hiss", "hum") and found.n_clips == 6


@pytest.mark.parametrize("how", ["linear", "mlp", "finetune"])
def test_a_classifier_learns_the_classes_of_the_train_split(run, how, tmp_path):
    torch.manual_seed(0)
    fresh = load_run(trained()[0], torch.device("cpu")) if how == "finetune" else run
    found = supervised(fresh, str(trained()[1]), "test", [], how, tmp_path, epochs=2)
    assert found.n_clips == 4 and found.accuracy is not None
    if how != "finetune":
        assert found.accuracy >= 0.5  # hum, hiss, chirp and clicks are easily told apart


def test_a_folder_is_parted_by_the_hash_of_names(run, folder, tmp_path):  # noqa: F811
    with pytest.raises(BadInput, match="too few sounds"):
        supervised(run, str(folder), "test", [], "linear", tmp_path)


def test_a_tag_that_is_no_label_is_named():
    with pytest.raises(BadInput, match="1 tags are not in the class list: cat"):
        targets([("dog",), ("cat",)], ["dog", "hum"])


def test_labels_are_read_from_lines_or_the_json_of_the_reference(tmp_path):
    (tmp_path / "a.txt").write_text("dog\n\n cat \n")
    (tmp_path / "a.json").write_text('{"cat": 1, "dog": 0}')
    assert read_labels(tmp_path / "a.txt") == read_labels(tmp_path / "a.json") == ["dog", "cat"]
    with pytest.raises(BadInput, match="is no file"):
        read_labels(tmp_path / "b.txt")


def test_clips_of_several_classes_have_no_accuracy_but_a_mean_average_precision():
    truth = targets([("a", "b"), ("b",)], ["a", "b"])
    found = outcome(np.array([[0.9, 0.8], [0.1, 0.7]]), truth, ["a", "b"])
    assert found.accuracy is None and found.mean_ap == 1


def test_the_loss_fits_the_kind_of_labels():
    logits = torch.tensor([[2.0, -1.0]])
    assert class_loss(logits, torch.tensor([[1.0, 0.0]])) == pytest.approx(np.log1p(np.exp(-3)), rel=1e-5)
    both = -np.log(1 / (1 + np.exp(-2))) / 2 - np.log(1 / (1 + np.exp(1))) / 2
    assert class_loss(logits, torch.tensor([[1.0, 1.0]])) == pytest.approx(both, rel=1e-5)
