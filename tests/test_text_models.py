"""Models load, or say what to do: those that are missing, that write no text, or that lack a tokenizer or a chat template."""

from __future__ import annotations

import json
import re

import pytest

from augment.tables import rows
from augment.text_models import digest, form_of, known_forms, load

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the libraries, while they are imported


def word_level(more=()):
    """Return a real tokenizer of whole words."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({word: index for index, word in enumerate(["<pad>", "</s>", "<unk>", "dog", *more])}, "<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


def test_the_digest_changes_with_the_content_and_not_with_the_folder(tmp_path):
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}" if name != "three" else "{ }")
        (tmp_path / name / "README.md").write_text(name)
    assert digest(tmp_path / "one") == digest(tmp_path / "two") != digest(tmp_path / "three")


def test_the_digest_changes_with_every_file_that_decides_the_output_and_with_its_name(tmp_path):
    digests = [digest(tmp_path)]
    for name in ("config.json", "model.safetensors", "spiece.model", "pytorch_model.bin", "merges.txt"):
        (tmp_path / name).write_text(name)
        digests.append(digest(tmp_path))
    (tmp_path / "merges.txt").rename(tmp_path / "vocab.txt")
    digests.append(digest(tmp_path))
    assert len(set(digests)) == len(digests) == 7


def test_a_name_that_is_neither_folder_nor_hub_id_says_what_to_give(tmp_path):
    pytest.importorskip("transformers")
    for name in (str(tmp_path / "nowhere"), "./here", "t5", ".hidden/t5", "a/b/c", "owner/na me"):
        with pytest.raises(ValueError, match=r"no such folder; give the folder of a model, or a hub id such as mrm8488/"):
            load(name)


def test_a_folder_without_a_model_says_so(tmp_path):
    pytest.importorskip("transformers")
    with pytest.raises(ValueError, match=r"no config\.json in it"):
        load(str(tmp_path))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "vit"}, "a vit model, which writes no text for a prompt; give a sequence-to-sequence model such as mrm8488/"),
        ({"model_type": "whisper"}, "a whisper model, which writes no text for a prompt"),
        ({"model_type": "clap"}, "a clap model, which writes no text for a prompt"),
        ({"model_type": "nonsense"}, "its config.json names no model that transformers knows"),
        ({}, "its config.json names no model that transformers knows"),
        ({"model_type": "t5"}, "no tokenizer in it; fetch the model again with its tokenizer"),
        ({"model_type": "llama"}, "no tokenizer in it"),
    ],
)
def test_a_model_that_writes_no_text_or_has_no_tokenizer_says_what_is_needed(config, message, tmp_path):
    pytest.importorskip("transformers")
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=re.escape(message)):
        load(str(tmp_path))


def test_a_broken_config_or_a_chat_template_alone_says_what_is_needed(tmp_path):
    pytest.importorskip("transformers")
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}")
    with pytest.raises(ValueError, match=r"no config\.json in it"):
        load(str(tmp_path))
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"its config\.json names no model that transformers knows"):
        load(str(tmp_path))


def test_a_broken_tokenizer_and_missing_weights_say_to_fetch_them_again(tmp_path):
    pytest.importorskip("transformers")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "t5"}))
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ValueError, match=r"its tokenizer is missing or broken .* fetch the model again with its tokenizer"):
        load(str(tmp_path))
    word_level().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"its weights are missing or broken .* fetch the model again"):
        load(str(tmp_path))


def test_a_model_that_goes_on_with_any_text_needs_a_chat_template(tmp_path):
    pytest.importorskip("transformers")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    word_level().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"a gpt2 model without a chat template, which goes on with any text; give a sequence-to-sequence"):
        load(str(tmp_path))


def test_known_models_have_a_prompt_with_one_place_for_keywords():
    assert all(form.prompt.count("{}") == 1 and form.between for form in known_forms().values())
    assert {len(row) for row in rows("caption_models")} == {5}
    assert form_of("owner/flan-t5-small@main") == known_forms()["flan-t5-small"]


def test_an_unreachable_hub_says_how_to_bring_the_model(monkeypatch, tmp_path):
    pytest.importorskip("transformers")
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ValueError, match=r"nobody/nothing: the hub cannot be reached .*hf download nobody/nothing --local-dir FOLDER"):
        load("nobody/nothing")
    with pytest.raises(ValueError, match=r"nobody/nothing@v1: the hub cannot be reached .*hf download nobody/nothing --local-dir"):
        load("nobody/nothing@v1")
