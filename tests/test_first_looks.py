"""A first look spares most rows the slow way; it must never answer otherwise than the slow way does."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment import clean
from augment.debias.caption_editor import WORD, plain
from augment.debias.rewrite import gendered, has_gendered
from pipeline import masking
from pipeline.keys import sample_key
from pipeline.records import Clip
from sources.metadata import identity

PIECES = (
    "man",
    "Woman's",
    "he",
    "HER",
    "mother-in-law",
    "human",
    "manual",
    "é",
    "’s",
    "'ll",
    " ",
    "_",
    "-",
    "7",
    ".",
    ", ",
    "A dog",
    "TV",
    "\n",
)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
HOSTS = (
    "freesound.org",
    "www.freesound.org",
    "cdn.freesound.org",
    "youtu.be",
    "www.youtube.com",
    "notyoutu.be",
    "freesound.org.example.com",
)
PATHS = (
    "/s/12/", "/s/012", "/people/a_b/sounds/5/", "/apiv2/sounds/7/download/", "/s/7/x", "/dQw4w9WgXcQ", "/dQw4w9WgXcQx", "/v/dQw4w9WgXcQ/",
    "/watch?v=dQw4w9WgXcQ", "/a/123__x__y.wav", "/1-123-A-1.wav", "/a.wav#t=4", "/!v=dQw4w9WgXcQ", "", "/", "/é.wav",
)  # fmt: skip


@given(TEXTS)
def test_a_text_is_de_biased_exactly_where_it_has_a_word_of_gender(text: str) -> None:
    assert has_gendered(text) is not gendered().isdisjoint(WORD.findall(plain(text)))


@given(st.lists(st.sampled_from(PIECES), max_size=60).map(" ".join) | TEXTS)
def test_text_that_is_taken_for_clean_needs_no_cleaning(text: str) -> None:
    slow = clean.cut(" ".join(clean.lines(text)))
    while slow != (again := clean.cut(" ".join(clean.lines(slow)))):
        slow = again
    assert clean.clean_text(text) == slow
    assert not (clean._PLAIN.fullmatch(text) and clean._SUSPECT.search(text))


@pytest.mark.parametrize("address", [f"https://{host}{path}" for host, path in itertools.product(HOSTS, PATHS)])
def test_a_common_address_names_the_recording_that_its_parts_name(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = identity.recording_of(address)
    monkeypatch.setattr(identity, "PLAIN_ADDRESS", identity.re.compile(r"(?!)"))
    assert fast == identity.recording_of(address)


@given(st.text("ab0_-A. é\n", max_size=70))
def test_an_id_that_stands_in_a_key_as_it_is_needs_no_hash(clip_id: str) -> None:
    key = sample_key("Own set", clip_id)
    collapsed = identity.re.sub(r"[^a-z0-9_]+", "-", clip_id.lower()).strip("-")[:60]
    assert key.startswith(f"own-set-{collapsed}") and (key == f"own-set-{clip_id}") is (collapsed == clip_id)


def test_a_copy_with_another_id_has_another_key() -> None:
    clip = Clip("table", "Own", "train", "first", "a.wav")
    assert clip.key == "table-first" and replace(clip, id="second").key == "table-second"
    assert clip == replace(clip) and hash(clip) == hash(replace(clip)), "the key that is kept plays no part"


@given(TEXTS, st.sampled_from(("https://me:pw@example.org/a", "https://example.org/a?token=1", "a@b.wav", "x;y", "a.wav")))
def test_a_row_is_masked_wherever_masking_would_change_it(text: str, address: str) -> None:
    changes = masking.mask_address(address) != address or masking.mask_text(text) != text
    assert masking.may_hold_secret(address, None, text) or not changes
