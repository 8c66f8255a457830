"""Texts and addresses of tables are safe to show, whatever they hold."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.html.shown import JOINERS, link, shown


@given(st.text(st.characters(exclude_categories=())), st.integers(1, 50))
def test_a_shown_text_is_short_and_has_nothing_hidden(text: str, limit: int) -> None:
    made = shown(text, limit)
    assert all(unicodedata.category(each) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for each in made if each not in JOINERS)
    assert len(made) <= 10 * limit + 40
    made.encode()


@given(st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "M", "Z")), max_size=20))
def test_a_plain_text_is_shown_as_it_is(text: str) -> None:
    assert shown(text) == text


def test_a_tower_of_marks_is_cut_and_those_of_languages_stay() -> None:
    assert shown("Z" + "\u0301" * 400 + "o") == "Z" + "\u0301" * 4 + "o"
    for text in ("\u1ec7 e\u0323\u0302", "\u05d1\u05b0\u05bc\u05e8\u05b5\u05d0", "\u0939\u093f\u0928\u094d\u0926\u0940"):
        assert shown(text) == text


@pytest.mark.parametrize(
    "url",
    [
        *(
            "javascript:alert(1)",
            "JAVASCRIPT:alert(1)",
            "java\tscript:alert(1)",
            " https://a.org",
            "data:text/html,x",
            "vbscript:x",
            "file:///x",
        ),
        *(
            "//a.org/x",
            "/etc/passwd",
            "https:///x",
            "https://[::1",
            "https:\\\\a.org",
            "http://a.org/\u202e",
            "http://a.org/x y",
            "ftp://a.org/x",
        ),
        *("https://user:password@a.org/", "https://a.org/?token=abcdef", "https://a.org/" + "x" * 3000, "", None, "blob:https://a.org/1"),
    ],
)
def test_no_link_leads_to_such_an_address(url: str | None) -> None:
    assert link(url) == ""


@pytest.mark.parametrize("url", ["http://a.org/x?id=1#t=3", "HTTPS://Freesound.org/s/17/", "https://a.org/é'\"<>"])
def test_an_address_of_the_web_may_be_followed(url: str) -> None:
    assert link(url) == url
