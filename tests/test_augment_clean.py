"""Text from web pages becomes one clean line of limited length."""

from __future__ import annotations

import random
import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from augment import clean
from augment.clean import MAX_CHARACTERS, clean_text, cut, lines


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


def test_a_caption_has_at_most_300_characters():
    assert MAX_CHARACTERS == 300


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("a" * 300, "a" * 300),
        ("a" * 301, "a" * 300),
        ("a" * 299 + " b", "a" * 299),
        ("a" * 298 + " b", "a" * 298 + " b"),
        ("a" * 300 + " b", "a" * 300),  # the word ends at the limit
        ("a" * 297 + " bcd", "a" * 297),
        ("a" * 290 + " b" + " cdefghijk" * 3, "a" * 290 + " b"),
        ("a" * 296 + " -(  bcd", "a" * 296),
        ("a" * 296 + " ,;: bcd", "a" * 296),
        ("a" * 290 + " ,;:", "a" * 290),
        ("bell -(", "bell -("),  # only a cut leaves an open bracket
        ("bell; ", "bell"),
        ("a1", ""),
        ("1 2 3 a 4 b", "1 2 3 a 4 b"),
        ("1" * 40 + "a", ""),
        ("1" * 40 + "ab", "1" * 40 + "ab"),
        ("", ""),
        ("a " + "b" * 400, ""),
        ("ab " + "b" * 400, "ab"),
    ],
)
def test_text_is_cut_after_the_last_word_that_fits(text, result):
    assert cut(text) == result


def test_only_the_first_2000_characters_of_raw_text_are_read():
    assert lines("a\n" + "b" * 1000 + "\n" + "C" * 2000) == ["a " + "b" * 1000, "C" * 997]


def test_the_length_is_limited_for_clean_and_for_raw_text():
    for text in ("rumble " * 200, "<b>rumble</b> " * 200, "rumble, " * 200):
        assert len(clean_text(text)) <= MAX_CHARACTERS and clean_text(text).endswith("rumble")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("one.\ntwo", ["one.", "two"]),
        ("one!\ntwo", ["one!", "two"]),
        ("one?\ntwo", ["one?", "two"]),
        ("one,\ntwo", ["one two"]),
        ("one\nTwo", ["one", "Two"]),
        ("one\n2", ["one", "2"]),
        ("\n\n two", ["two"]),
        ("one\u2028Two\u2029Three", ["one", "Two", "Three"]),
        ("one\vTwo\fThree\rFour", ["one", "Two", "Three", "Four"]),
        ("  plain text ", ["plain text"]),
        ("  ", []),
        ("", []),
    ],
)
def test_a_line_in_small_letters_continues_the_line_before_unless_that_ends_a_sentence(raw, expected):
    assert lines(raw) == expected


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("&amp;lt;b&amp;gt;bold&amp;lt;/b&amp;gt; move", "bold move"),  # escaped twice
        ("(https://example.org) bells", "bells"),
        ("[ - ] bells", "bells"),
        ("bells & #name; toll", "bells & #name; toll"),
        ("bells +++ toll", "bells toll"),
        ("bells -- toll", "bells -- toll"),
        ("bells...... toll", "bells... toll"),
        ("bells… toll", "bells... toll"),
        ("bells , toll ; ring ) now", "bells, toll; ring) now"),
        ("no .wav file", "no .wav file"),
        ("( bells )", "(bells)"),
        ("bells toll:", "bells toll"),
        ("* bells toll ~", "bells toll"),
        ("bells tollStereo recording", "bells toll. Stereo recording"),
        ("bells tollStereos", "bells tollStereos"),
        ("iPhone and MacBook", "iPhone and MacBook"),
        ("bells toll.It's late", "bells toll. It's late"),
        ("bells toll.A cat", "bells toll. A cat"),
        ("bells,toll", "bells, toll"),
        ("bells 1.Abc", "bells 1. Abc"),
        ("bells 1.5 and .5", "bells 1.5 and .5"),
        ("see ftp://example.org/x, now", "see, now"),
        ("see http://example.org/x.", "see."),
        ("mail me@example.org!", "mail!"),
        ("me[at]example.org writes", "writes"),
        ("[img=x]bells[/img] toll [x]", "bells toll [x]"),
        ("<img src='x' bells", ""),
        ("3 <b bells", "3 <b bells"),
    ],
)
def test_what_is_left_of_markup_and_punctuation(raw, text):
    assert clean_text(raw) == text


