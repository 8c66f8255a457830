"""Titles, file names and descriptions become words for captions."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augment.clean import MAX_CHARACTERS, clean_text
from augment.debias.rewrite import debias
from augment.prose import file_name_to_text, title_to_text
from augment.templates import template


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BB01_DoorOpen-02.wav", "Door open"),
        ("footsteps-on-gravel_03.flac", "Footsteps on gravel"),
        ("KidsAtPlayground.wav", "Kids at playground"),
        ("UIClick2.wav", "UI click"),
        ("S034_Goat_Bleating.mp3.wav", "Goat bleating"),
        ("2 dogs barking.mp3", "2 dogs barking"),
        ("808_kick.wav", "808 kick"),
        ("loop 120 bpm.wav", "Loop 120 bpm"),
        ("eagle_8bit_C#4.wav", "Eagle 8bit C#4"),
        ("Metal.Hit.Big.001.wav", "Metal hit big"),
        ("2020-06-16 garbage truck.wav", "Garbage truck"),
        ("BIRDS.wav", "Birds"),
        ("UFO.wav", "UFO"),
        ("French_horn_v2.aif", "French horn"),
        ("recordings/rain/heavy_rain.wav", "Heavy rain"),
        ("C:\\sounds\\heavy_rain.wav", "Heavy rain"),
        ("door", "Door"),
        ("snare2.wav", "Snare"),
        ("Baño_agua.wav", "Baño agua"),
        ("雨の音.wav", "雨の音"),
        ("ZOOM0012.WAV", ""),
        ("DR0000_0123.wav", ""),
        ("20200105_143000.wav", ""),
        ("202D293D4D9FA1EC2D97D5.wav", ""),
        ("Track 01.wav", ""),
        ("D2(mf).wav", ""),
        ("38.wav", ""),
        ("_.wav", ""),
        ("", ""),
        ("24 knocks.wav", "24 knocks"),
        ("25 knocks.wav", "Knocks"),
        ("3 Knocks.wav", "Knocks"),
        ("03 knocks.wav", "Knocks"),
        ("knocks 3.wav", "Knocks"),
        ("909_kick.wav", "909 kick"),
        ("707_kick.wav", "Kick"),
        ("loop 44 minutes.wav", "Loop 44 minutes"),
        ("take2 bell.wav", "Take 2 bell"),
        ("tk2 bell.wav", "Bell"),
        ("bell v12.wav", "Bell"),
        ("bell #4.wav", "Bell"),
        ("bell 3.5x.wav", "Bell"),
        ("bell 48kHz.wav", "Bell 48kHz"),
        ("bell 12bpm 3rd.wav", "Bell 12bpm 3rd"),
        ("bell (02).wav", "Bell"),
        ("bell (mix.wav) end.wav", "Bell end"),
        ("bell 12.05.2019.wav", "Bell"),
        ("bell - door.wav", "Bell door"),
        ("bell--door.wav", "Bell door"),
        ("hi-hat loop.wav", "Hi-hat loop"),
        ("hi-hat_loop.wav", "Hi hat loop"),
        ("door-3x.wav", "Door"),
        ("NOISES.wav", "Noises"),
        ("BELLS UFO.wav", "Bells UFO"),
        ("A bell.wav", "A bell"),
        ("bell X.wav", "Bell x"),
        ("iPhone bell.wav", "IPhone bell"),
        ("FROGSong.wav", "FROG song"),
        ("bell.ring.x.wav.mp3", "Bell ring x"),
        ("bell .x.wav", "Bell .x"),
        ("sound recording.wav", ""),
        ("C#4 sound.wav", ""),
        ("C#4 bell.wav", "C#4 bell"),
        ("K9X bell.wav", "Bell"),
        ("K9Xylo bell.wav", "K9 xylo bell"),
    ],
)
def test_file_name_becomes_words(name, text):
    assert file_name_to_text(name) == text


@pytest.mark.parametrize(
    "unit",
    [
        *("bpm", "hz", "khz", "bit", "sec", "seconds", "minutes", "meters", "metres", "rpm", "times", "bar", "bars", "inch"),
        *("degrees", "km"),
    ],
)
def test_a_number_before_a_unit_stays(unit):
    assert file_name_to_text(f"loop 440 {unit.upper()}.wav").split()[1] == "440"


@given(st.text(max_size=80))
def test_a_title_of_any_characters_is_at_most_one_clean_line(text):
    for words in (title_to_text(text), file_name_to_text(text)):
        assert words == words.strip() and len(words) <= MAX_CHARACTERS and "\n" not in words


def test_lines_of_a_title_are_joined_by_a_blank():
    assert title_to_text("Rain\non a roof.wav") == "Rain on a roof"


def test_titles_and_names_are_cut_at_the_limit():
    long = "rumble " * 100
    for words in (title_to_text(long), title_to_text(f"{long}.wav"), file_name_to_text(f"{long}.wav")):
        assert 290 < len(words) <= MAX_CHARACTERS and words.casefold().endswith("rumble")


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Girl Screaming_05.wav", "Girl Screaming"),
        ("Aircraft passing by.wav", "Aircraft passing by"),
        ("toilet_flush.wav", "toilet flush"),
        ("Footsteps Running Away Fading 1", "Footsteps Running Away Fading 1"),
        ("Korg Z1 - Death Pipe - E4 (Wobble Pipe-64-127.wav)", "Korg Z1, Death Pipe, E4"),
        ("Travemünde.wav", "Travemünde"),
        ("room-tone basement.flac", "room-tone basement"),
        ("Clarinet - D4 - bad-timbre\r", "Clarinet, D4, bad-timbre"),
        ("Bells &amp; whistles", "Bells & whistles"),
        ("<i>Rain</i>.ogg", "Rain"),
        ("38.wav", ""),
        ("¯ ʻ .", ""),
    ],
)
def test_title_becomes_words(title, text):
    assert title_to_text(title) == text


@pytest.mark.slow
def test_cleaning_templates_and_debias_together_do_twenty_thousand_rows_a_second():
    captions = ["Water trickles while birds sing", "A man talks nearby while water trickles", "Rain falls, then a car passes by"] * 10_000
    began = time.process_time()
    for caption in captions:
        debias(clean_text(caption))
        template(("Male speech, man speaking", "Dog", "Stream"))
    assert len(captions) / (time.process_time() - began) > 20_000
