"""Which of equal clips stays depends only on the clips; each shard gets the sounds that it must leave out."""

from __future__ import annotations

import itertools
from pathlib import Path

from pipeline.output.equal_sounds_file import EqualSounds, read_equal_sounds, write_equal_sounds
from pipeline.output.storage import Folder
from pipeline.records import ShardId
from transforms.shards.equal_sounds import Sound, sounds_left_out

TRAIN, MORE = ShardId("A", "train", 0), ShardId("A", "train", 1)
VALID, TEST = ShardId("A", "valid", 0), ShardId("A", "test", 0)


def left_out(*sounds: Sound) -> list[tuple[ShardId, str, str]]:
    """Return the sounds left out, after a check that every order of the sounds gives the same."""
    results = {tuple(sorted(sounds_left_out(order))) for order in itertools.permutations(sounds)}
    assert len(results) == 1
    return list(results.pop())


def test_a_test_clip_stays_before_valid_and_valid_before_training() -> None:
    clips = [Sound("x", TRAIN, "a", "0"), Sound("x", VALID, "b", "1"), Sound("x", TEST, "c", "2")]
    assert left_out(*clips) == [(TRAIN, "x", "c"), (VALID, "x", "c")]
    assert left_out(*clips[:2]) == [(TRAIN, "x", "b")]


def test_the_rank_of_a_split_is_not_alphabetical() -> None:
    early = ShardId("A", "balanced_train", 0)
    assert left_out(Sound("x", early, "a", "0"), Sound("x", TEST, "b", "1")) == [(early, "x", "b")]
    assert left_out(Sound("x", early, "a", "0"), Sound("x", VALID, "b", "1")) == [(early, "x", "b")]


def test_within_a_rank_the_sort_key_decides_and_not_the_number_of_the_shard() -> None:
    assert left_out(Sound("x", TRAIN, "a", "7"), Sound("x", MORE, "b", "3")) == [(TRAIN, "x", "b")]


def test_equal_sounds_within_a_shard_are_not_listed() -> None:
    assert left_out(Sound("x", TRAIN, "a", "0"), Sound("x", TRAIN, "b", "1")) == []


def test_a_sound_is_listed_once_for_a_shard_with_several_such_clips() -> None:
    assert left_out(Sound("x", TRAIN, "a", "0"), Sound("x", MORE, "b", "1"), Sound("x", MORE, "c", "2")) == [(MORE, "x", "a")]


def test_other_datasets_may_hold_the_same_sound() -> None:
    assert left_out(Sound("x", TRAIN, "a", "0"), Sound("x", ShardId("B", "train", 0), "b", "1")) == []


def test_the_file_is_the_same_for_rows_in_any_order(tmp_path: Path) -> None:
    rows = [(TRAIN, "x", "c"), (TRAIN, "y", "d"), (MORE, "x", "c")]
    (tmp_path / "plan").mkdir()
    for order in itertools.permutations(rows):
        write_equal_sounds(order, "abc", tmp_path / "plan" / "equal_sounds.parquet")
        sounds = read_equal_sounds(Folder(str(tmp_path)))
        assert sounds == EqualSounds("abc", {TRAIN: (("x", "c"), ("y", "d")), MORE: (("x", "c"),)})
        assert sounds.of(TEST) == ()
    assert len({(tmp_path / "plan" / "equal_sounds.parquet").read_bytes() for order in itertools.permutations(rows)}) == 1


def test_a_missing_or_damaged_file_gives_no_equal_sounds(tmp_path: Path) -> None:
    assert read_equal_sounds(Folder(str(tmp_path))) == EqualSounds()
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "equal_sounds.parquet").write_bytes(b"PAR1 and no more")
    assert read_equal_sounds(Folder(str(tmp_path))) == EqualSounds()
