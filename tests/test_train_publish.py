"""Publishing: the files of an exported folder reach the repository, and nothing goes anywhere without the user's consent."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import HfApi

from tests.exported import RATE, exported, own_embeddings, waveforms
from tests.hub_server import OWNER, TOKEN, Hub, hub_of_commands
from tests.train_runs import call
from train.errors import BadInput, Stopped
from train.hub.publish import publish, published_files

NAME = f"{OWNER}/clap"
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # huggingface_hub 2.4 to its HTTP client


@pytest.fixture
def hub(monkeypatch):
    with hub_of_commands(monkeypatch) as hub:
        yield hub


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_all_files_of_the_folder_reach_a_private_repository(hub):
    code, out, error = call("publish", exported("aff"), NAME, "--yes")
    assert not error
    assert code == 0
    assert hub.repositories == {NAME: content_of(exported("aff"))} and hub.private == {NAME: True}
    assert len(hub.stored) == 1  # the weights alone went by LFS
    assert out.splitlines()[-1] == f"sent: {hub.address}/{NAME}/commit/{'0' * 40}"


def test_a_repository_that_exists_keeps_its_other_files_and_a_second_time_changes_nothing(hub):
    hub.repositories[NAME] = {"examples.txt": b"mine", "README.md": b"older"}
    for _ in range(2):
        assert call("publish", exported("aff"), NAME, "--yes")[0] == 0
        assert hub.repositories[NAME] == {**content_of(exported("aff")), "examples.txt": b"mine"}
    assert hub.private == {}


@pytest.mark.parametrize(("options", "code"), [((), 2), (("--dry-run",), 0), (("--dry-run", "--yes"), 0)])
def test_without_consent_the_files_are_listed_and_no_request_is_made(hub, options, code):
    ended, out, error = call("publish", exported("aff"), NAME, *options)
    assert ended == code and hub.requests == []
    assert out.startswith(f"to {hub.address}/{NAME}:\n")
    sizes = {line.split()[-1]: line.split()[0] for line in out.splitlines()[1:-1]}
    assert sizes == {name: f"{len(content):,}" for name, content in content_of(exported("aff")).items()}
    assert "nothing was sent; --yes sends" in error or code == 0


@pytest.mark.parametrize("name", ["a/b/c", "me/", "../me/clap", "me/clap.git", "https://me/clap", ""])
def test_a_name_of_no_repository_is_bad_input(hub, name):
    code, out, error = call("publish", exported("aff"), name, "--yes")
    assert (code, out, hub.requests) == (2, "", []) and "is no name of a repository (OWNER/NAME)" in error


@pytest.mark.parametrize("content", [None, "{}", "[]", "not json", '{"feature_extractor_type": "ClapFeatureExtractor"}'])
def test_a_folder_that_export_did_not_write_is_bad_input(content, tmp_path, hub):
    (tmp_path / "secret.txt").write_text("mine")
    if content is not None:
        (tmp_path / "preprocessor_config.json").write_text(content)
    code, _, error = call("publish", tmp_path, NAME, "--yes")
    assert code == 2 and "is no exported folder; `export RUN" in error and hub.requests == []


def test_hidden_files_stay_here(tmp_path):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"feature_extractor_type": "FixedClapFeatureExtractor_1"}))
    for name in (".env", ".cache/huggingface/x", "__pycache__/feature_extraction.pyc", "README.md", "onnx/model.onnx"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert [file.name for file in published_files(tmp_path)] == ["README.md", "onnx/model.onnx", "preprocessor_config.json"]


def test_a_hub_that_refuses_is_named_with_what_to_do(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    code, _, error = call("publish", exported("aff"), NAME, "--yes")
    assert code == 1 and f"{hub.address} refused {NAME} (401)" in error and "hf auth login" in error
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    code, _, error = call("publish", exported("aff"), "somebody/clap", "--yes")
    assert code == 1 and "refused somebody/clap (403): You don't have the rights" in error
    assert hub.repositories == {}


@pytest.mark.parametrize("failing", ["validate-yaml", "preupload", "objects/batch", "/storage/", "/commit/"])
def test_a_failure_on_the_way_publishes_nothing_and_is_one_line(hub: Hub, failing):
    hub.failing = failing
    with pytest.raises(Stopped) as stopped:
        publish(exported("aff"), NAME, HfApi(endpoint=hub.address, token=TOKEN))
    assert "\n" not in str(stopped.value) and hub.address in str(stopped.value)
    assert hub.repositories == {NAME: {}}


def test_a_hub_that_cannot_be_reached_is_named():
    with pytest.raises(Stopped, match=r"nothing was published in me/clap, since http://127\.0\.0\.1:9 failed"):
        publish(exported("aff"), NAME, HfApi(endpoint="http://127.0.0.1:9", token=TOKEN))


def test_the_functions_themselves_check_their_input(tmp_path):
    with pytest.raises(BadInput, match="is no exported folder"):
        publish(tmp_path, NAME, HfApi(endpoint="http://127.0.0.1:9", token=TOKEN))


@pytest.mark.slow
def test_transformers_loads_the_published_model_from_the_hub(hub, tmp_path):
    environment = {**os.environ, "HF_ENDPOINT": hub.address, "HF_TOKEN": TOKEN, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}
    words = [sys.executable, "-m", "train", "publish", str(exported("aff")), NAME, "--yes"]
    assert subprocess.run(words, env=environment, capture_output=True).returncode == 0
    np.save(tmp_path / "clip.npy", waveforms()[4])
    code = f"""
import numpy as np
from transformers import AutoFeatureExtractor, ClapModel, ClapProcessor

AutoFeatureExtractor.from_pretrained({NAME!r}, trust_remote_code=True)
processor, model = ClapProcessor.from_pretrained({NAME!r}), ClapModel.from_pretrained({NAME!r}).eval()
inputs = processor(audio=[np.load({str(tmp_path / "clip.npy")!r})], sampling_rate={RATE}, return_tensors="pt")
np.save({str(tmp_path / "embedding.npy")!r}, model.get_audio_features(**inputs).pooler_output.detach().numpy())
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert np.abs(np.load(tmp_path / "embedding.npy") - own_embeddings("aff")[[4]]).max() <= 1e-5
