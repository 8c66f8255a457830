"""Clips -> clips with a caption that a T5 made of their labels, where the guard lets it stand.

Asked for are clips with labels and without a human caption that are long enough to hold what a sentence says. Each
distinct keyword set is captioned once. Batches are made of the sorted distinct prompts that the cache does not hold:
neither workers nor clips change them, so they change no caption either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import apache_beam as beam
from apache_beam.ml.inference.base import RunInference

from augment.debias.rewrite import debias
from augment.guard import check
from augment.keyword_to_caption import T5Settings, prompt
from pipeline.output.storage import Folder
from pipeline.output.t5_files import Verdict, Written, part_name, read_cache, read_part, write_cache, write_part, write_verdicts
from pipeline.records import Caption, Clip, TextHolds, stable_hash
from transforms.planning.t5_handler import Batch, T5Handler


@dataclass(frozen=True, slots=True)
class Captioner:
    """Hold the identity of a T5 that was loaded once, and the settings it captions with.

    `path` is the folder or hub id to load it from, `name` how samples name it, `digest` the SHA-256 of its files. With
    `debias` the guard judges the text as de-biasing leaves it.
    """

    path: str
    name: str
    digest: str
    settings: T5Settings
    debias: bool

    @property
    def maker(self) -> str:
        """Hash of all that decides what is written for a prompt."""
        return stable_hash(self.digest, self.settings.generation)


def keywords_of(clip: Clip, captioner: Captioner) -> tuple[str, ...]:
    """Return the keyword set of a clip, sorted; empty when the T5 is not to be asked."""
    if any(caption.origin == "human" for caption in clip.captions):
        return ()
    if clip.end is not None and clip.end - (clip.start or 0.0) < captioner.settings.min_seconds:
        return ()
    keywords = tuple(sorted(set(clip.labels)))
    return keywords if len(keywords) <= captioner.settings.max_keywords and prompt(keywords, captioner.settings) else ()


def make_batches(sets: Iterable[tuple[str, ...]], captioner: Captioner, known: frozenset[str]) -> Iterator[Batch]:
    """Yield batches of keyword sets with distinct prompts that are not `known`, the longest prompts together."""
    by_prompt: dict[str, tuple[str, ...]] = {}
    for keywords in sorted(sets):
        by_prompt.setdefault(prompt(keywords, captioner.settings), keywords)
    waiting = sorted(by_prompt.keys() - known, key=lambda text: (-len(text), text))
    size = captioner.settings.batch
    yield from (tuple(by_prompt[text] for text in waiting[at : at + size]) for at in range(0, len(waiting), size))


@lru_cache(maxsize=65_536)  # clips share their keywords
def judge(text: str, keywords: tuple[str, ...], neutral: bool) -> str | None:
    """Return the rule that a text breaks, after de-biasing if `neutral`: nobody can hear who "a man speaks" of in "speech"."""
    return check(debias(text).text if neutral else text, keywords)


def with_caption(clip: Clip, written: Written, captioner: Captioner) -> tuple[Clip, Verdict]:
    """Return the clip with the first text that may stand, besides the captions it has; and the verdict."""
    keywords = keywords_of(clip, captioner)
    rules = tuple(judge(text, keywords, captioner.debias) for text in written.texts)
    verdict = Verdict(clip.dataset, keywords, written.prompt, written.texts, rules)
    if verdict.text is None:
        return clip, verdict
    added = Caption(verdict.text, "t5", captioner.name, written.prompt)
    return replace(clip, captions=(*clip.captions, added)), verdict


class CaptionWithT5(beam.PTransform):
    """Clips -> clips with captions by the T5 besides their own; in datasets where it was asked, all say what `text` holds.

    What was written, and what the guard said, goes to files below `below`.
    """

    def __init__(self, captioner: Captioner, folder: Folder, below: str):
        super().__init__()
        self.captioner = captioner
        self.folder = folder
        self.below = below

    def expand(self, clips: beam.PCollection) -> beam.PCollection:
        others, asked = clips | "Apart" >> beam.Partition(_is_asked, 2, self.captioner)  # type: ignore[arg-type]
        written = asked | "Write" >> WriteCaptions(self.captioner, self.folder, self.below)
        by_prompt = asked | "ByPrompt" >> beam.Map(lambda clip, captioner: (_prompt_of(clip, captioner), clip), self.captioner)
        judged = (
            {"clips": by_prompt, "written": written | "WrittenByPrompt" >> beam.Map(lambda one: (one.prompt, one))}
            | "Join" >> beam.CoGroupByKey()
            | "Judge" >> beam.FlatMap(_judged, self.captioner)
        )
        verdicts = judged | "Verdicts" >> beam.Map(lambda pair: pair[1]) | "CountVerdicts" >> beam.combiners.Count.PerElement()
        once = clips.pipeline | "OnceVerdicts" >> beam.Create([None])
        _ = once | "WriteVerdicts" >> beam.Map(_write_verdicts, beam.pvalue.AsIter(verdicts), self.folder, self.below)
        datasets = verdicts | "Datasets" >> beam.Map(lambda counted: counted[0].dataset) | "DistinctDatasets" >> beam.Distinct()
        captioned = judged | "Captioned" >> beam.Map(lambda pair: pair[0])
        together = (others, captioned) | "Together" >> beam.Flatten()
        return together | "Say" >> beam.Map(_say, beam.pvalue.AsList(datasets), self.captioner.settings.only)


class WriteCaptions(beam.PTransform):
    """Clips -> what the T5 writes for each distinct prompt: out of the cache, or by inference and then into it."""

    def __init__(self, captioner: Captioner, folder: Folder, below: str):
        super().__init__()
        self.captioner = captioner
        self.folder = folder
        self.below = below

    def expand(self, clips: beam.PCollection) -> beam.PCollection:
        captioner, folder = self.captioner, self.folder
        sets = clips | "Keywords" >> beam.Map(keywords_of, captioner) | "Distinct" >> beam.Distinct()
        once = clips.pipeline | "Once" >> beam.Create([None])
        batches = once | "Batches" >> beam.FlatMap(_missing_batches, beam.pvalue.AsIter(sets), captioner, folder)
        waiting, done = batches | "Apart" >> beam.Partition(_is_done, 2, captioner, folder)  # type: ignore[arg-type]
        handler = T5Handler(captioner.path, captioner.digest, captioner.settings)
        made = waiting | "Spread" >> beam.Reshuffle() | "Infer" >> RunInference(handler) | "Keep" >> beam.Map(_keep, captioner, folder)
        found = done | "Found" >> beam.Map(lambda batch: read_part(_prompts(batch, captioner), captioner.maker, folder))
        fresh = (made, found) | "Both" >> beam.Flatten() | "Each" >> beam.FlatMap(list)
        _ = once | "Cache" >> beam.Map(_write_cache, beam.pvalue.AsIter(fresh), captioner, folder, self.below)
        cached = once | "Cached" >> beam.FlatMap(lambda _: read_cache(folder, captioner.maker))
        return (fresh, cached) | "All" >> beam.Flatten()


def _say(clip: Clip, datasets: Sequence[str], only: Sequence[str]) -> Clip:
    alone = clip.source in only or clip.dataset in only
    return replace(clip, text_holds=TextHolds.T5 if alone else TextHolds.ALL) if clip.dataset in datasets else clip


def _is_asked(clip: Clip, n_partitions: int, captioner: Captioner) -> int:
    return int(bool(keywords_of(clip, captioner)))


def _prompt_of(clip: Clip, captioner: Captioner) -> str:
    return prompt(keywords_of(clip, captioner), captioner.settings)


def _prompts(batch: Batch, captioner: Captioner) -> list[str]:
    return [prompt(keywords, captioner.settings) for keywords in batch]


def _missing_batches(_: None, sets: Iterable[tuple[str, ...]], captioner: Captioner, folder: Folder) -> Iterator[Batch]:
    return make_batches(sets, captioner, frozenset(one.prompt for one in read_cache(folder, captioner.maker)))


def _is_done(batch: Batch, n_partitions: int, captioner: Captioner, folder: Folder) -> int:
    return int(folder.exists(part_name(_prompts(batch, captioner), captioner.maker)))


def _keep(written: tuple[Written, ...], captioner: Captioner, folder: Folder) -> tuple[Written, ...]:
    write_part(written, captioner.maker, folder)
    return written


def _judged(joined: tuple[str, Mapping[str, Any]], captioner: Captioner) -> Iterator[tuple[Clip, Verdict]]:
    written = next(iter(joined[1]["written"]), None)
    for clip in joined[1]["clips"]:
        assert written is not None  # every prompt of a clip was written
        yield with_caption(clip, written, captioner)


def _write_cache(_: None, fresh: Iterable[Written], captioner: Captioner, folder: Folder, below: str) -> None:
    write_cache(fresh, captioner.maker, folder, below)


def _write_verdicts(_: None, counted: Iterable[tuple[Verdict, int]], folder: Folder, below: str) -> None:
    write_verdicts(counted, folder, below)
