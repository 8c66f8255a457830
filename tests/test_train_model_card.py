"""The model card: front matter that a hub reads, tables that stay tables, code that runs."""

import re
from dataclasses import replace

import pytest
import yaml

from tests.exported import exported, run_of
from train.hub.model_card import CardFacts, licences, model_card, table
from train.hub.training_data import DatasetSummary


def test_the_front_matter_names_library_task_and_custom_code():
    metadata = yaml.safe_load((exported("aff") / "README.md").read_text().split("---")[1])
    assert metadata["library_name"] == "transformers" and metadata["pipeline_tag"] == "zero-shot-audio-classification"
    assert "custom_code" in metadata["tags"]


def test_every_line_of_code_in_the_card_runs():
    for code in re.findall(r"```python\n(.*?)```", (exported("none") / "README.md").read_text(), re.DOTALL):
        names: dict = {}
        exec(code.replace('"PATH"', repr(str(exported("none")))), names)
        if "processor" in names:
            assert type(names["processor"].feature_extractor).__name__.startswith("FixedClapFeatureExtractor_")


def test_a_card_without_facts_says_that_nothing_is_recorded():
    card = model_card(run_of("aff"), "x", CardFacts())
    assert "## Scores\nNone was given." in card and "Not recorded: the shards could not be read" in card


def test_no_folder_of_this_machine_is_in_the_card():
    run = replace(run_of("aff"), recipe=replace(run_of("aff").recipe, audio_weights="/home/me/HTSAT.ckpt", text_weights="/home/me/roberta"))
    card = model_card(run, "x", CardFacts())
    assert "/home/me" not in card and "| audio_weights | HTSAT.ckpt |" in card


@pytest.mark.parametrize("text", ["a|b", "two\nlines", "<b>"])
def test_any_text_stays_in_its_cell(text):
    lines = table(("dataset", "clips"), [(text, "1")]).splitlines()
    assert len(lines) == 3 and len(re.findall(r"(?<!\\)\|", lines[2])) == 3


def test_rare_licences_are_counted_together():
    many = {f"L{i}": 20 - i for i in range(12)}
    assert licences(DatasetSummary("A", 100, 1.0, many)).endswith("L7 (13), 4 others (42)")
