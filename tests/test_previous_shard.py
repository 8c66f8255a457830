"""What an earlier build made is reused exactly where a new build would make the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.output.markers import facts_of
from pipeline.output.storage import Folder
from pipeline.records import TRANSIENT, Caption, Clip, Reason, Rejection, Sample, ShardId
from tests.outcomes import SETTINGS_HASH, SHARD, clip, rejection, sample, write_shard
from transforms.shards import previous_shard as module
from transforms.shards.previous_shard import PreviousShard, audio_request_hash, is_current, read_previous_shard

A, B, C = clip("a"), clip("b"), clip("c")
KEEPER, DUPLICATE = sample(A, "aa"), rejection(B, Reason.DUPLICATE, "aa")
PERMANENT = sorted(set(Reason) - TRANSIENT - {Reason.DUPLICATE})


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path / "out"))


def previous(folder: Folder, *outcomes: Sample | Rejection) -> PreviousShard:
    """Write a shard of these outcomes and read it again."""
    write_shard(outcomes, folder)
    work = Path(folder.root) / "long"
    work.mkdir(exist_ok=True)
    return read_previous_shard(folder, SHARD, work)


def reusable(before: PreviousShard, *clips: Clip, elsewhere: dict[str, str] | None = None, replaced: frozenset = frozenset()) -> list[str]:
    return sorted(before.reusable(clips, SETTINGS_HASH, elsewhere or {}, replaced))


def test_samples_are_reused_and_clips_that_were_not_there_are_not(folder: Folder) -> None:
    before = previous(folder, sample(A, "aa"), sample(B, "bb"))
    assert reusable(before, A, B, C) == [A.key, B.key]
    assert reusable(before) == []


def test_other_text_does_not_matter(folder: Folder) -> None:
    before = previous(folder, sample(A))
    assert reusable(before, replace(A, captions=(Caption("Another."),), labels=("x",), title="T", license="CC0")) == [A.key]


def test_clips_that_ask_for_other_audio_are_made_again(folder: Folder) -> None:
    before = previous(folder, sample(A))
    assert reusable(before, replace(A, end=0.1)) == []
    assert before.reusable([A], "other settings", {}) == frozenset()


def test_replaced_recordings_are_made_again_and_no_others(folder: Folder) -> None:
    before = previous(folder, sample(A, "aa"), sample(B, "bb"))
    assert reusable(before, A, B, replaced=frozenset({A.key})) == [B.key]


@pytest.mark.parametrize("reason", sorted(TRANSIENT))
def test_transient_rejections_are_tried_again(reason: Reason, folder: Folder) -> None:
    assert reusable(previous(folder, rejection(A, reason)), A) == []


@pytest.mark.parametrize("reason", PERMANENT)
def test_permanent_rejections_are_reused(reason: Reason, folder: Folder) -> None:
    assert reusable(previous(folder, rejection(A, reason)), A) == [A.key]


def test_a_duplicate_of_an_earlier_clip_that_is_reused_is_reused(folder: Folder) -> None:
    assert reusable(previous(folder, KEEPER, DUPLICATE), A, B) == [A.key, B.key]


def test_a_duplicate_whose_twin_left_the_shard_is_made_again(folder: Folder) -> None:
    assert reusable(previous(folder, KEEPER, DUPLICATE), B, C) == []


def test_a_duplicate_whose_twin_is_made_again_is_made_again(folder: Folder) -> None:
    before = previous(folder, KEEPER, DUPLICATE)
    assert reusable(before, replace(A, start=0.1), B) == []
    assert reusable(before, A, B, replaced=frozenset({A.key})) == []


def test_a_duplicate_that_now_comes_before_its_twin_is_made_again(folder: Folder) -> None:
    assert reusable(previous(folder, KEEPER, DUPLICATE), B, A) == [A.key]


def test_a_duplicate_of_a_clip_of_another_shard_is_reused_while_that_clip_keeps_the_sound(folder: Folder) -> None:
    before = previous(folder, DUPLICATE)
    assert reusable(before, B, elsewhere={"aa": "table-x"}) == [B.key]
    assert reusable(before, B, elsewhere={"bb": "table-x"}) == []
    assert reusable(before, B) == []


def test_another_duplicate_does_not_keep_the_sound(folder: Folder) -> None:
    before = previous(folder, KEEPER, DUPLICATE, rejection(C, Reason.DUPLICATE, "aa"))
    assert reusable(before, B, C) == []
    assert reusable(before, A, C) == [A.key, C.key]


def test_a_sample_with_another_sound_does_not_keep_the_sound(folder: Folder) -> None:
    assert reusable(previous(folder, sample(A, "bb"), DUPLICATE), A, B) == [A.key]


def test_outcomes_come_back_with_the_text_of_the_clip(folder: Folder) -> None:
    long_ago = [sample(A, "aa", b"fLaC first"), rejection(B, Reason.SILENT), rejection(C, Reason.DUPLICATE, "aa")]
    before = previous(folder, *long_ago)
    for outcome in long_ago:
        renewed = replace(outcome.clip, captions=(Caption("New text."),))
        assert before.outcome(renewed) == replace(outcome, clip=renewed)


def test_each_sample_gets_its_own_audio(folder: Folder) -> None:
    flacs = {A: b"fLaC" + bytes(700), B: b"fLaC b", C: b"fLaC" + b"c" * 512}
    before = previous(folder, *(sample(each, each.id * 2, flac) for each, flac in flacs.items()))
    assert {each: before.outcome(each).flac for each in flacs} == flacs  # type: ignore[union-attr]


@pytest.mark.parametrize("n_bytes", [1001, 1000 + 24 * 7, 1999, 2000])
def test_long_flac_is_copied_to_a_file_in_blocks(n_bytes: int, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_MEMORY", 1000)
    monkeypatch.setattr(module, "BLOCK", 100)
    flac = bytes(n % 251 for n in range(n_bytes))
    before = previous(folder, sample(B, "bb", b"x" * 600), sample(A, "aa", flac))
    copy = before.outcome(A).flac  # type: ignore[union-attr]
    assert isinstance(copy, Path)
    assert copy.parent == before.work
    assert copy.read_bytes() == flac


def test_flac_of_the_largest_size_for_memory_is_bytes(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_MEMORY", 1000)
    assert previous(folder, sample(A, "aa", bytes(1000))).outcome(A).flac == bytes(1000)  # type: ignore[union-attr]


def test_flac_is_read_in_blocks_of_a_megabyte() -> None:
    assert module.BLOCK == 1_048_576


@pytest.mark.parametrize("name", ["0.tar", "0.parquet", "0_stats.json"])
@pytest.mark.parametrize("damage", ["removed", "cut", "changed"])
def test_nothing_unproven_is_reused_of_a_damaged_shard(name: str, damage: str, folder: Folder) -> None:
    write_shard([sample(A), rejection(B, Reason.SILENT)], folder)
    path = Path(folder.path(f"Set/train/{name}"))
    data = path.read_bytes()
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(data[:-1] if damage == "cut" else bytes([data[0] ^ 255]) + data[1:])
    before = read_previous_shard(folder, SHARD, Path(folder.root))
    if (name, damage) == ("0_stats.json", "cut"):  # the line break at its end is no part of the JSON
        assert reusable(before, A, B) == [A.key, B.key]
    else:
        assert before.is_checked
        assert reusable(before, A, B) == []


def test_nothing_is_reused_where_there_is_no_shard(folder: Folder) -> None:
    before = read_previous_shard(folder, SHARD, Path(folder.root))
    assert (before.rows, before.members, before.tar) == ({}, {}, "Set/train/0.tar")


def test_nothing_is_reused_when_the_tar_lacks_a_sample_of_the_books(folder: Folder) -> None:
    marker = write_shard([sample(A, "aa"), sample(B, "bb")], folder)
    books = folder.read("Set/train/0.parquet")
    other = write_shard([sample(A, "aa"), rejection(B, Reason.SILENT)], folder)
    folder.write("Set/train/0.parquet", books)
    folder.write_json("Set/train/0_stats.json", replace(other, parquet=marker.parquet).to_json())
    before = read_previous_shard(folder, SHARD, Path(folder.root))
    assert before.is_checked
    assert reusable(before, A, B) == []


@pytest.mark.parametrize("name", ["tar", "parquet"])
def test_nothing_is_reused_of_files_that_are_broken_as_the_marker_records(name: str, folder: Folder) -> None:
    marker = write_shard([sample(A)], folder)
    folder.write(f"Set/train/0.{name}", b"PAR1 or a tar, but not a readable file")
    damaged = replace(marker, **{name: facts_of(folder, f"Set/train/0.{name}")})
    folder.write_json("Set/train/0_stats.json", damaged.to_json())
    assert reusable(read_previous_shard(folder, SHARD, Path(folder.root)), A) == []


CHANGES: list[dict] = [{"url": "b.wav"}, {"start": 0.5}, {"end": 0.5}, {"audio_root": "r"}]
TEXTS: list[dict] = [{"captions": ()}, {"labels": ("x",)}, {"title": "T"}, {"license": "L"}, {"creator": "C"}, {"row_number": 7}]


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_the_audio_changes_the_hash_of_the_request(change: dict) -> None:
    assert audio_request_hash(replace(A, **change), "s") != audio_request_hash(A, "s")


@pytest.mark.parametrize("change", [*TEXTS, {"id": "other"}, {"split": "test"}, {"recording": "r"}, {"text_holds": "t5"}])
def test_what_does_not_change_the_audio_does_not_change_the_hash_of_the_request(change: dict) -> None:
    assert audio_request_hash(replace(A, **change), "s") == audio_request_hash(A, "s")


def test_the_id_counts_for_the_hash_of_the_request_where_it_is_looked_for_in_a_root() -> None:
    rooted = replace(A, audio_root="r")
    assert audio_request_hash(replace(rooted, id="other"), "s") != audio_request_hash(rooted, "s")


def test_the_settings_count_for_the_hash_of_the_request_which_has_16_digits() -> None:
    assert audio_request_hash(A, "s") != audio_request_hash(A, "t")
    assert len(audio_request_hash(A, "s")) == 16


def test_a_shard_is_current_when_its_books_answer_every_request(folder: Folder) -> None:
    write_shard([sample(A, "aa"), rejection(B, Reason.SILENT)], folder)
    assert is_current(folder, SHARD, [A, B], SETTINGS_HASH)
    assert is_current(folder, SHARD, [A], SETTINGS_HASH)
    assert not is_current(folder, SHARD, [A, C], SETTINGS_HASH)
    assert not is_current(folder, SHARD, [A, replace(B, end=1.0)], SETTINGS_HASH)
    assert not is_current(folder, SHARD, [A, B], "other settings")
    assert not is_current(folder, ShardId("Set", "train", 1), [A], SETTINGS_HASH)


def test_a_shard_with_damaged_books_is_not_current(folder: Folder) -> None:
    write_shard([sample(A)], folder)
    folder.write("Set/train/0.parquet", b"PAR1 and no more")
    assert not is_current(folder, SHARD, [A], SETTINGS_HASH)


def test_nothing_is_reused_of_a_shard_of_another_version(folder: Folder) -> None:
    marker = write_shard([sample(A)], folder)
    folder.write("Set/train/0_stats.json", json.dumps(marker.to_json() | {"format": 1}).encode())
    assert reusable(read_previous_shard(folder, SHARD, Path(folder.root)), A) == []
