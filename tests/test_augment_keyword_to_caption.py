"""Keywords become prompts and captions; models load or say what to do; batches fit into the memory."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from augment.keyword_to_caption import T5Settings, candidates, generate, keywords_of, prompt, sentence
from augment.text_models import Model, load
from tests.tiny_t5 import make_chat, make_t5


@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        ([], ""),
        (["", "_"], ""),
        (["Dog"], "dog"),
        (["Dog", "Rain"], "dog rain"),
        (["Dog", "dog", "DOG_BARK"], "dog dog bark"),
        (["p.a.", "44.1 kHz"], "pa 441 khz"),
        (["Gunshot, gunfire", "Telephone dialing, DTMF"], "gunshot telephone dialing"),
        (["Ambulance (siren)"], "ambulance"),
        (["a|b", "c/d"], "a b c"),
        (["one\ntwo\tthree"], "one two three"),
        (["Animal", "Dog", "Bark"], "bark"),
        (["Inside, small room", "Outside, rural or natural"], "small room outside"),
    ],
)
def test_keywords_cannot_split_the_prompt(keywords, text):
    assert prompt(keywords) == text


def test_prompt_takes_prefix_and_separator_from_the_settings():
    assert prompt(["Dog", "Rain"], T5Settings(prefix="say: ", separator=", ")) == "say: dog, rain"
    assert prompt([], T5Settings(prefix="say: ")) == ""


def test_prompt_is_that_of_the_model_unless_the_settings_have_one():
    assert prompt(["Dog", "Rain"], T5Settings(model="/models/flan-t5-small")).endswith("these words: dog, rain")
    assert prompt(["Dog", "Rain"], T5Settings(model="unknown", separator=" | ")) == "dog | rain"


def test_equal_prompts_are_about_equal_keywords():
    assert keywords_of(["Gunshot"]) == keywords_of(["Gunshot, gunfire"]) == ("Gunshot, gunfire",)
    assert keywords_of(["my label", "Dog", "Animal"]) == ("my label", "Dog")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ""), (" a  dog ", "A dog."), ("A dog!", "A dog!"), ("a\ndog.", "A dog."), ("a dog?", "A dog?"), ("ab", "Ab.")],
)
def test_generated_text_becomes_a_sentence(text, expected):
    assert sentence(text) == expected


pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the libraries, while they are imported
SETS = [["Bark", "Dog"], [], ["Rain"], ["Male speech, man speaking", "Rain"], ["Thunder"], ["Siren"], ["Rain", "Siren"], ["Dog", "Hum"]]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Model:
    pytest.importorskip("transformers")
    return load(str(make_t5(tmp_path_factory.mktemp("tiny") / "tiny")))


def test_captions_are_in_the_order_of_their_keywords_and_name_them(tiny):
    captions = generate(tiny, SETS[:4], T5Settings(batch=2, max_new_tokens=10))
    assert captions == ["A dog barks .", "", "Rain is falling .", "A man speaks in the rain ."]


def test_the_texts_of_a_prompt_do_not_depend_on_its_batch(tiny):
    settings = T5Settings(batch=4, beams=3, max_new_tokens=8)
    alone = [candidates(tiny, [keywords], settings)[0] for keywords in SETS]
    for seed in range(3):
        order = random.Random(seed).sample(range(len(SETS)), len(SETS) - seed)
        assert candidates(tiny, [SETS[index] for index in order], settings) == [alone[index] for index in order]


def test_keywords_that_the_tokenizer_does_not_know_get_no_caption(tiny):
    assert candidates(tiny, [["Zither"], ["Bark"]], T5Settings(batch=2, max_new_tokens=8))[0] == []


def test_500_keywords_get_a_prompt_of_bounded_length_and_no_caption(tiny):
    assert candidates(tiny, [[f"Sound {number}" for number in range(500)]], T5Settings(batch=1, beams=1, max_new_tokens=4)) == [[]]


def test_there_are_no_more_candidates_than_beams_and_none_twice(tiny):
    texts = candidates(tiny, SETS, T5Settings(beams=2, candidates=4, batch=4, max_new_tokens=8))
    assert all(len(captions) == len(set(captions)) <= 2 for captions in texts)


def test_a_model_with_a_chat_template_writes_in_its_turn(tmp_path):
    pytest.importorskip("transformers")
    model = load(str(make_chat(tmp_path / "chat")))
    assert model.is_instruct
    texts = candidates(model, [["Bark"], ["Rain"]], T5Settings(batch=2, beams=4, max_new_tokens=8))
    assert texts == candidates(model, [["Bark"], ["Rain"]], T5Settings(batch=2, beams=4, max_new_tokens=8))
    assert all("bark" in caption.lower() for caption in texts[0]) and any(texts)


class Memory:
    """A network that has memory for some prompts at a time."""

    def __init__(self, network, room, error):
        self.network, self.room, self.error, self.sizes = network, room, error, []
        self.device, self.generation_config = network.device, network.generation_config

    def generate(self, input_ids, **options):
        self.sizes.append(len(input_ids))
        if len(input_ids) > self.room:
            raise self.error
        return self.network.generate(input_ids=input_ids, **options)


def test_a_batch_too_large_for_the_memory_is_halved(tiny):
    small = replace(tiny, network=Memory(tiny.network, 2, RuntimeError("DefaultCPUAllocator: can't allocate memory")))
    assert generate(small, SETS, T5Settings(batch=8, max_new_tokens=8)) == generate(tiny, SETS, T5Settings(batch=2, max_new_tokens=8))
    assert max(small.network.sizes) == 8 and min(small.network.sizes) == 2


@pytest.mark.parametrize("error", [RuntimeError("out of memory"), MemoryError(), RuntimeError("shapes do not match")])
def test_an_error_that_smaller_batches_do_not_prevent_is_raised(tiny, error):
    small = replace(tiny, network=Memory(tiny.network, 0, error))
    with pytest.raises(type(error)):
        generate(small, SETS, T5Settings(batch=2, max_new_tokens=8))
    assert small.network.sizes == ([2] if "shapes" in str(error) else [2, 1])


def test_defaults_are_those_that_the_documentation_gives():
    assert T5Settings().generation[:-1] == (8, 8, 1.5, 3, 40, 32, "", "")
    assert T5Settings(beams=2).generation[:2] == (2, 2)
    assert (T5Settings().min_seconds, T5Settings().max_keywords, T5Settings().only) == (2.0, 8, ("audioset", "epidemic"))
