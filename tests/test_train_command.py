"""The command line: every verb on a real run, exit codes, messages."""

import ast
import doctest
import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import train
from tests.test_train_fit import trained
from train.command import main


def call(*words: object) -> tuple[int, str, str]:
    out: list[str] = []
    complaints: list[str] = []
    code = main([str(w) for w in words], out.append, complaints.append)
    return code, "\n".join(out), "\n".join(complaints)


def test_fit_then_evaluate(tmp_path):
    _, shards = trained()
    changes = ("--set", "batch=4", "lr=1e-3", "--steps", 2, "--cache", tmp_path / "cache")
    assert call("fit", shards, "--output", tmp_path / "run", *changes)[0] == 0
    code, out, _ = call("evaluate", tmp_path / "run", shards, "--json")
    assert code == 0
    assert set(json.loads(out)) >= {"t2a", "a2t", "n_clips", "n_captions"}
    assert "R@10" in call("evaluate", tmp_path / "run", shards, "--split", "valid")[1]


def test_classify_embed_search_and_export(tmp_path):
    run, shards = trained()
    code, out, _ = call("classify", run, shards, "--json")
    assert code == 0 and json.loads(out)["n_classes"] == 4
    with Image.open(run / "confusion-zero-shot.png") as image:
        assert image.width > 100
    assert call("embed", run, "--shards", shards, "--output", tmp_path / "x.npz")[0] == 0
    assert np.load(tmp_path / "x.npz")["embeddings"].shape == (24, 512)
    assert len(call("search", run, "a hum", "--in", shards, "-k", 3)[1].splitlines()) == 3
    assert call("export", run, tmp_path / "out")[0] == 0
    assert (tmp_path / "out" / "model.safetensors").exists()


@pytest.mark.slow
def test_compare_trains_and_tabulates_every_pair(tmp_path):
    _, shards = trained()
    words = ("compare", shards, "--output", tmp_path, "--steps", 1, "--set", "batch=4", "valid_every=1")
    code, out, _ = call(*words)
    assert code == 0
    assert {line.split()[0] for line in out.splitlines()} >= {
        f"{a}-{t}" for a in ("htsat-tiny", "cnn14") for t in ("clip", "bert", "roberta")
    }
    assert set(json.loads((tmp_path / "scores.json").read_text())) == {
        line.split()[0] for line in out.splitlines() if "-" in line.split()[0]
    }
    assert "nothing to do" in call(*words)[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("fit", "nowhere", "--output", "run"), "nowhere is no folder"),
        (("fit", ".", "--output", "run", "--recipe", "huge"), "no recipe 'huge'"),
        (("fit", ".", "--output", "run", "--set", "x=1"), "unknown key 'x'"),
        (("evaluate", "norun", "."), "no samples of split 'test'"),
        (("embed", "norun", "--text", "x", "--output", "x.txt"), ".npz and .parquet are known"),
        (("export", "norun", "out"), "norun holds no run"),
        (("classify", "norun", ".", "--labels", "nolabels"), "nolabels is no file"),
    ],
)
def test_bad_input_is_said_with_code_2(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, complaint = call(*words)
    assert code == 2 and message in complaint


def test_a_stopped_run_has_code_1(tmp_path):
    words = ("--set", "batch=4", "lr=inf", "clip_norm=0", "--steps", 4)
    code, _, complaint = call("fit", trained()[1], "--output", tmp_path / "run", *words)
    assert code == 1 and "the loss of step" in complaint


def test_help_needs_no_heavy_import():
    code = "import sys; from train.command import parser; parser(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_module_can_be_run():
    done = subprocess.run([sys.executable, "-m", "train"], capture_output=True, text=True)
    assert done.returncode == 2 and "VERB" in done.stderr


@pytest.mark.parametrize("name", [m.name for m in pkgutil.iter_modules(train.__path__) if m.name != "__main__"])
def test_examples_in_docstrings_run(name):
    assert doctest.testmod(importlib.import_module(f"train.{name}")).failed == 0


def test_the_trainer_imports_nothing_of_the_pipeline():
    trees = [ast.parse(path.read_text()) for path in Path(train.__path__[0]).glob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    barred = {"pipeline", "transforms", "sources", "augment", "apache_beam", "torchvision", "torchaudio", "timm", "lightning"}
    assert len(trees) > 20 and not {name.partition(".")[0] for name in names} & barred
