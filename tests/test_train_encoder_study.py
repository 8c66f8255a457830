"""The encoder study: every pair of towers is trained, scored and tabulated."""

import json
from dataclasses import replace

import pytest

from tests.train_runs import TINY, environment, trained
from train import encoder_study
from train.encoder_study import AUDIO, TEXT, compare_encoders, study_table

PAIRS = ["htsat-tiny-clip", "htsat-tiny-bert", "htsat-tiny-roberta", "cnn14-clip", "cnn14-bert", "cnn14-roberta"]


def test_the_study_has_the_six_pairs_of_the_paper():
    assert [f"{audio}-{text}" for audio in AUDIO for text in TEXT] == PAIRS


def study(tmp_path, lines):
    recipe = replace(TINY, steps=1, valid_every=1)
    return compare_encoders(str(trained()[1]), recipe, replace(environment(tmp_path, lines), output=tmp_path / "study"))


def test_a_pair_is_trained_once_and_its_scores_are_those_of_its_run(tmp_path, monkeypatch):
    monkeypatch.setattr(encoder_study, "AUDIO", ("cnn14",))
    monkeypatch.setattr(encoder_study, "TEXT", ("bert",))
    lines: list[str] = []
    scores = study(tmp_path, lines)
    assert list(scores) == ["cnn14-bert"] and (scores["cnn14-bert"]["n_clips"], scores["cnn14-bert"]["n_broken"]) == (4, 0)
    assert json.loads((tmp_path / "study" / "scores.json").read_text()) == scores
    saved = json.loads((tmp_path / "study" / "cnn14-bert" / "run.json").read_text())["recipe"]
    assert (saved["audio"], saved["text"]) == ("cnn14", "bert")
    assert lines[0] == "cnn14 with bert" and not any("nothing to do" in line for line in lines)
    assert study(tmp_path, lines) == scores
    assert any("nothing to do" in line for line in lines)


@pytest.mark.slow
def test_all_pairs_are_trained(tmp_path):
    assert list(study(tmp_path, [])) == PAIRS


def test_the_table_has_a_row_for_each_pair():
    both = {way: {"R@1": base + 0.01, "R@10": base + 0.1, "mAP@10": base + 0.05} for way, base in (("t2a", 0.2), ("a2t", 0.4))}
    head, row = study_table({"cnn14-bert": both}).splitlines()
    assert head.split() == ["towers", "t2a", "R@1", "t2a", "R@10", "t2a", "mAP@10", "a2t", "R@1", "a2t", "R@10", "a2t", "mAP@10"]
    assert row.split() == ["cnn14-bert", "0.210", "0.300", "0.250", "0.410", "0.500", "0.450"]
