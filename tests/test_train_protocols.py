"""Published protocols: they fit the datasets that the sources of this project write."""

import importlib

import pytest

from pipeline.keys import sample_key
from sources.metadata.fsd50k_labels import display_name
from sources.urbansound8k import CLASSES
from train.scores.protocols import PROMPT, PROMPTS, PROTOCOLS, class_key, protocol_of


@pytest.mark.parametrize(
    ("source", "protocol"),
    [
        ("audiocaps", "audiocaps"),
        ("clotho", "clotho"),
        ("esc50", "esc50"),
        ("urbansound8k", "us8k"),
        ("vggsound", "vggsound"),
        ("fsd50k", "fsd50k"),
        ("macs", "retrieval"),
    ],
)
def test_each_source_writes_a_folder_that_its_protocol_knows(source, protocol):
    module = importlib.import_module(f"sources.{source}")
    assert protocol_of(module.Options.model_fields["dataset"].default).name == protocol


@pytest.mark.parametrize("source", ["audiocaps", "clotho", "esc50", "urbansound8k", "vggsound", "fsd50k"])
def test_a_test_set_is_as_large_as_its_source_says(source):
    module = importlib.import_module(f"sources.{source}")
    protocol = protocol_of(module.Options.model_fields["dataset"].default)
    assert protocol.n_clips["test"] == module.CARD.parts["test"].n_clips


@pytest.mark.parametrize(("name", "n"), [("esc50", 50), ("us8k", 10), ("vggsound", 309), ("fsd50k", 200)])
def test_the_classes_are_complete_and_no_two_are_spelled_alike(name, n):
    classes = PROTOCOLS[name].classes()
    assert len(classes) == len({class_key(each) for each in classes}) == n
    assert classes == sorted(classes) and all(each == each.strip() for each in classes)


def test_classes_are_spelled_as_the_sources_write_tags():
    assert {label.replace("_", " ") for label in CLASSES} == set(PROTOCOLS["us8k"].classes())
    labels = [name.replace(", and ", "_and_").replace(", ", "_and_").replace(" ", "_") for name in PROTOCOLS["fsd50k"].classes()]
    assert [display_name(label) for label in labels] == PROTOCOLS["fsd50k"].classes()


@pytest.mark.parametrize(
    ("name", "address", "key", "fold"),
    [
        ("esc50", "https://x/audio/1-100032-A-0.wav", sample_key("esc50", "1-100032-A-0"), 1),
        ("esc50", "", sample_key("esc50", "5-9032-A-0"), 5),
        ("esc50", "", "3-100018-B-18", 3),
        ("esc50", "", "6-100018-B-18", 0),
        ("us8k", "us8k/audio/fold10/100032-3-0-0.wav", "us8k-100032-3-0-0", 10),
        ("us8k", "", "100032-3-0-0", 0),
        ("vggsound", "fold1/x", "1-1-A-1", 0),
    ],
)
def test_the_fold_of_a_clip(name, address, key, fold):
    assert PROTOCOLS[name].fold_of(address, key) == fold


def test_every_prompt_has_a_place_for_the_class_and_the_first_is_the_published_one():
    assert PROMPTS[0] == PROMPT and len({prompt.format(label="x") for prompt in PROMPTS}) == len(PROMPTS)
    assert all("dog" in prompt.format(label="dog") for prompt in PROMPTS)
