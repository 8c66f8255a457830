"""Clips are grouped by key, whole and each once."""

from __future__ import annotations

import apache_beam as beam
from apache_beam.testing.util import assert_that, equal_to

from pipeline.engines.run import Engine
from pipeline.records import Caption, Clip
from tests.eager import collect
from transforms.planning.group_clips import GroupClips

CLIPS = [Clip("s", "S", "train", str(n), "u", start=n / 3, captions=(Caption(f"é {n}"),), row_number=n) for n in range(7)]
KEYED = [(str(n % 3), clip) for n, clip in enumerate(CLIPS)]
GROUPS = [("0", [CLIPS[0], CLIPS[3], CLIPS[6]]), ("1", [CLIPS[1], CLIPS[4]]), ("2", [CLIPS[2], CLIPS[5]])]


def _in_order(key: str, clips: list[Clip]) -> tuple[str, list[Clip]]:
    return key, sorted(clips, key=lambda clip: clip.id)


def test_each_key_has_all_its_clips() -> None:
    for seed in (None, 1):
        (groups,) = collect(lambda root: [root | beam.Create(KEYED) | GroupClips() | beam.MapTuple(_in_order)], seed)
        assert sorted(groups, key=lambda group: group[0]) == GROUPS


def test_clips_are_grouped_on_the_engine_of_builds() -> None:
    Engine(n_workers=2).run(lambda root: assert_that(root | beam.Create(KEYED) | GroupClips() | beam.MapTuple(_in_order), equal_to(GROUPS)))
