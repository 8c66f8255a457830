"""A text that a program wrote for a list is its items; other texts are no lists, and broken lists are errors."""

import pytest

from sources.metadata.list_texts import MAX_CHARACTERS, listed


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("[]", []),
        ('["a", null, 1]', ["a", None, 1]),
        (" ['a', 'b'] ", ["a", "b"]),
        ("['a' 'b']", ["a", "b"]),
        ("['a'\n 'b']", ["a", "b"]),
        ("[ 'a' ]", ["a"]),
        ("['a', 'b', ]", ["a", "b"]),
        ("('a', 'b')", ["a", "b"]),
        ("('a',)", ["a"]),
        ("{'a', 'b'}", ["a", "b"]),
        ("""[u'it\\'s', "x"]""", ["it's", "x"]),
        ("['a', None, nan, -1.5e3]", ["a", None, None, -1500.0]),
        ("array(['a', 'b'], dtype='<U1')", ["a", "b"]),
        ("array(['a', 'b'], dtype=object)", ["a", "b"]),
        ("array(['a'])", ["a"]),
        ("[1 2 3]", [1, 2, 3]),
    ],
)
def test_a_list_is_its_items(text, items):
    assert listed(text) == items


@pytest.mark.parametrize(
    "text", ["", "rain", "[Music]", "(rain) falls", "{a}", "('a')", "('a' 'b')", "['rain'] and wind", "[['a'], ['b'", "array(x)"]
)
def test_other_texts_are_no_lists(text):
    assert listed(text) is None


@pytest.mark.parametrize(
    "text", ["['a', 'b'", "['a', b]", "['a'; 'b']", "['a', 'b' 'c']", "['a''b']", r"['\x']", "{'a': 1}", "{'a'}", "['"]
)
def test_a_broken_list_of_texts_is_an_error(text):
    with pytest.raises(ValueError, match="looks like a list, and cannot be read as one; write the texts in columns of their own"):
        listed(text)


def test_the_length_of_a_list_has_a_limit():
    fits = "['" + "x" * (MAX_CHARACTERS - 4) + "']"
    assert (len(fits), MAX_CHARACTERS) == (65_536, 65_536) and listed(fits) == ["x" * (MAX_CHARACTERS - 4)]
    with pytest.raises(ValueError, match=r"\A\"\['x{38}\" looks like a list"):
        listed(fits[:2] + "x" + fits[2:])
