"""Change the scores of a search, so that it finds only sentences that the guard accepts. transformers 5 has no forced words of its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import LogitsProcessor, LogitsProcessorList

from augment.keyword_search import Sentences

FAVOUR = 2.0  # added to the logarithm of the probability of a word that names a keyword for the first time


class OnlySentences(LogitsProcessor):
    """Give every token that may not follow the score of minus infinity."""

    def __init__(self, sentences: Sequence[Sentences], n_beams: int, n_before: int):
        self.sentences = sentences
        self.n_beams = n_beams
        self.n_before = n_before

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Return `scores` (rows x beams, words of the tokenizer) with those of allowed tokens alone, higher for new keywords."""
        masked = torch.full_like(scores, -torch.inf)
        for row, written in enumerate(input_ids[:, self.n_before :].tolist()):
            sentences = self.sentences[row // self.n_beams]
            allowed = sentences.next_tokens(tuple(written))
            masked[row, allowed] = scores[row, allowed]
            favoured = sentences.wanted_tokens(tuple(written)) | {sentences.end, *sentences.vocabulary.ends}
            masked[row, sorted(favoured.intersection(allowed))] += FAVOUR
        return masked  # type: ignore[return-value]


def only_sentences(sentences: Sequence[Sentences], n_beams: int, n_before: int) -> LogitsProcessorList:
    """Return the list of processors for a search over rows of sentences, of which the first `n_before` tokens are the prompt."""
    return LogitsProcessorList([OnlySentences(sentences, n_beams, n_before)])
