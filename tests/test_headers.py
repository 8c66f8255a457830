"""Names of columns: what counts as the same name, and what is near enough to be a mistake."""

import string
from pathlib import Path

import pytest

from sources.metadata.headers import MEANINGS, checked_header, cleaned, folded, is_misspelt, mistakes, refuse_mistakes, shown, usual_column

TABLE = Path("t.csv")


@pytest.mark.parametrize("name", ["start", " start", "Start", "START ", "\ufeffstart", "\u00a0start", "St-art", "s_tart"])
def test_case_blanks_hyphens_and_underscores_do_not_count(name):
    assert usual_column("start", ["url", name], TABLE) == name


def test_the_exact_name_is_used_before_a_name_that_is_alike():
    assert usual_column("start", ["Start", "start", "START"], TABLE) == "start"


def test_two_names_that_are_alike_are_refused():
    with pytest.raises(ValueError, match=r"""t\.csv: columns 'Start', 'START' may both be start; name one: start = "Start\""""):
        usual_column("start", ["Start", "START"], TABLE)


@pytest.mark.parametrize(
    ("column", "field"),
    [
        *(("strat", "start"), ("tart", "start"), ("startt", "start"), ("sTar", "start"), ("start_time", "start"), ("StartTime", "start")),
        *(("clipstart", "start"), ("start_s", "start"), ("onset", "start"), ("begin", "start"), ("begin time", "start")),
        *(("end_time", "end"), ("endsec", "end"), ("clip_end", "end"), ("offset", "end"), ("stop", "end"), ("ends", "end")),
        *(("splits", "split"), ("spilt", "split"), ("subset", "split"), ("data_split", "split")),
        *(("captions", "caption"), ("capton", "caption"), ("caption_en", "caption"), ("label", "labels"), ("lables", "labels")),
        *(("licence", "license"), ("creators", "creator"), ("titel", "title"), ("ids", "id"), ("urls", "url")),
    ],
)
def test_a_mistake_is_near_to_the_field_that_it_may_mean(column, field):
    assert mistakes([field], [column, "fold"]) == {column: field}


@pytest.mark.parametrize(
    "column",
    [
        "fold",
        "uuid",
        "kind",
        "trend",
        "weekend",
        "restart",
        "endpoint",
        "splitter",
        "label_id",
        "tags",
        "artist",
        "track_id",
        "x" * 41,
        "ed",
        "",
        "url2",
    ],
)
def test_other_names_are_no_mistakes(column):
    assert mistakes(["url", "caption", "labels", "id", "start", "end", "split", "license", "creator", "title"], [column]) == {}


def test_the_message_of_a_mistake_names_the_remedy():
    with pytest.raises(ValueError) as caught:
        refuse_mistakes(TABLE, ["start", "end"], ["strat", "end_time"], 'write {field} = "{column}", or ignore_columns = {columns}')
    assert str(caught.value) == (
        "t.csv: column 'strat' is not read, and there is no column for start; so are 'end_time': "
        "write start = \"strat\", or ignore_columns = ['strat', 'end_time']"
    )


def test_a_header_of_a_hundred_thousand_columns_with_one_name_twice_is_refused_at_once():
    with pytest.raises(ValueError, match="the header names 'c7' more than once"):
        checked_header(TABLE, [*(f"c{n}" for n in range(100_000)), " c7"])


def test_messages_list_few_names():
    assert shown(map(str, range(25))).endswith("18, 19 and 5 more")
    assert len(shown(["x" * 1000])) == 80


@pytest.mark.parametrize("sign", [" ", "\t", "\r", "\n", "\v", "\f", "\u00a0", "\u200b", "\u2060", "\ufeff"])
def test_blanks_around_a_name_are_no_part_of_it(sign):
    assert (cleaned(f"{sign}a{sign}b{sign}"), folded(f"{sign}A{sign}")) == (f"a{sign}b", "a")


