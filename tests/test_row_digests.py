"""The digest of a row changes with everything that planning uses of it, and with nothing else."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import pytest

from pipeline.output.digest_files import NO_CLIP
from pipeline.records import Caption, Clip, Reason, Rejection, TextHolds
from transforms.planning.batches import unpack
from transforms.planning.drop_duplicates import renamed
from transforms.planning.row_digests import digests_of, digests_of_rejections, digests_read, row_hash

CLIP = Clip("s", "D", "train", "i", "u", captions=(Caption("A"), Caption("B", "llm")), labels=("x",), recording="r", row_number=3)
OTHERS: dict[str, Any] = {
    **dict.fromkeys(
        ("source", "dataset", "split", "id", "url", "title", "license", "creator", "recording", "audio_root", "full_url"), "other"
    ),
    **dict.fromkeys(("start", "end", "file_start"), 1.0),
    "captions": (Caption("A"), Caption("B", "llm", "model")),
    "labels": ("x", "y"),
    "text_holds": TextHolds.T5,
}


def test_every_field_of_a_row_but_its_number_is_in_its_digest() -> None:
    assert OTHERS.keys() | {"row_number"} == {field.name for field in dataclasses.fields(Clip) if field.init}
    hashes = {row_hash(dataclasses.replace(CLIP, **{name: value})) for name, value in OTHERS.items()}
    assert len({row_hash(CLIP), *hashes}) == 1 + len(OTHERS)
    assert row_hash(dataclasses.replace(CLIP, row_number=4)) == row_hash(CLIP)


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Caption)])
def test_every_field_of_a_caption_is_in_the_digest(name: str) -> None:
    changed = dataclasses.replace(CLIP, captions=(dataclasses.replace(CLIP.captions[0], **{name: "other"}), CLIP.captions[1]))
    assert row_hash(changed) != row_hash(CLIP)


def test_parts_that_join_to_the_same_text_differ() -> None:
    labels = [("a", "b"), ("a, b",), ("a', 'b",), ("ab",)]
    assert len({row_hash(dataclasses.replace(CLIP, labels=each)) for each in labels}) == len(labels)


def test_a_copy_has_the_same_digest_whatever_objects_it_shares() -> None:
    assert row_hash(pickle.loads(pickle.dumps(CLIP))) == row_hash(CLIP)
    assert row_hash(CLIP).hex() == "fd8226e8ce1496ce"


def test_only_a_row_with_a_secret_may_get_another_key() -> None:
    secret = dataclasses.replace(CLIP, url="u?token=masked", full_url="u?token=x")
    digests, of_renamed = digests_of([CLIP, secret], 2), digests_of([renamed(secret)], 2)
    assert digests.other_keys.tolist() == [0, of_renamed.keys[0]]
    assert (digests.numbers.tolist(), digests.sources.tolist()) == ([3, 3], [2, 2])


def test_rejected_rows_are_known_by_what_the_plan_has_of_them() -> None:
    rejections = [Rejection(CLIP, Reason.BAD_ROW, "read", detail) for detail in ("a", "a", "b")]
    first, second, third = digests_of_rejections(rejections, 0).rows.tolist()
    assert first == second != third
    assert digests_of_rejections(rejections, 0).numbers.tolist() == 3 * [NO_CLIP]


def test_every_row_of_a_batch_has_one_digest() -> None:
    clips = [dataclasses.replace(CLIP, recording=f"r{number}") for number in range(40)]
    parts = [unpack(data) for _, data in digests_read(clips, [Rejection(CLIP, Reason.BAD_ROW, "read")], 1)]
    assert sum(map(len, parts)) == 41 and len(parts) > 4
