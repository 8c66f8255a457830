"""Show the facts about the text of a plan in a terminal: a table of datasets, then what repeats, other languages, and examples."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pipeline.counted import counted
from pipeline.output.plan_index import read_plan
from pipeline.report.guard_facts import GuardFacts, guard_facts

if TYPE_CHECKING:
    from rich.table import Table

    from pipeline.output.storage import Folder
    from pipeline.report.languages import Languages
    from pipeline.report.text_facts import DebiasFacts, TextFacts

N_LANGUAGES = 2
"""Languages in a row of the table, so that it is readable in 80 columns."""
N_OTHER_LANGUAGES = 4
"""Languages after the first that have a line with an example."""
MAX_SHOWN = 80  # characters of a caption in a line
N_REPEATS = 3  # repeated captions of a dataset in a line
COLUMNS = {
    "words": "of 90% of the captions; in brackets the median",
    "only template": 'clips that have no other text than "The sound of ..." with their labels',
    "repeated": "captions that stand on another clip too; where both are in one batch, a trainer takes a right answer for a wrong one",
    "languages": "by py3langid, a hint: it is unsure (und) of short texts; no caption is left out for its language",
}
"""The columns of the table that need an explanation."""


def text_table(facts: Sequence[TextFacts]) -> Table:
    """Return the datasets as a table."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD)
    for name in ("dataset", "clips", "captions", *COLUMNS):
        table.add_column(name, justify="left" if name in ("dataset", "languages") else "right", overflow="fold")
    for each in facts:
        shares = (_share(each.n_only_template, each.n_clips), _share(each.n_repeated, each.n_captions))
        table.add_row(each.dataset, f"{each.n_clips:,}", f"{each.n_captions:,}", _words(each.words), *shares, _languages(each.languages))
    return table


def text_lines(facts: Iterable[TextFacts]) -> Iterator[str]:
    """Yield what the columns of the table mean, and what it does not hold: for each dataset the origins of captions, the most repeated,
    other languages, and what guard and de-biasing did."""
    yield from (f"{name}: {meaning}" for name, meaning in COLUMNS.items())
    for each in facts:
        yield f"{each.dataset}: {_counts(each.origins) or 'no captions'}"
        yield from (f"  {line}" for line in _dataset_lines(each))


def t5_lines(folder: Folder) -> Iterator[str]:
    """Yield how many captions of the T5 passed the guard, by dataset, with examples of texts that passed and texts that did not."""
    for name, guard in guard_facts(folder, read_plan(folder)).items():
        first, *others = _guard_lines(guard)
        yield f"{name}: {first}"
        yield from (f"  {line}" for line in others)


def _dataset_lines(each: TextFacts) -> Iterator[str]:
    if each.repeats:
        shown = "; ".join(f"{_quoted(repeat.text)} on {repeat.n_clips:,} clips" for repeat in each.repeats[:N_REPEATS])
        yield f"most repeated: {shown}"
    if each.n_dropped_repeats is not None:
        yield f"left out, since their uploader wrote them on many sounds: {counted(each.n_dropped_repeats, 'caption')}"
    others = each.languages.counts[1:]
    for language in others[:N_OTHER_LANGUAGES]:
        yield f"{language.code} {language.n_captions:,} (confidence {language.confidence:.2f}): {_quoted(language.example)}"
    if (n_more := len(others) - N_OTHER_LANGUAGES) > 0:
        yield f"{counted(n_more, 'language')} more: status --captions --json"
    yield from _debias_lines(each.debias, each.n_captions)
    if each.guard is not None:
        yield from _guard_lines(each.guard)


def _debias_lines(debias: DebiasFacts, n_captions: int) -> Iterator[str]:
    if not debias.changes:
        return
    yield f"de-biasing changed {len(debias.changes):,} of {counted(n_captions, 'caption')}: {_counts(debias.rules)}"
    for change in debias.examples:
        yield f"  {', '.join(change.rules)}: {change.before} -> {change.after}"


def _guard_lines(guard: GuardFacts) -> Iterator[str]:
    refused = f"; refused: {_counts(guard.rules)}" if guard.rules else ""
    sets = f"{guard.n_sets_passed:,} of {counted(guard.n_sets, 'keyword set')} ({_share(guard.n_sets_passed, guard.n_sets)})"
    yield f"the T5's caption passes the guard for {sets}, {guard.n_clips_passed:,} of {counted(guard.n_clips, 'clip')}{refused}"
    for each in guard.examples:
        yield f"  {each.rule or 'passes'}: {'; '.join(each.keywords)} -> {each.text}"
    if guard.examples:
        yield "every text of the T5, with the rule that it breaks: plan/t5_texts.parquet"


def _words(words: Mapping[int, int]) -> str:
    """Return between which numbers of words 90 % of the captions are, and the median.

    >>> _words({2: 1, 5: 17, 9: 3}), _words({})
    ('5 to 9 (5)', '')
    """
    if not words:
        return ""
    low, median, high = (_quantile(words, share) for share in (0.05, 0.5, 0.95))
    return f"{low} to {high} ({median})"


def _quantile(words: Mapping[int, int], share: float) -> int:
    """Return the smallest number of words that so large a share of the captions does not exceed."""
    ordered = sorted(words)
    n_captions = list(itertools.accumulate(words[n_words] for n_words in ordered))
    return ordered[bisect.bisect_left(n_captions, share * n_captions[-1])]


def _languages(languages: Languages) -> str:
    shown = ", ".join(f"{each.code} {_share(each.n_captions, languages.n_judged)}" for each in languages.counts[:N_LANGUAGES])
    return f"{shown} (one in {languages.every} judged)" if languages.every > 1 else shown


def _share(part: int, total: int) -> str:
    """Return a share in percent.

    >>> _share(1, 3), _share(0, 0), _share(1, 5000)
    ('33.3%', '', '<0.1%')
    """
    if not total:
        return ""
    return "<0.1%" if 0 < part / total < 0.001 else f"{part / total:.1%}"


def _quoted(text: str) -> str:
    return f'"{text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."}"'


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