@pytest.mark.parametrize("sign", sorted(set(string.printable) - set(string.whitespace)))
def test_letters_digits_and_punctuation_around_a_name_are_part_of_it(sign):
    assert cleaned(f"{sign}a{sign}") == f"{sign}a{sign}"


def test_every_word_with_the_meaning_of_a_field_is_near_to_it():
    for field, words in MEANINGS.items():
        for word in words - {field}:
            assert (
                list(mistakes([field], [f"my {word}", f"my{word.title()}2", f"{word}time", f"clip{word}s", f"seg{word}ms"]).values())
                == [field] * 5
            )
    assert {field: len(words) for field, words in MEANINGS.items()} == {"start": 5, "end": 5, "split": 4, "caption": 2}


@pytest.mark.parametrize("before", ["clip", "segment", "seg", "t"])
@pytest.mark.parametrize("after", ["time", "times", "sec", "secs", "second", "seconds", "s", "ms", "frame", "sample", ""])
def test_words_that_are_glued_to_a_field_are_known(before, after):
    assert mistakes(["end"], [f"{before}end{after}"]) == {f"{before}end{after}": "end"}
    assert mistakes(["end"], [f"x{before}end{after}", f"{before}end{after}x"]) == {}


@pytest.mark.parametrize(
    ("column", "is_mistake"),
    [
        ("END_time", True),
        ("ENDTime", True),
        ("end2", True),
        ("2end", True),
        ("bend2", False),
        ("endless", False),
        ("end" + " " * 37 + "x", False),
    ],
)
def test_words_differ_by_case_digits_and_signs(column, is_mistake):
    assert mistakes(["end"], [column]) == ({column: "end"} if is_mistake else {})


def test_a_long_name_is_no_mistake():
    assert mistakes(["end"], ["end " + "x" * 36]) == {"end " + "x" * 36: "end"}
    assert mistakes(["end"], ["end " + "x" * 37]) == {}


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        *(
            ("title", "title", False),
            ("titl", "title", True),
            ("itle", "title", True),
            ("titlex", "title", True),
            ("xtitle", "title", True),
        ),
        *(
            ("tixtle", "title", True),
            ("tixle", "title", True),
            ("ittle", "title", True),
            ("titel", "title", True),
            ("tilte", "title", True),
        ),
        *(
            ("tit", "title", False),
            ("titlexx", "title", False),
            ("xitly", "title", False),
            ("eltit", "title", False),
            ("ttiel", "title", False),
        ),
        *(("urls", "url", True), ("ulr", "url", False), ("ur", "url", False), ("link", "links", True), ("lnki", "link", False)),
        *(("lins", "link", True), ("linkk", "link", True), ("tilte!", "title", False), ("", "a", False)),
    ],
)
def test_a_name_is_misspelt_by_one_letter_or_two_exchanged(name, known, expected):
    assert is_misspelt(name, known) is expected


def test_a_column_is_found_or_missing():
    assert (usual_column("start", ["begin"], TABLE), usual_column("start", [], TABLE)) == (None, None)


def test_messages_show_twenty_names():
    assert shown(map(str, range(20))) == ", ".join(map(str, range(20)))
    assert shown(map(str, range(21))).endswith(", 19 and 1 more")


def test_a_header_is_cleaned_and_names_what_repeats():
    assert checked_header(TABLE, [" b", "", "a ", ""]) == ["b", "", "a", ""]
    with pytest.raises(ValueError, match=r"^t\.csv: the header names 'a', 'b' more than once; give each column its own name$"):
        checked_header(TABLE, ["b", "a", "c", "a", "b "])


def test_one_mistake_is_named_alone_and_none_is_no_error():
    refuse_mistakes(TABLE, ["start"], ["fold"], "{field}")
    with pytest.raises(ValueError, match=r"^t\.csv: column 'strat' is not read, and there is no column for start: strat is start$"):
        refuse_mistakes(TABLE, ["start"], ["strat"], "{column} is {field}")
