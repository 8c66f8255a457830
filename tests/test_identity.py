"""Which recording a row is about."""

import re

import pytest

from sources.metadata.identity import id_of, recording_of, recordings_in


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
def test_every_address_of_a_recording_is_one_recording(recording, urls):
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
    ],
)
def test_whatever_else_is_its_own_recording(url):
    assert recording_of(url) == url


def test_a_fragment_of_an_address_is_no_other_recording():
    assert recording_of("https://example.org/a.wav#t=1") == recording_of("https://example.org/a.wav")


def test_ids_made_from_addresses_are_short_plain_and_differ_by_excerpt():
    urls = ["雨.wav", "https://www.youtube.com/watch?v=aaaaaaaaaaa", "https://www.youtube.com/watch?v=bbbbbbbbbbb", "x" * 500 + ".wav", ""]
    ids = [id_of(url, start, None) for url in urls for start in (None, 0.0, 1.5)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9_-]{1,60}", made) for made in ids)


def test_a_million_ids_from_one_host_are_a_million_ids():
    n = 200_000
    assert len({id_of(f"https://www.youtube.com/watch?v={number:011}", 0.0, 10.0) for number in range(n)}) == n


def test_recordings_are_listed_by_recording_or_by_address(tmp_path):
    (tmp_path / "a.csv").write_text("recording,url\nfreesound:1,\n,https://freesound.org/s/2\n rain.wav ,\n")
    assert recordings_in(tmp_path / "a.csv") == {"freesound:1", "freesound:2", "rain.wav"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("url,x\n,1\n", "row 1: neither recording nor url is given"),
        ("id\n7\n", "neither recording nor url"),
        ("url,x\na\n", "1 cells where"),
    ],
)
def test_a_list_of_recordings_has_no_bad_rows(tmp_path, content, said):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(ValueError, match=said):
        recordings_in(tmp_path / "a.csv")
