"""Recordings with wrong bytes end in a sample or a reason: a few hundred here, as many as wanted by `python -m tests.fuzz`."""

import random

import pytest

from pipeline.records import Reason, Rejected
from tests import fuzz
from tests.sounds import encoded
from transforms.audio.convert import convert


@pytest.mark.parametrize("seed", range(6))
def test_wrong_bytes_do_no_harm(seed, tmp_path):
    chance = random.Random(seed)
    for original in fuzz.seeds():
        data = fuzz.mutant(original, chance)
        _, fault = fuzz.attack(data, chance, convert, tmp_path)
        assert not fault


@pytest.mark.slow
def test_wrong_bytes_do_no_harm_for_two_minutes():
    assert fuzz.main(["120", "1"]) == 0


def test_the_fuzzer_would_notice_harm(tmp_path):
    assert fuzz.fault_of(Rejected(Reason.TIMEOUT, "no result"))
    assert fuzz.fault_of(Rejected(Reason.CORRUPT, "the decoder crashed (SIGSEGV)"))
    (result,), fault = fuzz.attack(encoded("wav_16"), random.Random(1), convert, tmp_path)
    assert not fault
    assert not isinstance(result, Rejected)
    assert fuzz.fault_of(type(result)(encoded("flac_16", 0.2), result.statistics, result.format))
