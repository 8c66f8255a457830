"""Charts and the picture of the books: every row is in one band, bars add up, nothing is too thin to be seen."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.report.html.charts import PLOT_HEIGHT, bars, counted_in, histogram
from pipeline.report.html.flow import MAX_DATASETS, MAX_REASONS, THINNEST, flow
from pipeline.verbs.status import Books, DatasetCounts

COUNTS = st.dictionaries(st.text("abcde", max_size=3), st.integers(0, 10**9), max_size=20)


def books(**datasets: DatasetCounts) -> Books:
    return Books(datasets, 0, 0, 0.0, 0)


@given(COUNTS, st.integers(1, 12))
def test_bars_add_up_to_all_counts(counts: dict[str, int], limit: int) -> None:
    made = bars(counts, limit)
    assert sum(bar.count for bar in made) == sum(counts.values())
    assert len(made) <= limit + 1 and all(0 < bar.width <= 100 for bar in made)
    assert not made or abs(sum(bar.share for bar in made) - 1) < 1e-9


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=20))
def test_columns_of_a_histogram_stay_inside_and_are_seen(counts: list[int]) -> None:
    made = histogram(counts, list(map(str, range(len(counts)))))
    assert made.total == sum(counts) and made.top == max(counts)
    for column in made.columns:
        assert column.y >= 0 and abs(column.y + column.height - PLOT_HEIGHT) < 1e-6 and (column.height >= 1) == (column.count > 0)


@given(st.dictionaries(st.integers(-5, 100), st.integers(0, 1000)))
def test_each_value_is_in_one_range(values: dict[int, int]) -> None:
    assert sum(counted_in(values, (0, 2, 5, 50))) == sum(values.values())


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7), COUNTS), max_size=12))
@settings(max_examples=40)
def test_every_row_of_the_books_is_in_one_band(given_counts: list[tuple[int, int, dict[str, int]]]) -> None:
    datasets = {}
    for number, (samples, waiting, reasons) in enumerate(given_counts):
        planned = samples + waiting + sum(reasons.values())
        datasets[f"D{number}"] = DatasetCounts(planned, samples, waiting, Counter(reasons))
    made = flow(books(**datasets))
    n_rows = sum(counts.planned for counts in datasets.values())
    assert sum(end.count for end in made.datasets) == sum(end.count for end in made.outcomes) == n_rows
    assert len(made.datasets) <= MAX_DATASETS + 1 and len(made.outcomes) <= MAX_REASONS + 3
    assert all(end.height >= THINNEST and end.y + end.height <= made.height for end in (*made.datasets, *made.outcomes))


def test_samples_are_at_the_top_and_what_waits_at_the_bottom() -> None:
    made = flow(books(Clotho=DatasetCounts(10, 2, 3, Counter(timeout=1, corrupt=4))))
    assert [end.name for end in made.outcomes] == ["samples", "corrupt", "timeout", "not built yet"]
    assert [band.is_kept for band in made.bands] == [True, False, False, False]


def test_no_books_have_an_empty_picture() -> None:
    assert flow(books()).height == 0 and flow(books(Empty=DatasetCounts())).datasets == ()
