"""The command line of the trainer: every verb on a trained run, exit codes, messages."""

import importlib.util
import json
import math
import shutil
import subprocess
import sys
import tomllib

import numpy as np
import pytest
import torch
from PIL import Image

import train.towers.model
from tests.train_runs import call, trained
from train.loop.log import read_log
from train.recipe_keys import keys_help


def test_fit_then_evaluate(tmp_path):
    _, shards = trained()
    changes = ("--set", "batch=4", "lr=1e-3", "--steps", 2, "--cache", tmp_path / "cache")
    assert call("fit", shards, "--output", tmp_path / "run", *changes)[0] == 0
    code, out, _ = call("evaluate", tmp_path / "run", shards, "--json")
    assert code == 0
    assert set(json.loads(out)["datasets"]["First"]) >= {"t2a", "a2t", "n_clips", "n_captions", "intervals"}
    assert "R@10" in call("evaluate", tmp_path / "run", shards, "--split", "valid")[1]


def test_classify_embed_search_and_export(tmp_path):
    run, shards = trained()
    code, out, _ = call("classify", run, shards, "--json")
    assert code == 0 and json.loads(out)["n_classes"] == 4
    with Image.open(run / "confusion-zero-shot.png") as image:
        assert image.width > 100
    assert call("embed", run, "--shards", shards, "--output", tmp_path / "x.npz") == (0, f"24 embeddings in {tmp_path / 'x.npz'}", "")
    assert np.load(tmp_path / "x.npz")["embeddings"].shape == (24, 512)
    assert len(call("search", run, "a hum", "--in", shards, "-k", 3)[1].splitlines()) == 3
    code, out, _ = call("export", run, tmp_path / "out")
    assert code == 0 and out.startswith(f"{tmp_path / 'out'}: embeddings equal those of {run}")
    assert (tmp_path / "out" / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("fit", "nowhere", "--output", "run"), "nowhere is no folder"),
        (("fit", ".", "--output", "run", "--recipe", "huge"), "no recipe 'huge'"),
        (("fit", ".", "--output", "run", "--set", "x=1"), "unknown key 'x'"),
        (("fit", ".", "--output", "run", "--device", "abacus"), "--device abacus: "),
        (("evaluate", "norun", "."), "no samples of split 'test'"),
        (("embed", "norun", "--text", "x", "--output", "x.txt"), ".npz and .parquet are"),
        (("embed", "norun", "--text", "nolines", "--output", "x.npz"), "nolines is no file"),
        (("embed", "norun", "--shards", "nowhere", "--output", "x.npz"), "norun holds no run"),
        (("export", "norun", "out"), "norun holds no run"),
        (("classify", "norun", ".", "--prompt", "a sound"), "should have {label}"),
        (("search", "norun", " ", "--in", "."), "WORDS is blank"),
    ],
)
def test_bad_input_ends_with_code_2_and_a_message(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, error = call(*words)
    assert code == 2 and message in error


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("classify", "{run}", "{shards}", "--labels", "{labels}"), "1 tags are not in the class list: clicks"),
        (("classify", "{run}", "{shards}", "--labels", "nolabels"), "nolabels is no file"),
        (("classify", "{run}", "{shards}", "--split", "valid", "--supervised", "linear", "--labels", "{labels}"), "not in the class list"),
        (("evaluate", "{run}", "{shards}", "--split", "other"), "no samples of split 'other'"),
        (("search", "{run}", "a hum", "--in", "nowhere"), "nowhere is no folder"),
        (("embed", "{run}", "--text", "{latin}", "--output", "{new}.npz"), "latin is no UTF-8 text"),
        (("classify", "{run}", "{shards}", "--labels", "{latin}"), "latin is no UTF-8 text"),
        (("fit", "{shards}", "--output", "{labels}", "--set", "batch=4"), "labels is a file; give a folder"),
        (("fit", "{shards}", "--output", "{new}", "--set", "batch=64"), "has 16 training samples, fewer than a batch of 64"),
        (("fit", "{shards}", "--output", "{new}", "--set", "batch=4", "text_weights={new}"), "no tokenizer could be loaded"),
        (("fit", "{shards}", "--output", "{new}", "--set", "batch=4", "text_weights={text}", "context=90"), "context = 90, but the text"),
        (("fit", "{shards}", "--output", "{new}", "--set", "batch=4", "text_weights={text}", "text=bert"), "the recipe asks for 'bert'"),
        (("fit", "{shards}", "--output", "{new}", "--set", "batch=4", "audio_weights={labels}"), "is no readable checkpoint"),
        (("fit", "{shards}", "--output", "{new}", "--set", "batch=4", "audio_weights={other}"), "none of the known layouts"),
    ],
)
def test_bad_input_is_reported_before_a_model_is_built(words, message, tmp_path, monkeypatch):
    run, shards = trained()
    (tmp_path / "labels").write_text("hum\nhiss\nchirp\n")
    (tmp_path / "latin").write_bytes(b"caf\xe9\n")
    torch.save({"weights": torch.zeros(1)}, tmp_path / "other")
    shutil.copytree(run / "text", tmp_path / "text")
    shutil.copytree(run / "tokenizer", tmp_path / "text", dirs_exist_ok=True)
    paths = {"run": run, "shards": shards, "new": tmp_path / "new", **{n: tmp_path / n for n in ("labels", "latin", "other", "text")}}
    monkeypatch.setattr(train.towers.model.Clap, "__init__", None)  # building one would fail
    code, _, error = call(*(word.format(**paths) for word in words), "--cache", tmp_path)
    assert code == 2 and message in error
    assert not (tmp_path / "new").exists()


