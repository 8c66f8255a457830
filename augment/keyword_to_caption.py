"""Write captions for sets of keywords with a T5, in batches. Beam and the cache are in `transforms/planning`.

Wu et al. 2023 captioned the labels of AudioSet with a T5 that they did not name. `DEFAULT_MODEL`, the prompt and the search
are our choice, close to what is known of theirs. `augment.guard` decides which of the captions are used.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated

from annotated_types import Ge, Interval, MinLen

from augment.ontology import classes_by_prompt_name, most_specific, prompt_name
from augment.tables import text_of
from augment.text_models import DEFAULT_MODEL, Model, form_of

LENGTH_STEP = 16  # tokens; prompts of one batch are filled up to a multiple of it
MAX_LENGTH = 256  # tokens of a prompt
_OUT_OF_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory", re.IGNORECASE)
_TABLES = (
    "class_parents", "function_words", "guard_fillers", "guard_grammar", "guard_makers", "guard_mass", "guard_objects", "guard_places",
    "guard_senses", "guard_supports", "guard_synonyms", "irregular_forms", "verbs",
)  # fmt: skip

Asked = tuple[str, tuple[str, ...]]
"""A prompt, and the keywords that its captions may be about."""


@dataclass(frozen=True, slots=True)
class T5Settings:
    """Say which T5 captions keywords, how it searches, and for which clips; unpublished values are our choice (docs/captions.md).

    `model` is a hub id, a hub id with @revision, or a folder, of a T5 or another model that writes text. The beam search is
    deterministic. `batch` is the number of prompts at a time, halved when memory runs out; `candidates` is how many captions of the
    search are used, the best first, and never more than `beams`. `prefix` and `separator` stand before and between the keywords; where
    both are empty, the prompt is the one that the model was taught (`caption_models.tsv`). Clips shorter than `min_seconds` or with
    more than `max_keywords` labels get no caption by the T5. `only` names sources and datasets whose `text` holds the T5's caption
    alone, as Wu et al. 2023 did for AudioSet and Epidemic Sound; `apart` those whose `text` holds every caption but the T5's.
    Elsewhere it holds all.
    """

    model: Annotated[str, MinLen(1)] = DEFAULT_MODEL
    beams: Annotated[int, Interval(ge=1, le=64)] = 8
    batch: Annotated[int, Interval(ge=1, le=4096)] = 32
    candidates: Annotated[int, Interval(ge=1, le=64)] = 8
    length_penalty: float = 1.5
    no_repeat_ngram: Annotated[int, Ge(0)] = 3
    max_new_tokens: Annotated[int, Interval(ge=4, le=256)] = 40
    prefix: str = ""
    separator: str = ""
    min_seconds: Annotated[float, Ge(0)] = 2.0
    max_keywords: Annotated[int, Ge(1)] = 8
    only: tuple[str, ...] = ("audioset", "epidemic")
    apart: tuple[str, ...] = ()

    @property
    def n_candidates(self) -> int:
        """Number of captions that the search returns for a prompt."""
        return min(self.candidates, self.beams)

    @property
    def generation(self) -> tuple[object, ...]:
        """Every value that decides what a given model writes for a keyword set; part of the key of the caption cache."""
        search = (self.beams, self.n_candidates, self.length_penalty, self.no_repeat_ngram, self.max_new_tokens)
        return (*search, self.batch, self.prefix, self.separator, _rules_digest())


def prompt(keywords: Sequence[str], settings: T5Settings | None = None) -> str:
    """Return the prompt for a set of keywords, in the form that the model was taught; empty when there are none.

    Of a label with several names the first is used, once, without text in brackets and marks that could split the prompt. Labels that
    stand above another in AudioSet's ontology are left out.

    >>> prompt(["Gunshot, gunfire", "Rattle (instrument)", "p.a. system", "gunshot", "Explosion"])
    'gunshot rattle pa system'
    >>> prompt(["Dog", "Rain"], T5Settings(model="google/flan-t5-base"))
    'Write a short sentence about sounds with these words: dog, rain'
    """
    given = settings or T5Settings()
    distinct = list(dict.fromkeys(filter(None, map(prompt_name, most_specific(keywords)))))
    if not distinct:
        return ""
    if given.prefix or given.separator:
        return given.prefix + (given.separator or " ").join(distinct)
    form = form_of(given.model)
    return form.prompt.replace("{}", form.between.join(distinct))


def keywords_of(keywords: Sequence[str]) -> tuple[str, ...]:
    """Return what a model may write about for a prompt: its names, as classes of AudioSet where they are some. Equal for equal prompts."""
    names = dict.fromkeys(filter(None, map(prompt_name, most_specific(keywords))))
    return tuple(classes_by_prompt_name().get(name, name) for name in names)


def generate(model: Model, keyword_sets: Sequence[Sequence[str]], settings: T5Settings) -> list[str]:
    """Return the best caption for each keyword set, in their order; an empty text for an empty set."""
    return [captions[0] if captions else "" for captions in candidates(model, keyword_sets, settings)]


def candidates(model: Model, keyword_sets: Sequence[Sequence[str]], settings: T5Settings) -> list[list[str]]:
    """Return the captions for each keyword set, the best first; none for an empty set. Equal prompts get equal captions, in any batch.

    Several captions cost no more than one, and the guard may accept the second when it refuses the first. Prompts of
    similar length share a batch. A batch that is too large for the memory is halved, down to a single prompt.
    """
    prompts = [prompt(keywords, settings) for keywords in keyword_sets]
    about = {text: keywords_of(keywords) for text, keywords in zip(prompts, keyword_sets, strict=True) if text}
    captions: dict[str, list[str]] = {"": []}
    for batch in _batches(model, sorted(about), settings.batch):
        answers = _in_memory(model, [(text, about[text]) for text in batch], settings, settings.batch)
        captions |= dict(zip(batch, answers, strict=True))
    return [captions[text] for text in prompts]


def sentence(text: str) -> str:
    """Return generated text with a capital at the beginning, a full stop at the end, and single blanks.

    >>> sentence(" a dog  barks at night"), sentence("")
    ('A dog barks at night.', '')
    """
    plain = " ".join(text.split())
    if not plain:
        return ""
    return plain[0].upper() + plain[1:] + ("" if plain[-1] in ".!?" else ".")


def _batches(model: Model, prompts: Sequence[str], size: int) -> Iterator[list[str]]:
    """Yield batches of prompts that are filled up to one length, the longest first."""
    by_length: dict[int, list[str]] = {}
    for text in prompts:
        n_tokens = len(model.encode([text])["input_ids"][0])
        by_length.setdefault(min(-(-n_tokens // LENGTH_STEP) * LENGTH_STEP, MAX_LENGTH), []).append(text)
    for _, texts in sorted(by_length.items(), reverse=True):
        yield from (texts[start : start + size] for start in range(0, len(texts), size))


def _in_memory(model: Model, asked: Sequence[Asked], settings: T5Settings, n_rows: int) -> list[list[str]]:
    """Return the captions of each prompt of a batch; halve a batch that is too large for the memory."""
    try:
        return _search(model, asked, settings, n_rows)
    except (RuntimeError, MemoryError) as error:
        too_large = isinstance(error, MemoryError) or _OUT_OF_MEMORY.search(str(error))
        if not too_large or n_rows == 1:
            raise
    half = -(-n_rows // 2)  # outside of the handler, which holds the tensors of the failed batch
    parts = (asked[start : start + half] for start in range(0, len(asked), half))
    return [captions for part in parts for captions in _in_memory(model, part, settings, half)]


def _search(model: Model, asked: Sequence[Asked], settings: T5Settings, n_rows: int) -> list[list[str]]:
    """Return the captions of each prompt of a batch, by beam search over sentences that the guard accepts.

    Every batch has `n_rows` rows and a length that is a multiple of `LENGTH_STEP`. So all numbers that decide the text of a prompt
    are computed in the same way whatever other prompts are in its batch. Texts that found no end are left out.
    """
    import torch

    from augment.keyword_logits import only_sentences

    rows = [*asked, *[asked[-1]] * (n_rows - len(asked))]
    n_tokens = max(len(tokens) for tokens in model.encode([text for text, _ in asked])["input_ids"])
    length = min(-(-n_tokens // LENGTH_STEP) * LENGTH_STEP, MAX_LENGTH)
    encoded = model.encode([text for text, _ in rows], length).to(model.network.device)
    n_before = encoded["input_ids"].shape[1] if model.is_instruct else 1
    sentences = [model.sentences(keywords) for _, keywords in rows]
    with torch.inference_mode():
        tokens = model.network.generate(
            input_ids=encoded["input_ids"],
            attention_mask=encoded["attention_mask"],
            num_beams=settings.beams,
            num_return_sequences=settings.n_candidates,
            length_penalty=settings.length_penalty if settings.beams > 1 else None,
            no_repeat_ngram_size=0 if model.is_instruct else settings.no_repeat_ngram,
            max_new_tokens=settings.max_new_tokens,
            early_stopping=settings.beams > 1,
            do_sample=False,
            logits_processor=only_sentences(sentences, settings.beams, n_before),
        )
    written = tokens[:, n_before:].tolist()
    texts = [sentence(text) for text in model.tokenizer.batch_decode(written, skip_special_tokens=True)]
    n = settings.n_candidates
    complete = (
        [text for text, row in zip(texts[at * n : at * n + n], written[at * n : at * n + n], strict=True) if sentences[at].are_one(row)]
        for at in range(len(asked))
    )
    return [list(dict.fromkeys(captions)) for captions in complete]


@cache
def _rules_digest() -> str:
    """Return a SHA-256 over the tables that decide which sentences a model may write."""
    return hashlib.sha256("\0".join(map(text_of, _TABLES)).encode()).hexdigest()
