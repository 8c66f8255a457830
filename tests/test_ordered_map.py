"""Results come in order, at most a few are computed ahead, and no thread is left running."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from transforms.shards.ordered_map import ordered_map


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def test_results_come_in_the_order_of_the_items():
    def later_first(n: int) -> int:
        time.sleep(0.02 if n % 4 == 0 else 0)
        return n * n

    assert list(ordered_map(later_first, range(100), 4)) == [n * n for n in range(100)]


def test_no_items_give_no_results():
    assert list(ordered_map(abs, [], 3)) == []


@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_exactly_n_threads_work_at_once(n_threads):
    together = threading.Barrier(n_threads)  # fails unless that many threads wait at the same time

    def name_of_thread(n: int) -> str:
        together.wait(timeout=20)
        return threading.current_thread().name

    assert len(set(ordered_map(name_of_thread, range(n_threads * 6), n_threads))) == n_threads


@pytest.mark.parametrize("n_threads", [1, 3])
def test_items_are_taken_at_most_2_n_threads_ahead_of_the_results(n_threads):
    n_taken = 0

    def items():
        nonlocal n_taken
        for n in itertools.count():
            n_taken += 1
            yield n

    results = ordered_map(lambda n: n, items(), n_threads)
    for n in range(50):
        assert next(results) == n
        assert n_taken - n <= 2 * n_threads
    results.close()


def test_an_exception_is_raised_in_order_and_later_items_do_not_start():
    started = []

    def fail_at_5(n: int) -> int:
        started.append(n)
        time.sleep(0.01)
        if n == 5:
            raise KeyError("five")
        return n

    results = []
    with pytest.raises(KeyError, match="five"):
        results.extend(ordered_map(fail_at_5, range(1000), 2))
    assert results == [0, 1, 2, 3, 4]
    assert len(started) <= 5 + 2 * 2 + 2


def test_an_exception_of_the_items_is_raised():
    def items():
        yield from range(3)
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        list(ordered_map(abs, items(), 2))


def test_closing_the_iterator_stops_the_work():
    started = []

    def note(n: int) -> int:
        started.append(n)
        return n

    results = ordered_map(note, range(1000), 2)
    assert next(results) == 0
    results.close()
    assert len(started) <= 4


def test_no_item_starts_before_the_first_result_is_asked_for():
    started = []
    results = ordered_map(started.append, range(3), 2)
    assert (started, threading.active_count()) == ([], len(threading.enumerate()))
    results.close()
    assert started == []


def test_zero_threads_are_refused():
    with pytest.raises(ValueError, match="max_workers"):
        list(ordered_map(abs, [1], 0))


@pytest.fixture
def slow() -> threading.Event:
    """An event that lets the items go on that wait for it."""
    return threading.Event()


def test_items_that_wait_when_one_fails_are_never_begun(slow: threading.Event) -> None:
    begun = []

    def work(n: int) -> int:
        begun.append(n)
        if n == 0:
            raise KeyError("zero")
        slow.wait(20)
        return n

    answers = ordered_map(work, range(100), 2)
    opened = threading.Timer(0.5, slow.set)  # until then both threads are busy with items 1 and 2
    opened.start()
    with pytest.raises(KeyError, match="zero"):
        next(answers)
    opened.join()
    assert 3 not in begun, "it was waiting behind items 1 and 2"


def test_items_that_wait_when_the_consumer_stops_are_never_begun(slow: threading.Event) -> None:
    begun = []

    def work(n: int) -> int:
        begun.append(n)
        if n > 0:
            slow.wait(20)
        return n

    answers = ordered_map(work, range(100), 1)
    assert next(answers) == 0
    opened = threading.Timer(0.5, slow.set)
    opened.start()
    answers.close()
    opened.join()
    assert begun in ([0], [0, 1])


def test_items_that_wait_when_the_items_fail_are_never_begun(slow: threading.Event) -> None:
    begun = []

    def work(n: int) -> None:
        begun.append(n)
        slow.wait(20)

    def items():
        yield from range(4)
        opened.start()
        raise ValueError("no more items")

    opened = threading.Timer(0.5, slow.set)
    with pytest.raises(ValueError, match="no more items"):
        list(ordered_map(work, items(), 3))
    opened.join()
    assert 3 not in begun


@pytest.mark.parametrize("n_threads", [1, 3])
def test_exactly_twice_as_many_items_as_threads_are_taken_ahead(n_threads: int) -> None:
    taken = []
    answers = ordered_map(lambda n: n, (taken.append(n) or n for n in range(100)), n_threads)
    for n in range(20):
        next(answers)
        assert len(taken) == 2 * n_threads + n
    answers.close()