def test_compiling_without_a_compiler_is_bad_input(tmp_path):
    from torch._inductor import config

    with config.patch({"cpp.cxx": (None, "no-such-compiler")}):
        code, _, error = call("fit", trained()[1], "--output", tmp_path / "run", "--compile", "--set", "batch=4")
    assert code == 2 and "compile needs a C++ compiler, and there is no no-such-compiler" in error


def test_wandb_that_is_not_installed_is_bad_input(tmp_path, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "wandb" else find_spec(name, *more))
    code, _, error = call("fit", trained()[1], "--output", tmp_path / "run", "--set", "batch=4", "wandb=x")
    assert code == 2 and "wandb is not installed" in error


@pytest.mark.slow
def test_compiled_towers_train(tmp_path):
    words = [sys.executable, "-m", "train", "fit", str(trained()[1]), "--output", str(tmp_path / "run"), "--cache", str(tmp_path)]
    done = subprocess.run([*words, "--compile", "--steps", "1", "--set", "batch=4"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert read_log(tmp_path / "run")[0]["loss"] == pytest.approx(math.log(4), abs=0.5)


@pytest.mark.slow
def test_two_processes_of_torchrun_leave_one_run(tmp_path):
    words = ["train", "fit", str(trained()[1]), "--cache", str(tmp_path), "--steps", "2", "--set", "batch=4"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    done = subprocess.run([*torchrun, *words, "--output", str(tmp_path / "run")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("16 clips, 2 steps of 4") == 1
    assert [event["step"] for event in read_log(tmp_path / "run") if "loss" in event] == [1, 2]


def test_a_stopped_run_has_code_1(tmp_path):
    words = ("--set", "batch=4", "lr=1e41", "clip_norm=0", "--steps", 4)
    code, _, error = call("fit", trained()[1], "--output", tmp_path / "run", *words)
    assert code == 1 and "step 1: the weights" in error


@pytest.mark.parametrize("words", [(), ("nowhere",), ("--output", "run")])
def test_fit_without_shards_or_output_says_what_is_needed(words):
    assert call("fit", *words)[0] == 2 and "fit needs SHARDS and --output RUN" in call("fit", *words)[2]


def test_a_recipe_is_shown_with_its_changes_and_nothing_is_trained(tmp_path):
    code, out, _ = call("fit", "--set", "batch=4", "--show-recipe", "--recipe", "paper-ac-cl", "--steps", 7)
    recipe = tomllib.loads(out)
    assert code == 0 and (recipe["batch"], recipe["steps"], recipe["text_weights"], recipe["seed"]) == (4, 7, "roberta-base", 3407)


def test_the_help_of_fit_lists_the_keys(capsys):
    with pytest.raises(SystemExit):
        call("fit", "--help")
    assert keys_help() in capsys.readouterr().out


def test_help_does_not_import_torch():
    code = "import sys; from train.command import parser; parser(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_module_can_be_run():
    done = subprocess.run([sys.executable, "-m", "train"], capture_output=True, text=True)
    assert done.returncode == 2 and "VERB" in done.stderr


@pytest.mark.parametrize("words", [("search", "run", "a hum", "--in", ".", "-k", "-1"), ("fit", ".", "--output", "run", "--cache-gb", "0")])
def test_a_number_below_one_is_refused(words, capsys):
    with pytest.raises(SystemExit):
        call(*words)
    assert "give an integer from 1 on" in capsys.readouterr().err


def test_a_name_that_wandb_refuses_is_bad_input(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    code, _, error = call("fit", trained()[1], "--output", tmp_path / "run", "--cache", tmp_path, "--set", "batch=4", "wandb=a/b")
    assert code == 2 and error.startswith("python -m train: wandb = 'a/b': ") and "\n" not in error
