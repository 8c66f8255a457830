"""Put the facts about the text of all datasets together, as the report shows them."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.report.guard_facts import JudgedText
from pipeline.report.html.charts import Bar, Histogram, bars, counted_in, histogram
from pipeline.report.text_facts import DebiasedCaption, Repeat, TextFacts

WORDS = (0, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 50)
"""Lower edges of the ranges of caption lengths, in words."""
N_EXAMPLES = 12  # of changed captions, and of texts by a T5
N_REPEATS = 10


@dataclass(frozen=True, slots=True)
class TextSection:
    """Charts over all datasets, and examples from all of them."""

    facts: Sequence[TextFacts]
    words: Histogram
    origins: list[Bar]
    languages: list[Bar]
    rules: list[Bar]
    refused: list[Bar]
    repeats: list[Repeat]
    changes: list[DebiasedCaption]
    judged: list[JudgedText]

    @property
    def n_captions(self) -> int:
        """Number of captions of all datasets."""
        return sum(each.n_captions for each in self.facts)

    @property
    def guarded(self) -> list[TextFacts]:
        """The facts of the datasets for which a T5 was asked."""
        return [each for each in self.facts if each.guard is not None]

    @property
    def n_changed(self) -> int:
        """Number of captions that de-biasing changed."""
        return sum(len(each.debias.changes) for each in self.facts)


def text_section(facts: Sequence[TextFacts]) -> TextSection:
    """Return the section for the facts of all datasets."""
    words, origins, languages, rules, refused = Counter[int](), Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for each in facts:
        words.update(each.words)
        origins.update(each.origins)
        rules.update(each.debias.rules)
        languages.update({language.code: language.n_captions * each.languages.every for language in each.languages.counts})
        if each.guard is not None:
            refused.update(each.guard.rules)
    return TextSection(
        facts,
        histogram(counted_in(words, WORDS), list(map(str, WORDS)), "words"),
        bars(origins),
        bars(languages),
        bars(rules, of=sum(len(each.debias.changes) for each in facts)),
        bars(refused),
        heapq.nsmallest(
            N_REPEATS, (repeat for each in facts for repeat in each.repeats), key=lambda repeat: (-repeat.n_clips, repeat.text)
        ),
        list(_in_turn((each.debias.examples for each in facts), N_EXAMPLES)),
        list(_in_turn((each.guard.examples for each in facts if each.guard is not None), N_EXAMPLES)),
    )


def _in_turn(examples: Iterable[Sequence], limit: int) -> Iterator:
    """Yield at most `limit` examples: the first of every dataset, then the second, and so on.

    >>> list(_in_turn([[1, 2, 3], [], [7]], 3))
    [1, 7, 2]
    """
    rows = list(examples)
    longest = max(map(len, rows), default=0)
    taken = [row[number] for number in range(longest) for row in rows if number < len(row)]
    yield from taken[:limit]
