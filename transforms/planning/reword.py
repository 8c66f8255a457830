"""Rows of a plan and rows read anew -> the rows of the plan with new text: which clips, where, and their audio stay as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import apache_beam as beam

from pipeline.records import GENERATED, Clip, Rejected
from transforms.planning.caption import with_captions


def reworded(planned: Clip, read: Clip | None) -> Clip:
    """Return a row of the plan with the text that its source has for it now; else with the text it was given once.

    Either way before templates, models and de-biasing, which come next.
    """
    bare = tuple(
        replace(caption, text=caption.before_debias or caption.text, before_debias=None)
        for caption in planned.captions
        if caption.origin not in GENERATED
    )
    own = replace(planned, captions=bare, text_holds=None)
    if read is None:
        return own
    renewed = replace(own, captions=read.captions, labels=read.labels, title=read.title)
    try:
        with_captions(renewed)
    except Rejected:  # a sample must not lose all text, and a clip must not leave its shard
        return own
    return renewed


class Reword(beam.PTransform):
    """(rows of the plan, clips read anew) -> (rows of the plan with new text, how many of them were read)."""

    def expand(self, pair: tuple[beam.PCollection, beam.PCollection]) -> tuple[beam.PCollection, beam.PCollection]:
        planned, read = pair
        joined = {
            "planned": planned | "PlannedByKey" >> beam.Map(_by_key),
            "read": read | "ReadByKey" >> beam.Map(_by_key),
        } | "Join" >> beam.CoGroupByKey()
        return joined | "Reworded" >> beam.FlatMap(_reworded), joined | "Both" >> beam.Filter(
            _both
        ) | "Count" >> beam.combiners.Count.Globally()


def _by_key(clip: Clip) -> tuple[str, Clip]:
    return f"{clip.dataset}/{clip.key}", clip


def _both(joined: tuple[str, Mapping[str, Any]]) -> bool:
    return all(any(True for _ in joined[1][side]) for side in ("planned", "read"))


def _reworded(joined: tuple[str, Mapping[str, Any]]) -> Iterator[Clip]:
    read = next(iter(joined[1]["read"]), None)
    for planned in joined[1]["planned"]:
        yield reworded(planned, read)
