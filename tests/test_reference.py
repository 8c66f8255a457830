"""The reference has every verb, option and key; what it says of keys is complete."""

from __future__ import annotations

from pipeline.parser import VERBS, make_parser
from pipeline.recipe.meanings import MEANINGS
from sources import SOURCES
from tests import reference
from tests.documents import ROOT


def test_every_key_of_a_recipe_has_a_meaning_and_no_other_has() -> None:
    assert MEANINGS.keys() == reference.defaults().keys()
    assert all(text and not text.endswith(".") for text in MEANINGS.values())


def test_every_option_of_every_verb_is_there() -> None:
    text = reference.options_of_verbs()
    assert all(f"### {verb}\n" in text for verb in VERBS)
    (verbs,) = (action for action in make_parser()._actions if action.dest == "verb")
    assert isinstance(verbs.choices, dict)
    options = {name for parser in verbs.choices.values() for name in parser._option_string_actions if name.startswith("--")}
    assert options - {"--help"} and all(f"`{name}" in text for name in options - {"--help"})


def test_every_source_has_its_keys() -> None:
    lines = reference.keys_of_sources().splitlines()[2:]
    assert [line.split("`")[1] for line in lines] == list(SOURCES)
    assert all("`audio_root`" in line for line in lines)


def test_the_index_names_every_page_that_is_there() -> None:
    index = (ROOT / "llms.txt").read_text()
    assert all(f"({path.relative_to(ROOT)})" in index for path in (ROOT / "docs").glob("*.md"))
