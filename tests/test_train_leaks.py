"""A run records what leaks.json says of its shards, but only of these shards; the model card calls nothing clean that was not compared."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import soundfile

from pipeline.output.leaks_file import write_certificate
from pipeline.output.storage import Folder
from pipeline.verbs.leaks import find_leaks
from tests.fates import build_into, tone
from tests.test_leaks import recipe_of
from train.data.shards import find_shards
from train.hub.leaks import CURRENT, NONE, OUTDATED, BenchmarkLeaks, LeaksRecord, leaks_from, mteb_tasks, read_leaks
from train.hub.model_card import leaks_section

RESULTS = [
    BenchmarkLeaks("Bench/test", "found", 2, 1, ["recording", "pcm"]),
    BenchmarkLeaks("esc50", "missing", 0, 0),
    BenchmarkLeaks("VGGSound/test", "not compared", 9, 0),
    BenchmarkLeaks("Clotho/test", "nothing found", 1045, 0, ["recording"]),
]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """Build a folder with one leak and write its certificate; return the folder."""
    for name in "ab":
        soundfile.write(tmp_path / f"{name}.wav", tone(200 + ord(name)), 44_100)
    recipe_of(tmp_path, "Mine", "a,a.wav,,,A dog,,train,", "b,b.wav,,,A cat,,test,")
    build_into(tmp_path / "out", tmp_path / "Mine.toml")
    bench = recipe_of(tmp_path, "Bench", "t,a.wav,,,A dog,,test,", "u,b.wav,,,A cat,,test,")
    folder = Folder(str(tmp_path / "out"))
    write_certificate(find_leaks(folder, [str(bench)]), folder)
    return tmp_path / "out"


def read(built: Path) -> LeaksRecord:
    return read_leaks(str(built), find_shards(str(built), "train"))


def test_the_certificate_of_these_shards_is_read_and_survives_run_json(built: Path) -> None:
    record = read(built)
    assert record.state == CURRENT
    assert record.benchmarks == [BenchmarkLeaks("Bench/test", "found", 2, 1, ["recording", "seconds", "text"])]
    assert "clips in these training splits, by leaks.json: 1 of Bench/test" in record.in_words()
    assert leaks_from(json.loads(json.dumps(asdict(record)))) == record


def test_a_certificate_of_another_plan_or_of_other_samples_says_nothing(built: Path) -> None:
    (built / "Mine/train/sizes.json").write_text('{"0.tar": 7}')
    assert read(built) == LeaksRecord(OUTDATED, read(built).sha256)
    (built / "Mine/train/sizes.json").write_text('{"0.tar": 1}')
    assert read(built).state == CURRENT
    with (built / "plan/plan.json").open("a") as file:
        file.write(" ")
    assert read(built).state == OUTDATED and "made from other shards" in read(built).in_words()


@pytest.mark.parametrize("content", [None, b"", b"[1]", b'{"plan_sha256": 3}', b"\xff"])
def test_without_a_certificate_nothing_is_known(built: Path, content: bytes | None) -> None:
    (built / "leaks.json").unlink() if content is None else (built / "leaks.json").write_bytes(content)
    assert read(built).state == NONE and not read(built).in_words()


@pytest.mark.parametrize("saved", [None, {}, {"state": "current"}, {"benchmarks": [{"a": 1}], "state": "current", "sha256": ""}])
def test_a_run_of_an_earlier_version_has_no_record(saved: object) -> None:
    assert leaks_from(saved) == LeaksRecord()


def test_the_card_names_states_and_calls_nothing_clean_that_was_not_compared() -> None:
    rows = [line for line in leaks_section(LeaksRecord(CURRENT, "", RESULTS), []).splitlines() if line.startswith("| ")]
    assert rows[1:] == [
        "| Bench/test | 2 | 1 | recording, pcm |",
        "| esc50 | 0 | not compared |  |",
        "| VGGSound/test | 9 | not compared |  |",
        "| Clotho/test | 1,045 | 0 | recording |",
    ]
    assert "not to say that they are clean" in leaks_section(LeaksRecord(), [])
    assert "other shards" in leaks_section(LeaksRecord(OUTDATED), [])


def test_mteb_is_given_the_tasks_that_were_trained_on_or_leak() -> None:
    leaking = LeaksRecord(
        CURRENT, "", [BenchmarkLeaks("esc50/test", "found", 2, 1), BenchmarkLeaks("MusicCaps/test", "nothing found", 2, 0)]
    )
    assert "ESC50" in mteb_tasks([], leaking) and not any("Music" in task for task in mteb_tasks([], leaking))
    assert 'training_datasets={"ClothoA2TRetrieval", "ClothoT2ARetrieval"}' in leaks_section(LeaksRecord(), ["Clotho", "Mine"])
