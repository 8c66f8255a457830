"""Keywords become prompts and captions; models load or say what to do; batches fit into the memory."""

from __future__ import annotations

import json
import warnings
from types import SimpleNamespace

import pytest

from augment.keyword_to_caption import Model, T5Settings, candidates, digest, generate, load, prompt, sentence


@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        ([], ""),
        (["", "_"], ""),
        (["Dog"], "dog"),
        (["Dog", "Bark"], "dog | bark"),
        (["Dog", "dog", "DOG_BARK"], "dog | dog bark"),
        (["p.a.", "44.1 kHz"], "pa | 441 kHz"),
        (["Gunshot, gunfire", "Telephone dialing, DTMF"], "gunshot | telephone dialing"),
        (["Ambulance (siren)"], "ambulance"),
        (["a|b", "c/d"], "a b | c"),
        (["one\ntwo\tthree"], "one two three"),
    ],
)
def test_keywords_cannot_split_the_prompt(keywords, text):
    assert prompt(keywords) == text


def test_prompt_takes_prefix_and_separator_from_the_settings():
    assert prompt(["Dog", "Rain"], T5Settings(prefix="say: ", separator=", ")) == "say: dog, rain"
    assert prompt([], T5Settings(prefix="say: ")) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ""), (" a  dog ", "A dog."), ("A dog!", "A dog!"), ("a\ndog.", "A dog."), ("a dog?", "A dog?"), ("ab", "Ab.")],
)
def test_generated_text_becomes_a_sentence(text, expected):
    assert sentence(text) == expected


class Letters:
    """A tokenizer with one token a letter; it records the batches and the options that it is given."""

    def __init__(self):
        self.batches: list[list[str]] = []
        self.options: dict = {}

    def __call__(self, text, **options):
        if isinstance(text, str):
            return SimpleNamespace(input_ids=list(text))
        self.batches.append(text)
        self.options = options
        encoded = SimpleNamespace(input_ids=text, attention_mask=None)
        encoded.to = lambda device: encoded
        return encoded

    def batch_decode(self, tokens, skip_special_tokens):
        assert skip_special_tokens
        return tokens


class Echo:
    """A network that returns its prompt, and has memory for `room` prompts at a time; it records its options."""

    device = "cpu"

    def __init__(self, room, error):
        self.room, self.error = room, error
        self.options: dict = {}

    def generate(self, input_ids, num_return_sequences, **options):
        self.options = options
        if len(input_ids) > self.room:
            raise self.error
        return [f"{text} is heard{' again' * number}" for text in input_ids for number in range(num_return_sequences)]


def echo(room: int, error: Exception | None = None) -> Model:
    """Return a model that returns its prompt as caption."""
    return Model("echo", "0", Letters(), Echo(room, error or RuntimeError("CUDA out of memory.")))


def test_captions_are_in_the_order_of_their_keywords_and_each_distinct_set_is_captioned_once():
    pytest.importorskip("torch")
    model = echo(8)
    sets = [["rain"], [], ["dog", "bark"], ["rain"], ["Rain"], ["a very long keyword"]]
    assert generate(model, sets, T5Settings(batch=2)) == [
        "Rain is heard.",
        "",
        "Dog | bark is heard.",
        "Rain is heard.",
        "Rain is heard.",
        "A very long keyword is heard.",
    ]
    assert model.tokenizer.batches == [["a very long keyword", "dog | bark"], ["rain"]]


def test_candidates_are_in_the_order_of_their_keywords_with_the_best_first():
    pytest.importorskip("torch")
    texts = candidates(echo(8), [["dog"], [], ["rain"]], T5Settings(candidates=2))
    assert texts == [["Dog is heard.", "Dog is heard again."], [], ["Rain is heard.", "Rain is heard again."]]


def test_there_are_no_more_candidates_than_beams():
    pytest.importorskip("torch")
    texts = candidates(echo(8), [["dog"], ["rain"]], T5Settings(beams=1, candidates=4))
    assert texts == [["Dog is heard."], ["Rain is heard."]]


def test_a_batch_too_large_for_the_memory_is_halved():
    pytest.importorskip("torch")
    model = echo(2, error=RuntimeError("DefaultCPUAllocator: can't allocate memory"))
    sets = [[f"sound {index:02}"] for index in range(7)]
    assert generate(model, sets, T5Settings(batch=7)) == [f"Sound {index:02} is heard." for index in range(7)]
    assert max(map(len, model.tokenizer.batches[1:])) == 4 and min(map(len, model.tokenizer.batches)) == 1


