"""Ids, ids with their site, addresses and names of files name recordings; what could be any of several is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.metadata.recording_ids import id_columns, recording_named, scheme_of_column

VIDEO = "dQw4w9WgXcQ"


@pytest.mark.parametrize("text", ["freesound:17", "Freesound: 17", " freesound:017 ", "https://freesound.org/s/17/", "17-3-0-0.wav"])
@pytest.mark.parametrize("scheme", [None, "freesound", "youtube"])
def test_an_id_with_its_site_an_address_and_a_file_of_a_known_set_need_no_scheme(text: str, scheme: str | None) -> None:
    assert recording_named(text, scheme) == "freesound:17"


@pytest.mark.parametrize("text", ["17", "17.0", "0017", "17.wav", "FSD50K.dev_audio/17.wav", "17-3-0-0.wav", "17-3-0-0", "1-17-A-0.wav"])
def test_bare_ids_and_names_of_files_are_those_of_the_scheme(text: str) -> None:
    assert recording_named(text, "freesound") == "freesound:17"


@pytest.mark.parametrize("text", [VIDEO, f"Y{VIDEO}.wav", f"{VIDEO}_30.000_40.000.wav", f"wavs/{VIDEO}_30000.flac", f"youtube:{VIDEO}"])
def test_bare_ids_and_names_of_files_of_youtube(text: str) -> None:
    assert recording_named(text, "youtube") == f"youtube:{VIDEO}"


def test_an_id_of_eleven_characters_that_begins_with_y_or_holds_an_underscore_is_that_id() -> None:
    assert [recording_named(video, "youtube") for video in ("Ya_c9WgX_Q1", "a_123456789")] == ["youtube:Ya_c9WgX_Q1", "youtube:a_123456789"]


@pytest.mark.parametrize(
    ("text", "scheme", "message"),
    [
        ("17", None, "17 is an id of an unknown site: write freesound:17"),
        ("freesound:x", None, "'freesound:x' is not the number of a Freesound sound"),
        ("youtube:short", None, "'youtube:short' is not a YouTube id"),
        ("rain", "freesound", "'rain' is not the number"),
        ("0", "freesound", "'0' is not the number"),
        ("²", "freesound", "'²' is not the number"),
        ("x" * 5000, "youtube", "'xxx"),
    ],
)
def test_a_text_that_is_no_id_is_an_error(text: str, scheme: str | None, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        recording_named(text, scheme)
    assert str(caught.value).startswith(message) and len(str(caught.value)) < 200


@pytest.mark.parametrize("text", ["rain.wav", "bbc:07001", "session-12", "https://example.org/a.wav"])
def test_any_other_text_is_its_own_name(text: str) -> None:
    assert recording_named(text) == text


@given(st.text(), st.sampled_from([None, "freesound", "youtube"]))
def test_a_name_of_a_recording_is_its_own_name(text: str, scheme: str | None) -> None:
    try:
        name = recording_named(text, scheme)
    except ValueError:
        return
    assert recording_named(name) == name


def test_columns_of_published_tables_are_known_whatever_their_case() -> None:
    assert [scheme_of_column(name) for name in ("fsID", "src_file", "sound_id", "YTID", "youtube_id", "YouTubeID", "id", "recording")] == [
        *["freesound"] * 3,
        *["youtube"] * 3,
        *[None] * 2,
    ]
    assert id_columns(["keywords", "sound_id", "url", "Recording", "sound_link"]) == ["Recording", "url", "sound_id", "sound_link"]
