"""Add captions that a T5 generates from the labels of clips, where the guard accepts them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import apache_beam as beam

from augment.debias.rewrite import debias
from augment.guard import check
from pipeline.output.storage import Folder
from pipeline.output.t5_files import GeneratedTexts, Verdict, write_verdicts
from pipeline.records import Caption, Clip, TextHolds
from transforms.planning.caption_model import CaptionModel
from transforms.planning.generate_texts import GenerateTexts


@lru_cache(maxsize=65_536)  # clips share their keywords
def broken_rule(text: str, keywords: tuple[str, ...], neutral: bool) -> str | None:
    """Return the rule of the guard that a text breaks; `None` for a text that may be used.

    Args:
        neutral: judge the text as de-biasing leaves it. Of the keyword "speech" the guard refuses "a man speaks", because the
            man is invented; "a person speaks" may be used.
    """
    return check(debias(text).text if neutral else text, keywords)


def with_caption(clip: Clip, generated: GeneratedTexts, model: CaptionModel) -> tuple[Clip, Verdict]:
    """Return the clip with the best text that breaks no rule, after its own captions; and the verdict on all texts."""
    keywords = model.keywords_of(clip)
    rules = tuple(broken_rule(text, keywords, model.debias) for text in generated.texts)
    verdict = Verdict(clip.dataset, keywords, generated.prompt, generated.texts, rules)
    if verdict.text is None:
        return clip, verdict
    added = Caption(verdict.text, "t5", model.name, generated.prompt)
    return replace(clip, captions=(*clip.captions, added)), verdict


class CaptionWithT5(beam.PTransform):
    """Clips -> clips with captions by a T5 besides their own.

    In datasets where the T5 was asked for any clip, every clip records what `text` holds. The generated texts and the rules
    that they break are written to files below `below`.
    """

    def __init__(self, model: CaptionModel, folder: Folder, below: str):
        super().__init__()
        self.model = model
        self.folder = folder
        self.below = below

    def expand(self, clips: beam.PCollection) -> beam.PCollection:
        others, asked = clips | "SplitAsked" >> beam.Partition(_is_asked, 2, self.model)  # type: ignore[arg-type]
        keyword_sets = asked | "Keywords" >> beam.Map(_keywords, self.model)
        generated = keyword_sets | "Generate" >> GenerateTexts(self.model, self.folder, self.below)
        joined = {
            "clips": asked | "ClipByPrompt" >> beam.Map(_clip_by_prompt, self.model),
            "texts": generated | "TextsByPrompt" >> beam.Map(_texts_by_prompt),
        } | "Join" >> beam.CoGroupByKey()
        judged = joined | "Judge" >> beam.FlatMap(_judged, self.model)
        captioned, verdicts = judged | "Captioned" >> beam.Keys(), judged | "Verdicts" >> beam.Values()
        counted = verdicts | "CountVerdicts" >> beam.combiners.Count.PerElement()
        once = clips.pipeline | "OnceVerdicts" >> beam.Create([None])
        _ = once | "WriteVerdicts" >> beam.Map(_write_verdicts, beam.pvalue.AsIter(counted), self.folder, self.below)
        datasets = verdicts | "Datasets" >> beam.Map(_dataset) | "DistinctDatasets" >> beam.Distinct()
        # Before Flatten: Prism (Beam 2.77) gives a step after it an empty side input.
        holds = beam.pvalue.AsList(datasets), self.model.settings.only
        parts = others | "OthersHold" >> beam.Map(_with_text_holds, *holds), captioned | "TextHolds" >> beam.Map(_with_text_holds, *holds)
        return parts | "AllClips" >> beam.Flatten()


def _is_asked(clip: Clip, n_partitions: int, model: CaptionModel) -> int:
    return int(bool(model.keywords_of(clip)))


def _keywords(clip: Clip, model: CaptionModel) -> tuple[str, ...]:
    return model.keywords_of(clip)


def _clip_by_prompt(clip: Clip, model: CaptionModel) -> tuple[str, Clip]:
    return model.prompt_of(model.keywords_of(clip)), clip


def _texts_by_prompt(generated: GeneratedTexts) -> tuple[str, GeneratedTexts]:
    return generated.prompt, generated


def _judged(joined: tuple[str, Mapping[str, Any]], model: CaptionModel) -> Iterator[tuple[Clip, Verdict]]:
    (generated,) = joined[1]["texts"]
    for clip in joined[1]["clips"]:  # none for a prompt that only the cache knows
        yield with_caption(clip, generated, model)


def _dataset(verdict: Verdict) -> str:
    return verdict.dataset


def _with_text_holds(clip: Clip, datasets: Sequence[str], only: Sequence[str]) -> Clip:
    holds = TextHolds.T5 if clip.source in only or clip.dataset in only else TextHolds.ALL
    return replace(clip, text_holds=holds) if clip.dataset in datasets else clip


def _write_verdicts(_: None, counted: Iterable[tuple[Verdict, int]], folder: Folder, below: str) -> None:
    write_verdicts(counted, folder, below)