@pytest.mark.parametrize("error", [RuntimeError("out of memory"), MemoryError(), RuntimeError("shapes do not match")])
def test_an_error_that_smaller_batches_do_not_prevent_is_raised(error):
    pytest.importorskip("torch")
    model = echo(0, error=error)
    with pytest.raises(type(error)):
        generate(model, [["rain"], ["dog"]], T5Settings())
    halved = "shapes" not in str(error)
    assert model.tokenizer.batches == [["rain", "dog"], ["rain"]][: 1 + halved]


def test_the_search_has_the_settings_and_no_chance():
    pytest.importorskip("torch")
    model = echo(8)
    generate(model, [["rain"]], T5Settings(beams=3, length_penalty=0.5, no_repeat_ngram=2, max_new_tokens=7))
    search = {"num_beams": 3, "length_penalty": 0.5, "no_repeat_ngram_size": 2, "max_new_tokens": 7}
    assert model.network.options == {**search, "early_stopping": True, "do_sample": False, "attention_mask": None}
    assert model.tokenizer.options == {"return_tensors": "pt", "padding": True, "truncation": True, "max_length": 128}
    generate(model, [["rain"]], T5Settings(beams=1))
    assert (model.network.options["length_penalty"], model.network.options["early_stopping"]) == (None, False)


def test_defaults_are_those_that_the_documentation_gives():
    assert T5Settings().generation == (4, 4, 1.5, 3, 40, 32, "", " | ")
    assert T5Settings(beams=2).generation[:2] == (2, 2)
    assert (T5Settings().min_seconds, T5Settings().max_keywords, T5Settings().only) == (2.0, 8, ("audioset", "epidemic"))


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
        with pytest.raises(ValueError, match=r"no such folder; give the folder of a T5, or a hub id such as mrm8488/"):
            load(name)


def test_a_folder_without_a_model_says_so(tmp_path):
    pytest.importorskip("transformers")
    with pytest.raises(ValueError, match=r"no config\.json in it"):
        load(str(tmp_path))


def test_a_model_that_is_no_t5_says_what_is_needed(tmp_path):
    pytest.importorskip("transformers")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ValueError, match=r"a bert model, and captions need a T5"):
        load(str(tmp_path))


def test_a_t5_without_weights_says_to_fetch_it_again(tmp_path):
    pytest.importorskip("transformers")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "t5"}))
    with pytest.raises(ValueError, match=r"weights or tokenizer are missing or broken .* fetch the model again"):
        load(str(tmp_path))


def test_an_unreachable_hub_says_how_to_bring_the_model(monkeypatch, tmp_path):
    pytest.importorskip("transformers")
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ValueError, match=r"nobody/nothing: the hub cannot be reached .*hf download nobody/nothing --local-dir FOLDER"):
        load("nobody/nothing")
    with pytest.raises(ValueError, match=r"nobody/nothing@v1: the hub cannot be reached .*hf download nobody/nothing --local-dir"):
        load("nobody/nothing@v1")


@pytest.fixture(scope="module")
def tiny_t5(tmp_path_factory):
    """Return the folder of a T5 with random weights and a tokenizer of whole words."""
    pytest.importorskip("transformers")
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    torch.manual_seed(0)
    vocabulary = {
        word: index
        for index, word in enumerate(["<pad>", "</s>", "<unk>", "|", "dog", "rain", "bark", "siren", "a", "the", "loud", "sound"])
    }
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    folder = tmp_path_factory.mktemp("tiny-t5")
    T5ForConditionalGeneration(T5Config(vocab_size=len(vocabulary), decoder_start_token_id=0, **sizes)).save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>").save_pretrained(folder)
    return folder


def test_a_real_t5_writes_the_same_captions_every_time(tiny_t5):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the libraries, on their way in
        model = load(str(tiny_t5))
    assert model.digest == digest(tiny_t5) and "network" not in repr(model)
    sets = [["Dog", "Bark"], [], ["Rain"], ["Siren", "loud", "sound"]]
    captions = generate(model, sets, T5Settings(max_new_tokens=6, batch=2))
    assert captions == generate(model, sets, T5Settings(max_new_tokens=6, batch=2))
    assert captions[1] == "" and len(captions) == 4
