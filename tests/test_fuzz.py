"""Damaged recordings become a sample or have a reason: a few hundred here, any number by `python -m tests.fuzz`."""

import random

import pytest

from pipeline.records import Reason, Rejected
from tests import fuzz
from tests.sounds import encoded
from transforms.audio.convert import convert


@pytest.mark.parametrize("seed", range(6))
def test_damaged_recordings_do_no_harm(seed, tmp_path):
    chance = random.Random(seed)
    for original in fuzz.undamaged():
        data = fuzz.damage(original, chance)
        _, fault = fuzz.convert_damaged(data, chance, convert, tmp_path)
        assert not fault


@pytest.mark.slow
def test_damaged_recordings_do_no_harm_for_two_minutes():
    assert fuzz.main(["120", "1"]) == 0


def test_harm_is_noticed(tmp_path):
    assert fuzz.fault_of(Rejected(Reason.TIMEOUT, "no result"))
    assert fuzz.fault_of(Rejected(Reason.CORRUPT, "the decoder crashed (SIGSEGV)"))
    (result,), fault = fuzz.convert_damaged(encoded("wav_16"), random.Random(1), convert, tmp_path)
    assert not fault
    assert not isinstance(result, Rejected)
    assert fuzz.fault_of(type(result)(encoded("flac_16", 0.2), result.statistics, result.format))
