"""What hosts state about the use of recordings is read as their protocols define it, whatever is sent in their place."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import AskedAgain, Evidence
from transforms.fetching.web.opt_outs import TdmRule, forbids_training, read_tdmrep, rule_for, signals_of

PATHS = st.text("ab/*$.", max_size=8)


@given(PATHS, PATHS)
def test_a_location_matches_as_the_pattern_of_a_regular_expression_would(location, path):
    parts = [re.escape(part) for part in location.removesuffix("$").split("*")]
    pattern = ".*".join(parts) + (r"\Z" if location.endswith("$") else "")
    address = f"https://a.org/{path}"
    matches = rule_for([TdmRule(f"/{location}", "1", None)], address) is not None
    assert matches is (re.match(f"/{pattern}", f"/{path}", re.DOTALL) is not None)


def test_a_location_of_many_stars_takes_no_time():
    began = time.process_time()
    assert rule_for([TdmRule("/" + "*a" * 2000 + "b$", "1", None)], f"https://a.org/{'a' * 8000}") is None
    assert time.process_time() - began < 0.5


@given(st.binary(max_size=60))
def test_any_bytes_are_rules_or_none(data):
    assert isinstance(read_tdmrep(data), tuple)


@pytest.mark.parametrize(
    ("value", "forbids"),
    [
        ("train-ai=n", True),
        ("train-ai = N ; x=1", True),
        ('train-ai="n"', True),
        ("train-ai=?0", True),
        ("train-ai=y", False),
        ("train-ai", False),
        ("ai=n", True),
        ("bots=n", True),
        ("bots=n, train-ai=y", False),
        ("bots=y, ai=n", True),
        ("search=n", False),
        ("retrain-ai=n", False),
        (",,=;", False),
    ],
)
def test_a_narrow_use_counts_before_a_wide_one(value, forbids):
    assert forbids_training(value) is forbids


@pytest.mark.parametrize(
    ("answer", "signals"),
    [
        (Evidence("t", x_robots_tag="noai, noindex"), ("X-Robots-Tag",)),
        (Evidence("t", x_robots_tag="noailments"), ()),
        (Evidence("t", tdm_reservation=" 1 "), ("TDMRep",)),
        (Evidence("t", tdm_reservation="0", robots_txt="allowed"), ()),
        (Evidence("t", again=AskedAgain("t", 410, "allowed", tdm_reservation="1")), ("TDMRep", "gone")),
        (Evidence("t", x_robots_tag="noai", again=AskedAgain("t", None, "disallowed")), ("robots.txt",)),
        (Evidence("t", again=AskedAgain("t", 403, "allowed")), ()),
    ],
)
def test_the_last_answer_decides(answer, signals):
    assert signals_of(answer) == signals
