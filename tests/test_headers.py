"""Names of columns: what counts as the same name, and what is near enough to be a mistake."""

from pathlib import Path

import pytest

from sources.metadata.headers import checked_header, mistakes, refuse_mistakes, shown, usual_column

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