@pytest.mark.parametrize(
    "word",
    [
        *("Recorded", "Recording", "Recorder", "Stereo", "Mono", "This", "The", "Made", "Created", "Edited", "Please", "Thanks"),
        *("Microphone", "Microphones", "Mic", "Mics", "Location", "Model", "Free", "Want", "Date", "Format"),
    ],
)
def test_a_word_that_often_begins_a_sentence_begins_one_when_its_line_break_is_lost(word):
    assert clean_text(f"bells toll{word} x") == f"bells toll. {word} x"


def test_lines_are_joined_by_a_blank():
    assert clean_text("Bells toll\nRain falls") == "Bells toll Rain falls"


@given(st.text())
def test_clean_text_has_no_line_breaks_control_characters_or_double_blanks(raw):
    text = clean_text(raw)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]|  ", text) and text == text.strip()
    assert len(text) <= MAX_CHARACTERS


@given(st.lists(st.sampled_from(["Rain", "falls.", "on,", "(x)", "&amp;", "<b>", "www.example.org", "No. 3", "é", "\n"])).map(" ".join))
def test_cleaning_clean_text_without_loose_marks_changes_nothing(raw):
    assert clean_text(clean_text(raw)) == clean_text(raw)


def test_paragraphs_and_lines_with_a_capital_stay_apart():
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


def test_pieces_of_markup_in_any_combination_leave_no_markup_address_or_line_break():
    for first in NASTY:
        for second in NASTY:
            for third in ("", "word ", "<br>", "ok@ok.org"):
                text = clean_text(f"{first}{second}{third}Rain falls{third}{second}{first}")
                assert not re.search(r"<br|http|[\x00-\x1f\x7f]|ok@ok|  ", text), (first, second, third, text)
                assert text == unicodedata.normalize("NFC", text).strip() and len(text) <= MAX_CHARACTERS


@pytest.mark.parametrize("space", ["\v", "\f", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\u2028", "&#11;", "&#x0C;", "&#31", "&NewLine;"])
@pytest.mark.parametrize("word", ["Rain", "Año"])
def test_control_characters_that_are_white_space_keep_words_apart(space, word):
    assert clean_text(f"{word}{space}falls") == f"{word} falls"


PIECES = [
    *("Rain", " ", "\n", ".", "!", ",", ";", ":", "(", ")", "[", "]", "{", "}", "<b>", "</b>", "<br>", "&amp;", "&lt;", "&#39;", "é", "…"),
    *("-", "--", "*", "#", "www.example.org", "http://x.org/a", "me@x.org", "No. 3", "A", "b", "Recorded", "Stereo", "falls", "x1", "\xa0"),
    *("\x85", "\v", "|", "/", "'", "“", "ﬁ", "~", "_", "=", "\t", "雨", "\u200b", "&", "<", ">", "U.S.", "e\u0301", "[b]", "](http://a.b)"),
    *("a" * 290, "word " * 60, "%", "(at)", "\ud800", "Ã³"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=40))
@example("Rain \n .")
def test_clean_text_stays_as_it_is(raw):
    assert clean_text(clean_text(raw)) == clean_text(raw)


def test_no_line_that_a_pattern_changes_is_passed_over():
    chance, characters = random.Random(7), "ab 1  \t\u00a0,.;:!?()[]{}<>-=*~_#+|&/\"'…"
    for _ in range(20_000):
        line = "".join(chance.choices(characters, k=chance.randrange(9)))
        is_changed = any(pattern.sub(replacement, line) != line for _, pattern, replacement in clean._TIDY)
        assert not is_changed or "  " in line or clean._MAY_BE_TIDIED.search(line), repr(line)
        for signs, pattern, replacement in clean._TIDY:
            assert pattern.sub(replacement, line) == line or any(sign in line for sign in signs), (repr(line), pattern)
