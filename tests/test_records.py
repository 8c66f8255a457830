"""Keys, hashes and records that travel."""

import pickle
import re
from pathlib import Path

import pytest

from pipeline.keys import sample_key, short_hash, stable_hash
from pipeline.records import LEFT_FOR_LATER, TRANSIENT, AudioLimits, Caption, Clip, Reason, Rejected

HOSTILE = [
    *("a", "A", "a.b", "a-b", "a b", "a/b", "../a", "a\\b", "a\n", "a\0", ".", "-", "__", "雨", "雪", "é", "e\u0301", "\udce9", "İ"),
    *("x" * 59, "x" * 60, "x" * 61, "x" * 61 + "y", "x" * 5000, "a" * 58 + ".b", "a" * 58 + "-b"),
]


def test_keys_of_hostile_ids_are_plain_short_and_unique():
    keys = [sample_key(source, given) for source in ("table", "urbansound8k") for given in HOSTILE]
    assert all(re.fullmatch(r"[a-z0-9_-]{1,90}", key) for key in keys), keys
    assert len(set(keys)) == len(keys)


def test_a_plain_id_stays_readable():
    assert sample_key("clotho", "rain_01-b") == "clotho-rain_01-b"


def test_ids_without_a_plain_letter_do_not_collide_by_the_hundred_thousand():
    n = 200_000
    assert len({sample_key("folder", chr(0x4E00 + number % 20_000) + "雨" * (number // 20_000)) for number in range(n)}) == n


def test_hashes_keep_their_parts_apart_and_never_change():
    assert stable_hash("ab", "c") != stable_hash("a", "bc")
    assert short_hash("rain", 1.0, None) == stable_hash("rain", 1.0, None)[:12]
    assert stable_hash("rain").startswith("319b44c570a417ff")


@pytest.mark.parametrize("record", [Caption("Año 🌧", "t5", "m", "p", "b"), Clip(*"sdtiu", 0.5, 1.0, (Caption("x"),), ("l",), row_number=7)])
def test_records_travel_by_pickle_with_every_field(record):
    assert pickle.loads(pickle.dumps(record)) == record


def test_records_cannot_be_changed():
    with pytest.raises(AttributeError):
        Clip(*"sdtiu").split = "test"  # type: ignore[misc]


def test_transient_reasons_are_those_of_the_network_of_hosts_and_of_a_machine_short_of_memory():
    assert {reason for reason in Reason if reason.transient} == TRANSIENT
    assert {Reason.THROTTLED, Reason.BOT_CHECK, Reason.POSTPONED} == LEFT_FOR_LATER
    assert {Reason.TIMEOUT, Reason.CONNECTION, Reason.SERVER_ERROR, Reason.KILLED} | LEFT_FOR_LATER == TRANSIENT


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_given_by_some_stage_or_source(reason):
    root = Path(__file__).parent.parent
    files = [path for room in ("sources", "transforms") for path in (root / room).rglob("*.py")]
    assert any(f"Reason.{reason.name}" in path.read_text(encoding="utf-8") for path in files)


def test_audio_limits_that_leave_nothing_are_refused():
    assert AudioLimits(min_seconds=2.0, max_seconds=2.0).min_source_rate == 1000
    with pytest.raises(ValueError, match="min_seconds is above max_seconds"):
        AudioLimits(min_seconds=2.0, max_seconds=1.9)


def test_a_rejection_says_its_reason_and_detail():
    assert str(Rejected(Reason.LICENSE, "none given")) == "license: none given"
