"""File names of sound libraries: categories, vendors, formats and takes go, the words stay."""

from __future__ import annotations

import pytest

from augment.library_names import library_name_to_text

VENDORS = ("WSE", "We Sound Effects", "PM", "Odeon")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BB01_DoorOpen-02.wav", "Door open"),
        ("AMBUrbn_City Traffic Busy_JDoe_CityLib.wav", "City traffic busy"),
        ("WATRWave_OceanWavesCalm01_SND_VOL2.wav", "Ocean waves calm"),
        ("BIRDSong-Robin_Robin Singing Dawn Forest_JM_NATR_ST_96.wav", "Robin singing dawn forest"),
        ("DOORWood_02.wav", "DOOR wood"),  # two fields are no full name of the Universal Category System
        ("BLASTWAVEFX - Animal Bear Growl 01.wav", "Animal bear growl"),
        ("CRASH,GLASS - Glass Bottle Smash 03.wav", "Glass bottle smash"),
        ("AMBIENCE-Small Town_Night_Crickets.wav", "Ambience small town night crickets"),
        ("EFX EXT Group Male Cheer 01 A.wav", "Exterior group male cheer"),
        ("Car_Door_Slam_INT_CLOSE_MONO.wav", "Car door slam interior close"),
        ("bangkok-street-ambience-24-bit-96khz.wav", "Bangkok street ambience"),
        ("Market Ambience_ORTF_96kHz24bit.wav", "Market ambience"),
        ("Thunder 44.1kHz.wav", "Thunder"),
        ("PM_ODEON_CarEngineStart_04.aif", "Car engine start"),
        ("We_Sound_Effects-Metal Impact.wav", "Metal impact"),
        ("Pumpkin Smash.wav", "Pumpkin smash"),  # "PM" is no part of a word
        ("pack/3_knocks.flac", "3 knocks"),
        ("pack\\UI_Click_08.wav", "UI click"),
        ("ÉCLAIR_Tonnerre.wav", "Éclair tonnerre"),
    ],
)
def test_the_words_of_a_name_are_its_text(name: str, text: str) -> None:
    assert library_name_to_text(name, VENDORS) == text


@pytest.mark.parametrize(
    "name", ["", ".wav", "0001.wav", "WSE_0012.wav", "96kHz_24bit.wav", "SFX.wav", " - .wav", "___.wav", "track 12.wav"]
)
def test_a_name_of_codes_alone_has_no_text(name: str) -> None:
    assert library_name_to_text(name, VENDORS) == ""


def test_vendors_are_optional_and_may_hold_signs_of_patterns() -> None:
    assert library_name_to_text("WSE_Rain.wav") == "WSE rain"
    assert library_name_to_text("A+B (c)_Rain.wav", ("A+B (c)",)) == "Rain"
