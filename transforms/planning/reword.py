"""Replace the text of planned clips by the text that their sources have now. Clips, shards and audio stay the same."""

from __future__ import annotations

import contextlib
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import apache_beam as beam

from pipeline.records import GENERATED, TEMPLATE_LABELS, Clip, Rejected
from transforms.planning.batches import bucket_of, pack, partition_of, unpack
from transforms.planning.captions import with_captions
from transforms.planning.drop_duplicates import key_of
from transforms.planning.plan_lines import PlannedClips

CLIPS, N_READ = "clips", "n_read"


def reworded(planned: Clip, read: Clip | None) -> Clip:
    """Return a planned clip with the text that its source has now; with the source's text of the plan where that is empty.

    Captions by templates and models are left out, and de-biasing is undone: both are repeated by the next steps.

    Args:
        read: the clip as its source has it now; `None` where the source has it no more.
    """
    bare = tuple(
        replace(caption, text=caption.before_debias or caption.text, before_debias=None, debias_rules=())
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


def with_text(batch: PlannedClips, template_labels: int = TEMPLATE_LABELS) -> PlannedClips:
    """Return the clips that have text, with their captions as `with_captions` returns them."""
    rows = []
    for clip, planned in zip(batch.clips, batch.planned, strict=True):
        with contextlib.suppress(Rejected):
            rows.append((with_captions(clip, template_labels), planned))
    return PlannedClips(batch.partition, [clip for clip, _ in rows], [planned for _, planned in rows])


class Reword(beam.PTransform):
    """(`PlannedClips` of a plan, `PlannedClips` of sources now) -> (planned clips with new text, the number of them that were read).

    Clips meet in buckets by their keys, since their recordings may differ.
    """

    def expand(self, pair: tuple[beam.PCollection, beam.PCollection]) -> tuple[beam.PCollection, beam.PCollection]:
        planned, read = pair
        joined = {
            "planned": planned | "PlannedByKey" >> beam.FlatMap(clips_by_bucket).with_output_types(tuple[int, bytes]),
            "read": read | "ReadByKey" >> beam.FlatMap(clips_by_bucket).with_output_types(tuple[int, bytes]),
        } | "Join" >> beam.CoGroupByKey()
        outputs = joined | "Reworded" >> beam.ParDo(_Reword()).with_outputs(N_READ, main=CLIPS)
        by_partition = outputs[CLIPS] | "ByPartition" >> beam.GroupByKey() | "Merge" >> beam.MapTuple(merged)
        return by_partition, outputs[N_READ] | "Count" >> beam.CombineGlobally(sum)


def clips_by_bucket(batch: PlannedClips) -> Iterator[tuple[int, bytes]]:
    """Yield the clips of a batch by bucket, each with its partition and its index."""
    by_bucket: dict[int, list[tuple[Clip, int, int]]] = defaultdict(list)
    for clip, planned in zip(batch.clips, batch.planned, strict=True):
        by_bucket[bucket_of(key_of(clip))].append((clip, partition_of(clip.recording), planned))
    for bucket, rows in by_bucket.items():
        yield bucket, pack(rows)


def merged(partition: int, batches: Iterable[bytes]) -> PlannedClips:
    """Return the clips of a partition, which come from several buckets."""
    rows = list(itertools.chain.from_iterable(map(unpack, batches)))
    return PlannedClips(partition, [clip for clip, _ in rows], [planned for _, planned in rows])


@beam.typehints.with_output_types(tuple[int, bytes])
class _Reword(beam.DoFn):
    def process(self, joined: tuple[int, Mapping[str, Any]]) -> Iterator[Any]:
        read = {key_of(clip): clip for rows in map(unpack, joined[1]["read"]) for clip, _, _ in rows}
        by_partition: dict[int, list[tuple[Clip, int]]] = defaultdict(list)
        known: set[str] = set()
        for clip, partition, planned in itertools.chain.from_iterable(map(unpack, joined[1]["planned"])):
            by_partition[partition].append((reworded(clip, read.get(key_of(clip))), planned))
            known.add(key_of(clip))
        for partition, rows in by_partition.items():
            yield partition, pack(rows)
        yield beam.pvalue.TaggedOutput(N_READ, len(known & read.keys()))
