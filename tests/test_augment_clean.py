"""Raw web text becomes one clean line."""

from __future__ import annotations

import re
import unicodedata

import pytest

from augment.clean import MAX_CHARACTERS, clean_text, lines


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("A dog barks.", "A dog barks."),
        ("  A dog barks  ", "A dog barks"),
        ("A dog\r\nbarks", "A dog barks"),
        ("A dog\tbarks\u2028twice", "A dog barks twice"),
        ("a \x00null\x1b[31m and\x7f", "a null[31m and"),
        ("zero\u200bwidth \ufeffmark", "zerowidth mark"),
        ("left\u202eright", "leftright"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("<b>Door</b> slams<br/>shut", "Door slams shut"),
        ("Hello <script>alert(1)</script>World", "Hello World"),
        ("&lt;b&gt;bold&lt;/b&gt; &amp;amp; brave", "bold & brave"),
        ("Rock &amp; roll", "Rock & roll"),
        ("D&amp;B; drums", "D&B drums"),
        ("1 < 2 and <3 you", "1 < 2 and <3 you"),
        ("cut off <a href='http://exa", "cut off"),
        ("<!-- hidden -->seen", "seen"),
        ("see http://example.org/a?b=c#d for it", "see for it"),
        ("see (https://example.org) for it", "see for it"),
        ("www.example.net has it", "has it"),
        ("from freesound.org today", "from today"),
        ("youtu.be/abc and example.co.uk/x.", "and."),
        ("write to me.too@example.co.uk now", "write to now"),
        ("write to me(at)example.org now", "write to now"),
        ("[url=http://x.y]here[/url] [b]now[/b]", "here now"),
        ("[a pack](https://example.org/pack) of bells", "a pack of bells"),
        ("e\u0301tude", "étude"),
        ("sÃ³lo una voz", "sólo una voz"),
        ("ﬁne ﬂow", "fine flow"),
        ("rock’n’roll “live”", "rock'n'roll \"live\""),
        ("=====\nBells\n-----", "Bells"),
        ("wow!!! really???", "wow! really?"),
        ("wait.... what", "wait... what"),
        ("Nice pack.Recorded in spring", "Nice pack. Recorded in spring"),
        ("rain at nightRecorded in spring", "rain at night. Recorded in spring"),
        ("The U.S. Army, 44.1 kHz, No. 3", "The U.S. Army, 44.1 kHz, No. 3"),
        ("雨の音", "雨の音"),
        ("Дождь и ветер", "Дождь и ветер"),
        ("", ""),
        (" \n ", ""),
        ("38", ""),
        ("x", ""),
        ("http://example.org", ""),
    ],
)
def test_raw_text_becomes_one_clean_line(raw, text):
    assert clean_text(raw) == text


def test_long_text_is_cut_between_words():
    text = clean_text("rumble " * 200)
    assert len(text) <= MAX_CHARACTERS and text.endswith("rumble")
    assert len(clean_text("a" * 1000)) == MAX_CHARACTERS


def test_lines_keep_apart_what_stood_on_lines_of_their_own():
    assert lines("Title here\nA dog barks\nin the yard\n\n<p>Second</p><p>Third</p>") == [
        "Title here",
        "A dog barks in the yard",
        "Second",
        "Third",
    ]


NASTY = [
    "&",
    "<",
    ">",
    "<a",
    "&#0;",
    "&lt;",
    "\n",
    "\x00",
    "http://",
    "@",
    ".",
    ". ",
    "((",
    "[[",
    "é",
    "x" * 50,
    "\u202e",
    "\ufffd",
    "'",
    '"',
    "-- ",
    "A b",
    "No. 1",
]


def test_no_combination_of_nasty_pieces_leaves_markup_addresses_or_line_breaks():
    for first in NASTY:
        for second in NASTY:
            for third in ("", "word ", "<br>", "ok@ok.org"):
                text = clean_text(f"{first}{second}{third}Rain falls{third}{second}{first}")
                assert not re.search(r"<br|http|[\x00-\x1f\x7f]|ok@ok|  ", text), (first, second, third, text)
                assert text == unicodedata.normalize("NFC", text).strip() and len(text) <= MAX_CHARACTERS
