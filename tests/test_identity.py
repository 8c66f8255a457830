"""Addresses name recordings, and rows without an id get one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.keys import sample_key
from sources.metadata.identity import id_of, recording_of, recording_of_file, urlsplit_path


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
                "http://www.freesound.org/samplesViewSingle.php?id=17",
                "https://freesound.org/embed/sound/iframe/17/simple/medium/",
                "https://freesound.org/people/ann/sounds/0017/",
                "freesound:17",
                "fold5/17-3-0-0.wav",
                "https://cdn.freesound.org/previews/0/17_1-hq.mp3",
                "http://media.freesound.org/data/0/previews/17__ann__bark.mp3",
                "https://cdn.freesound.org/displays/0/17_1_wave_M.png",
                "http://freesound.iua.upf.edu/samplesViewSingle.php?id=17",
                "https://freesound.org.:443//s/17/",
                "www.freesound.org/people/ann/sounds/17/",
                "sounds/17__ann__a-bark.wav",
                "17_1-lq.ogg",
                "https://example.org/17__ann__bark.aiff",
                "https://example.org/audio/1-17-A-0.wav?x=1",
                "1-17-B.ogg",
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
                "https://youtu.be/dQw4w9WgXcQ/",
                "https://music.youtube.com/watch?v=dQw4w9WgXcQ",
                "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ?start=3",
                "https://gaming.youtube.com/live/dQw4w9WgXcQ?si=x",
                "https://www.youtube.com/v/dQw4w9WgXcQ&hl=en",
                "https://www.youtube.com/watch?app=desktop&amp;v=dQw4w9WgXcQ",
                "https://www.youtube.com/attribution_link?a=x&u=%2Fwatch%3Fv%3DdQw4w9WgXcQ%26feature%3Dshare",
                "https://i.ytimg.com/vi/dQw4w9WgXcQ/hqdefault.jpg",
                "YouTu.be/dQw4w9WgXcQ",
                " youtube.com/watch?v=dQw4w9WgXcQ",
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
        "https://freesound.org/samplesViewSingle.php?id=x",
        "https://freesound.org/samplesViewSingle.php?id=²",
        "17-3-0-0",
        "take 17-3-0-0.wav",
        "17-33-0-0.wav",
        "0-17-A-0.wav",
        "6-17-A-0.wav",
        "1-17-a-0.wav",
        "1-17-A-50.wav",
        "1-017-A-0.wav",
        "17__bark.wav",
        "a17__ann__bark.wav",
        "17_1-mq.mp3",
        "https://www.youtube.com/user/elevenchars",
        "https://freesound.org/people/17/packs/17/",
        "freesound.org.example.com/s/17",
        "https://example.org/?u=youtube.com/watch?v=dQw4w9WgXcQ",
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


def test_file_names_of_known_sets_name_the_sound_that_they_were_cut_from():
    assert [recording_of_file(name) for name in ("100263-2-0-117.wav", "5-9032-A-0.wav", "a/b/1-100032-A.ogg")] == [
        "freesound:100263",
        "freesound:9032",
        "freesound:100032",
    ]
    assert [recording_of_file(name) for name in ("rain.wav", "2024-1-2-3", "1-2-3-4-5.wav", "")] == [None] * 4
