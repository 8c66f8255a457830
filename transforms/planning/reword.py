"""Replace the text of planned clips by the text that their sources have now. Clips, shards and audio stay the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import apache_beam as beam

from pipeline.records import GENERATED, Clip, Rejected
from transforms.planning.captions import with_captions


def reworded(planned: Clip, read: Clip | None) -> Clip:
    """Return a planned clip with the text that its source has now; with the source's text of the plan where that is empty.

    Captions by templates and models are left out, and de-biasing is undone: both are repeated by the next steps.

    Args:
        read: the clip as its source has it now; `None` where the source has it no more.
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
    """(planned clips, clips read from sources now) -> (planned clips with new text, the number of them that were read)."""

    def expand(self, pair: tuple[beam.PCollection, beam.PCollection]) -> tuple[beam.PCollection, beam.PCollection]:
        planned, read = pair
        joined = {
            "planned": planned | "PlannedByKey" >> beam.Map(_by_key),
            "read": read | "ReadByKey" >> beam.Map(_by_key),
        } | "Join" >> beam.CoGroupByKey()
        n_read = joined | "InBoth" >> beam.Filter(_in_both) | "Count" >> beam.combiners.Count.Globally()
        return joined | "Reworded" >> beam.FlatMap(_reworded), n_read


def _by_key(clip: Clip) -> tuple[str, Clip]:
    return f"{clip.dataset}/{clip.key}", clip


def _in_both(joined: tuple[str, Mapping[str, Any]]) -> bool:
    return all(any(True for _ in joined[1][side]) for side in ("planned", "read"))


def _reworded(joined: tuple[str, Mapping[str, Any]]) -> Iterator[Clip]:
    read = next(iter(joined[1]["read"]), None)
    for planned in joined[1]["planned"]:
        yield reworded(planned, read)
