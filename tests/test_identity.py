"""Addresses name recordings, and rows without an id get one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.keys import sample_key
from sources.metadata.identity import id_of, recording_of, recordings_in, urlsplit_path


@pytest.mark.parametrize(
    ("recording", "urls"),
    [
        (
            "freesound:17",
            [
                "https://freesound.org/people/ann/sounds/17/",
                "http://www.freesound.org/s/17",
                "https://cdn.freesound.org/data/previews/0/17_1-hq.mp3",
                "https://freesound.org/apiv2/sounds/17/download/",
            ],
        ),
        (
            "youtube:dQw4w9WgXcQ",
            [
                "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=4",
                "https://m.youtube.com/watch?t=4&v=dQw4w9WgXcQ",
                "http://youtu.be/dQw4w9WgXcQ?t=4",
                "https://youtube.com/embed/dQw4w9WgXcQ",
                "https://youtube.com/shorts/dQw4w9WgXcQ",
            ],
        ),
    ],
)
def test_every_address_of_a_recording_gives_the_same_name(recording, urls):
    assert {recording_of(url) for url in urls} == {recording}


@pytest.mark.parametrize(
    "url",
    [
        "rain.wav",
        "a folder/100%#1.wav",
        "https://notfreesound.org/s/17",
        "https://freesound.org/help/",
        "https://youtube.com/watch?v=short",
        "http://[broken/a.wav",
        "",
        "https://example.org/people/ann/sounds/17/",
        "https://example.org/watch?v=dQw4w9WgXcQ",
        "https://notyoutube.com/watch?v=dQw4w9WgXcQ",
        "https://youtube.com/watch?v=dQw4w9WgXcQx",
        "s3://bucket/a.wav#1",
    ],
)
def test_any_other_address_or_path_is_its_own_name(url):
    assert recording_of(url) == url


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_fragment_of_an_address_is_not_part_of_the_name(scheme):
    assert recording_of(f"{scheme}://example.org/a.wav#t=1#2") == f"{scheme}://example.org/a.wav"


@given(st.text())
def test_the_name_of_a_recording_is_its_own_name(url):
    assert recording_of(recording_of(url)) == recording_of(url)


@given(st.text(min_size=1), st.text(min_size=1))
def test_sample_keys_are_plain_and_differ_for_different_ids(first, second):
    keys = [sample_key("table", clip_id) for clip_id in (first, second)]
    assert all(re.fullmatch(r"table-[a-z0-9_-]+", key) for key in keys)
    assert (keys[0] == keys[1]) == (first == second)


@pytest.mark.parametrize(
    ("url", "path"),
    [("https://example.org/a.wav?b=c?d", "https://example.org/a.wav"), ("why?.wav", "why?.wav"), ("rain.wav", "rain.wav")],
)
def test_the_query_is_cut_off_addresses_and_not_off_paths(url, path):
    assert urlsplit_path(url) == path


@pytest.mark.parametrize(
    ("url", "stem"),
    [
        ("https://example.org/Rain & Wind.wav?x=y.mp3", "rain-wind"),
        ("--_a_--.wav", "_a_"),
        ("雨.wav", "clip"),
        ("y" * 50 + ".wav", "y" * 40),
        ("folder/a.b.wav", "a-b"),
    ],
)
def test_an_id_begins_with_the_stem_of_the_file(url, stem):
    assert re.fullmatch(rf"{stem}-[0-9a-f]{{12}}", id_of(url, None, None))


def test_ids_are_short_and_plain_and_differ_by_address_and_excerpt():
    urls = ["雨.wav", "https://www.youtube.com/watch?v=aaaaaaaaaaa", "https://www.youtube.com/watch?v=bbbbbbbbbbb", "x" * 500 + ".wav", ""]
    ids = [id_of(url, start, end) for url in urls for start in (None, 0.0, 1.5) for end in (None, 2.0)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9_-]{1,60}", made) for made in ids)


def test_two_hundred_thousand_addresses_get_as_many_ids():
    n = 200_000
    assert len({id_of(f"https://www.youtube.com/watch?v={number:011}", 0.0, 10.0) for number in range(n)}) == n


def test_a_list_names_recordings_by_recording_or_by_address(tmp_path):
    (tmp_path / "a.csv").write_text("recording,url\nfreesound:1,\n,https://freesound.org/s/2\n rain.wav ,\n")
    assert recordings_in(tmp_path / "a.csv") == {"freesound:1", "freesound:2", "rain.wav"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("url,x\n,1\n", "row 1: neither recording nor url is given"),
        ("id\n7\n", "neither recording nor url"),
        ("url,x\na\n", "1 cells where"),
    ],
)
def test_a_bad_row_in_a_list_of_recordings_is_an_error(tmp_path, content, message):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(ValueError, match=message):
        recordings_in(tmp_path / "a.csv")
