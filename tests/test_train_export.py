"""Exported folders: what is in them, and which folders and runs are refused."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from tests.exported import CardFacts, exported, make_model, run_of
from tests.train_runs import TINY, call, environment, trained
from train.errors import BadInput
from train.export import export
from train.fit import fit
from train.hub.carried import carried_code


def test_the_folder_holds_weights_tokenizer_extractor_and_card():
    names = {path.name for path in exported("aff").iterdir()}
    expected = {"config.json", "model.safetensors", "preprocessor_config.json", "README.md", *carried_code().sources}
    assert names == {*expected, "tokenizer.json", "tokenizer_config.json"}


def test_exporting_again_gives_the_same_bytes(tmp_path):
    shutil.copytree(exported("aff"), tmp_path / "clap-aff")
    export(run_of("aff"), tmp_path / "clap-aff", CardFacts())
    first = {path.name: path.read_bytes() for path in exported("aff").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "clap-aff").iterdir()} == first


def test_texts_are_cut_where_training_cut_them(tmp_path):
    run = replace(run_of("none"), recipe=replace(run_of("none").recipe, context=9))
    before = run.tokenizer.model_max_length
    export(run, tmp_path / "out", CardFacts())
    assert len(AutoTokenizer.from_pretrained(tmp_path / "out")("wind " * 20, truncation=True)["input_ids"]) == 9
    assert run.tokenizer.model_max_length == before


def test_a_card_that_somebody_rewrote_is_left_as_it_is(tmp_path):
    folder = tmp_path / "clap-aff"
    shutil.copytree(exported("aff"), folder)
    (folder / "README.md").write_text("my card")
    (folder / "model.safetensors").unlink()
    export(run_of("aff"), folder, CardFacts())
    assert (folder / "README.md").read_text() == "my card" and (folder / "model.safetensors").exists()


@pytest.mark.parametrize("content", ["README.md", "preprocessor_config.json", "notes/mine.txt"])
def test_a_folder_with_other_files_is_refused_and_stays_as_it_is(tmp_path, content):
    path = tmp_path / "out" / content
    path.parent.mkdir(parents=True)
    path.write_text('{"feature_extractor_type": "ClapFeatureExtractor"}')
    with pytest.raises(BadInput, match="has other files; give a new folder"):
        export(run_of("aff"), tmp_path / "out", CardFacts())
    assert [p for p in (tmp_path / "out").rglob("*") if p.is_file()] == [path]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(BadInput, match="has other files"):
        export(run_of("aff"), tmp_path / "out", CardFacts())


@pytest.mark.parametrize("value", [1.0, np.nan])
def test_a_folder_that_gives_other_embeddings_is_refused(tmp_path, value):
    class Different(torch.nn.Module):
        def forward(self, x):
            return x + value

    run = replace(run_of("aff"), model=make_model())
    run.model.audio_projection.register_forward_hook(lambda module, inputs, output: Different()(output))
    with pytest.raises(BadInput, match="gives other embeddings than this trainer"):
        export(run, tmp_path / "out", CardFacts())
    assert not (tmp_path / "out" / "README.md").exists()


@pytest.mark.parametrize(("audio", "n_reported"), [("cnn14", 1), ("htsat-tiny", 0)])
def test_a_run_that_cannot_be_exported_says_so_before_its_first_step(tmp_path, monkeypatch, audio, n_reported):
    shards, lines = trained()[1], []
    monkeypatch.setattr("train.fit.train", lambda training: lines.append("the first step"))
    fit(str(shards), replace(TINY, audio=audio), environment(tmp_path, lines))
    reported = [i for i, line in enumerate(lines) if line.startswith("this run cannot be exported: transformers' ClapModel is HTSAT")]
    assert len(reported) == n_reported and all(i < lines.index("the first step") for i in reported)


def test_the_command_writes_a_card_with_the_scores_and_data_of_the_run(tmp_path):
    run, shards = trained()
    (tmp_path / "esc50.json").write_text(json.dumps({"how": "zero-shot", "accuracy": 0.125, "n_clips": 8}))
    code, out, _ = call("export", run, tmp_path / "out", "--scores", tmp_path / "esc50.json")
    assert code == 0 and out.startswith(f"{tmp_path / 'out'}: embeddings equal those of {run} within")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| First | 12 | not recorded | not recorded (12) |" in card and "| Second | 4 |" in card
    assert "**valid, by which step" in card and "| t2a/mAP@10 |" in card
    assert "**esc50**\n\n| score | value |\n|---|---|\n| accuracy | 0.125 |\n| n_clips | 8 |" in card
    assert str(shards) not in card and str(run) not in card


@pytest.mark.parametrize(
    ("words", "content", "message"),
    [
        (("--scores", "scores.json"), None, "--scores scores.json cannot be read"),
        (("--scores", "scores.json"), "no json", "--scores scores.json cannot be read"),
        (("--scores", "scores.json"), "[]", "--scores scores.json holds no scores"),
        (("--scores", "scores.json"), '{"R@1": "high"}', "--scores scores.json holds no scores"),
        (("--shards", "nowhere"), None, "nowhere is no folder"),
        ((), "mine", "out has other files"),
    ],
)
def test_bad_input_ends_with_code_2_before_the_model_is_built(tmp_path, monkeypatch, words, content, message):
    run = trained()[0]
    monkeypatch.chdir(tmp_path)
    if content is not None:
        path = tmp_path / ("scores.json" if words else "out/mine")
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    monkeypatch.setattr("train.towers.model.Clap.__init__", None)  # building one would fail
    code, _, error = call("export", run, "out", *words)
    assert code == 2 and message in error
    assert not (tmp_path / "out" / "config.json").exists()
