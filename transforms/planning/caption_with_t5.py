"""Add captions that a T5 generates from the labels of clips, where the guard accepts them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import replace
from functools import lru_cache
from typing import Any

import apache_beam as beam

from augment.debias.rewrite import debias
from augment.guard import check
from pipeline.output.storage import Folder
from pipeline.output.t5_files import GeneratedTexts, Verdict, write_verdicts
from pipeline.records import Caption, Clip, DebiasLevel
from transforms.planning.batches import bucket_of, pack, unpack
from transforms.planning.caption_model import CaptionModel
from transforms.planning.generate_texts import GenerateTexts
from transforms.planning.plan_lines import PlannedClips

CLIPS, VERDICTS = "clips", "verdicts"


@lru_cache(maxsize=65_536)  # clips share their keywords
def broken_rule(text: str, keywords: tuple[str, ...], level: DebiasLevel | None) -> str | None:
    """Return the rule of the guard that a text breaks; `None` for a text that may be used.

    Args:
        level: judge the text as de-biasing leaves it; `None` where it stays. Of the keyword "speech" the guard refuses "a man speaks",
            because the man is invented; "a person speaks" may be used.
    """
    return check(debias(text, level).text if level else text, keywords)


def with_caption(clip: Clip, generated: GeneratedTexts, model: CaptionModel) -> tuple[Clip, Verdict]:
    """Return the clip with the best text that breaks no rule, after its own captions; and the verdict on all texts."""
    keywords = model.keywords_of(clip)
    level = model.neutral.level_of(clip, "t5")
    rules = tuple(broken_rule(text, keywords, level) for text in generated.texts)
    verdict = Verdict(clip.dataset, keywords, generated.prompt, generated.texts, rules)
    if verdict.text is None:
        return clip, verdict
    added = Caption(verdict.text, "t5", model.name, generated.prompt)
    return replace(clip, captions=(*clip.captions, added)), verdict


class CaptionWithT5(beam.PTransform):
    """`PlannedClips` -> the same with captions by a T5 besides their own.

    Keyword sets and texts meet in buckets by their prompts, and the texts come back to the partitions that asked for them. In datasets
    where the T5 was asked for any clip, every clip records what `text` holds. The generated texts and the rules that they break are
    written to files below `below`.
    """

    def __init__(self, model: CaptionModel, folder: Folder, below: str):
        super().__init__()
        self.model = model
        self.folder = folder
        self.below = below

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        model = self.model
        asked = batches | "Asked" >> beam.FlatMap(asked_of, model).with_output_types(tuple[int, bytes])
        sets = asked | "ByBucket" >> beam.GroupByKey() | "DistinctSets" >> beam.MapTuple(distinct_sets)
        generated = sets | "Generate" >> GenerateTexts(model, self.folder, self.below)
        texts = generated | "TextsByBucket" >> beam.FlatMap(texts_by_bucket).with_output_types(tuple[int, bytes])
        joined = {"asked": asked, "texts": texts} | "Join" >> beam.CoGroupByKey()
        answers = joined | "Answers" >> beam.FlatMap(answers_of, model).with_output_types(tuple[int, bytes])
        clips = batches | "ByPartition" >> beam.Map(_by_partition).with_output_types(tuple[int, bytes])
        datasets = batches | "Datasets" >> beam.Map(asked_datasets, model) | "AllDatasets" >> beam.CombineGlobally(_union)
        answered = {"clips": clips, "texts": answers} | "Answered" >> beam.CoGroupByKey()
        judge = beam.ParDo(_Judge(model), beam.pvalue.AsSingleton(datasets)).with_outputs(VERDICTS, main=CLIPS)
        judged = answered | "Judge" >> judge
        once = batches.pipeline | "OnceVerdicts" >> beam.Create([None])
        _ = once | "WriteVerdicts" >> beam.Map(_write_verdicts, beam.pvalue.AsIter(judged[VERDICTS]), self.folder, self.below)
        return judged[CLIPS]


def asked_of(batch: PlannedClips, model: CaptionModel) -> Iterator[tuple[int, bytes]]:
    """Yield by bucket the distinct keyword sets of a batch, with its partition."""
    by_bucket: dict[int, list[tuple[str, ...]]] = defaultdict(list)
    for keywords in sorted({model.keywords_of(clip) for clip in batch.clips} - {()}):
        by_bucket[bucket_of(model.prompt_of(keywords))].append(keywords)
    for bucket, sets in by_bucket.items():
        yield bucket, pack((batch.partition, sets))


def asked_datasets(batch: PlannedClips, model: CaptionModel) -> frozenset[str]:
    """Return the datasets of a batch that have captions by a T5: it is asked for a clip, or its caption came with the table."""
    return frozenset(clip.dataset for clip in batch.clips if clip.text_holds is not None or model.keywords_of(clip))


def distinct_sets(_: int, asked: Iterable[bytes]) -> list[tuple[str, ...]]:
    """Return the distinct keyword sets of a bucket."""
    return sorted({keywords for _, sets in map(unpack, asked) for keywords in sets})


def texts_by_bucket(generated: Iterable[GeneratedTexts]) -> Iterator[tuple[int, bytes]]:
    """Yield generated texts by the bucket of their prompt."""
    by_bucket: dict[int, list[GeneratedTexts]] = defaultdict(list)
    for texts in generated:
        by_bucket[bucket_of(texts.prompt)].append(texts)
    for bucket, members in by_bucket.items():
        yield bucket, pack(members)


def answers_of(joined: tuple[int, Mapping[str, Any]], model: CaptionModel) -> Iterator[tuple[int, bytes]]:
    """Yield by partition the texts of a bucket that it asked for."""
    known = {texts.prompt: texts for batch in map(unpack, joined[1]["texts"]) for texts in batch}
    for partition, sets in map(unpack, joined[1]["asked"]):
        prompts = dict.fromkeys(map(model.prompt_of, sets))
        yield partition, pack([known[prompt] for prompt in prompts])


class _Judge(beam.DoFn):
    def __init__(self, model: CaptionModel):
        self.model = model

    def process(self, answered: tuple[int, Mapping[str, Any]], datasets: frozenset[str]) -> Iterator[Any]:
        generated = {texts.prompt: texts for batch in map(unpack, answered[1]["texts"]) for texts in batch}
        verdicts: Counter[Verdict] = Counter()
        for batch in map(unpack, answered[1]["clips"]):
            clips = (self._captioned(clip, generated, verdicts) for clip in batch.clips)
            yield replace(batch, clips=[_with_text_holds(clip, datasets, self.model) for clip in clips])
        if verdicts:
            yield beam.pvalue.TaggedOutput(VERDICTS, pack(list(verdicts.items())))

    def _captioned(self, clip: Clip, generated: Mapping[str, GeneratedTexts], verdicts: Counter[Verdict]) -> Clip:
        keywords = self.model.keywords_of(clip)
        if not keywords:
            return clip
        captioned, verdict = with_caption(clip, generated[self.model.prompt_of(keywords)], self.model)
        verdicts[verdict] += 1
        return captioned


def _by_partition(batch: PlannedClips) -> tuple[int, bytes]:
    return batch.partition, pack(batch)


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)


def _with_text_holds(clip: Clip, datasets: Set[str], model: CaptionModel) -> Clip:
    return replace(clip, text_holds=model.text_holds_of(clip)) if clip.dataset in datasets else clip


def _write_verdicts(_: None, batches: Iterable[bytes], folder: Folder, below: str) -> None:
    counted: Counter[Verdict] = Counter()
    for batch in map(unpack, batches):
        counted.update(dict(batch))
    write_verdicts(counted.items(), folder, below)
