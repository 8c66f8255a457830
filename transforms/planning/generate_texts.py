"""Generate texts for keyword sets by a T5, once for each distinct prompt.

Batches are made of the sorted distinct prompts that the cache does not hold, so they depend neither on the number of workers
nor on the order of clips: a plan that was killed finds the files of the batches it had made.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import apache_beam as beam
from apache_beam.ml.inference.base import RunInference

from pipeline.output.storage import Folder
from pipeline.output.t5_files import GeneratedTexts, part_name, read_cache, read_part, write_cache, write_part
from transforms.planning.caption_model import CaptionModel
from transforms.planning.t5_handler import Batch, T5Handler


def make_batches(sets: Iterable[tuple[str, ...]], model: CaptionModel, cached: frozenset[str]) -> Iterator[Batch]:
    """Yield batches of keyword sets with distinct prompts that are not `cached`, prompts of similar length together."""
    by_prompt: dict[str, tuple[str, ...]] = {}
    for keywords in sorted(sets):
        by_prompt.setdefault(model.prompt_of(keywords), keywords)
    missing = sorted(by_prompt.keys() - cached, key=lambda text: (-len(text), text))
    size = model.settings.batch
    yield from (tuple(by_prompt[text] for text in missing[at : at + size]) for at in range(0, len(missing), size))


class GenerateTexts(beam.PTransform):
    """Lists of keyword sets -> lists of the generated texts of each distinct prompt, from the cache or by inference.

    Each batch is written to a file of its own when it is done, so that a plan that was killed does not repeat it. The cache
    of the new plan is written below `below`.
    """

    def __init__(self, model: CaptionModel, folder: Folder, below: str):
        super().__init__()
        self.model = model
        self.folder = folder
        self.below = below

    def expand(self, sets: beam.PCollection) -> beam.PCollection:
        model, folder = self.model, self.folder
        once = sets.pipeline | "Once" >> beam.Create([None])
        batches = once | "Batches" >> beam.FlatMap(_missing_batches, beam.pvalue.AsIter(sets), model, folder)
        waiting, done = batches | "SplitDone" >> beam.Partition(_is_done, 2, model, folder)  # type: ignore[arg-type]
        handler = T5Handler(model.path, model.digest, model.settings)
        inferred = waiting | "Spread" >> beam.Reshuffle() | "Infer" >> RunInference(handler)
        written = inferred | "WriteBatch" >> beam.Map(_write_batch, model, folder)
        resumed = done | "ReadBatch" >> beam.Map(_read_batch, model, folder)
        fresh = (written, resumed) | "FreshBatches" >> beam.Flatten()
        _ = once | "WriteCache" >> beam.Map(_write_cache, beam.pvalue.AsIter(fresh), model, folder, self.below)
        cached = once | "ReadCache" >> beam.Map(_read_cache, model, folder)
        return (fresh, cached) | "AllTexts" >> beam.Flatten()


def _prompts(batch: Batch, model: CaptionModel) -> list[str]:
    return [model.prompt_of(keywords) for keywords in batch]


def _missing_batches(_: None, lists: Iterable[list[tuple[str, ...]]], model: CaptionModel, folder: Folder) -> Iterator[Batch]:
    sets = itertools.chain.from_iterable(lists)
    return make_batches(sets, model, frozenset(texts.prompt for texts in read_cache(folder, model.generation_hash)))


def _is_done(batch: Batch, n_partitions: int, model: CaptionModel, folder: Folder) -> int:
    return int(folder.exists(part_name(_prompts(batch, model), model.generation_hash)))


def _write_batch(generated: tuple[GeneratedTexts, ...], model: CaptionModel, folder: Folder) -> tuple[GeneratedTexts, ...]:
    write_part(generated, model.generation_hash, folder)
    return generated


def _read_batch(batch: Batch, model: CaptionModel, folder: Folder) -> tuple[GeneratedTexts, ...]:
    return read_part(_prompts(batch, model), model.generation_hash, folder)


def _read_cache(_: None, model: CaptionModel, folder: Folder) -> tuple[GeneratedTexts, ...]:
    return tuple(read_cache(folder, model.generation_hash))


def _write_cache(_: None, fresh: Iterable[tuple[GeneratedTexts, ...]], model: CaptionModel, folder: Folder, below: str) -> None:
    write_cache(itertools.chain.from_iterable(fresh), model.generation_hash, folder, below)
