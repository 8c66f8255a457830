from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from pipeline.output.storage import Folder
from pipeline.records import Reason, ShardId, SimilarSounds
from tests.outcomes import clip, rejection, sample, write_shard
from tests.test_similar_pairs import COPIES, MADE
from transforms.shards.equal_sounds import Sound
from transforms.shards.similar_left_out import PrintedSound, read_printed, similar_left_out

TEST, TRAIN, MORE, OTHER = ShardId("A", "test", 0), ShardId("A", "train", 0), ShardId("A", "train", 1), ShardId("B", "train", 0)
FIRST, COPY, ELSE = MADE[2], COPIES[0], MADE[5]


def sound(shard: ShardId, key: str, made: bytes, pcm: str = "", recording: str = "") -> PrintedSound:
    return PrintedSound(Sound(pcm or f"pcm-{key}", shard, key, key), recording or key, made)


def left_out(rule: SimilarSounds, *sounds: PrintedSound) -> list[tuple[ShardId, str, str]]:
    """Return what is left out, after a check that every order of the sounds gives the same."""
    results = {tuple(sorted(similar_left_out(order, rule))) for order in itertools.permutations(sounds)}
    assert len(results) == 1
    return list(results.pop())


def test_a_training_clip_that_sounds_like_a_test_clip_of_any_dataset_is_left_out() -> None:
    for rule in ("leaks", "all"):
        assert left_out(rule, sound(OTHER, "a", COPY), sound(TEST, "z", FIRST), sound(TRAIN, "b", ELSE)) == [(OTHER, "pcm-a", "z")]


def test_copies_in_training_are_left_out_only_with_the_rule_for_all() -> None:
    sounds = sound(TRAIN, "b", FIRST), sound(OTHER, "a", COPY)
    assert left_out("leaks", *sounds) == []
    assert left_out("all", *sounds) == [(OTHER, "pcm-a", "b")]


def test_parts_of_one_recording_stay_in_training_and_leave_it_for_a_test_clip() -> None:
    assert left_out("all", sound(TRAIN, "a", FIRST, recording="r"), sound(MORE, "b", COPY, recording="r")) == []
    assert left_out("leaks", sound(TEST, "a", FIRST, recording="r"), sound(MORE, "b", COPY, recording="r")) == [(MORE, "pcm-b", "a")]


def test_a_copy_of_a_clip_that_is_left_out_itself_stays() -> None:
    copies = [sound(TRAIN, name, COPY) for name in "bc"]
    assert left_out("all", sound(TEST, "z", FIRST), *copies) == [(TRAIN, "pcm-b", "z"), (TRAIN, "pcm-c", "z")]


def test_every_shard_with_exactly_the_sound_that_goes_leaves_it_out_for_the_clip_that_stays() -> None:
    equal = sound(TRAIN, "b", COPY, "x"), sound(MORE, "c", COPY, "x")
    assert left_out("leaks", *equal) == [(MORE, "x", "b")]
    assert left_out("leaks", *equal, sound(TEST, "z", FIRST)) == [(TRAIN, "x", "z"), (MORE, "x", "z")]


def test_sounds_without_a_fingerprint_are_similar_to_none() -> None:
    assert left_out("all", sound(TRAIN, "a", b""), sound(TEST, "b", b"")) == []


def test_fingerprints_are_read_of_samples_and_of_clips_that_were_left_out(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    outcomes = [sample(clip("a"), "p", fingerprint=COPY), rejection("b", Reason.DUPLICATE, "q"), rejection("c", Reason.EMPTY)]
    write_shard(outcomes, folder, TRAIN)
    printed = [(each.sound.key, each.sound.pcm_sha256, each.fingerprint) for each in read_printed(folder, [TRAIN], 1)]
    assert printed == [
        ("table-a", "p", COPY),
        ("table-b", "q", b""),
    ]
    with pytest.raises(FileNotFoundError):
        read_printed(folder, [MORE], 1)
