"""A pool of threads that works ahead, but not far, and answers in order."""

from __future__ import annotations

import doctest
import itertools
import threading
import time

import pytest

from transforms.shards import ordered_map as module
from transforms.shards.ordered_map import ordered_map


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def test_answers_come_in_the_order_of_the_items():
    def later_first(n: int) -> int:
        time.sleep(0.02 if n % 4 == 0 else 0)
        return n * n

    assert list(ordered_map(later_first, range(100), 4)) == [n * n for n in range(100)]


def test_no_items_no_answers():
    assert list(ordered_map(abs, [], 3)) == []


@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_work_is_done_in_that_many_threads_at_once_and_no_more(n_threads):
    together = threading.Barrier(n_threads)  # breaks unless that many are at work at the same time

    def one(n: int) -> str:
        together.wait(timeout=20)
        return threading.current_thread().name

    assert len(set(ordered_map(one, range(n_threads * 6), n_threads))) == n_threads


@pytest.mark.parametrize("n_threads", [1, 3])
def test_endless_items_are_taken_only_a_little_ahead_of_the_answers(n_threads):
    n_taken = 0

    def items():
        nonlocal n_taken
        for n in itertools.count():
            n_taken += 1
            yield n

    answers = ordered_map(lambda n: n, items(), n_threads)
    for n in range(50):
        assert next(answers) == n
        assert n_taken - n <= 2 * n_threads
    answers.close()


def test_an_exception_is_raised_in_its_turn_and_stops_what_was_not_begun():
    begun = []

    def one(n: int) -> int:
        begun.append(n)
        time.sleep(0.01)
        if n == 5:
            raise KeyError("five")
        return n

    seen = []
    with pytest.raises(KeyError, match="five"):
        seen.extend(ordered_map(one, range(1000), 2))
    assert seen == [0, 1, 2, 3, 4]
    assert len(begun) <= 5 + 2 * 2 + 2


def test_an_exception_of_the_items_is_raised():
    def items():
        yield from range(3)
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        list(ordered_map(abs, items(), 2))


def test_whoever_stops_listening_stops_the_work():
    begun = []

    def one(n: int) -> int:
        begun.append(n)
        return n

    answers = ordered_map(one, range(1000), 2)
    assert next(answers) == 0
    answers.close()
    assert len(begun) <= 4


def test_nothing_begins_before_the_first_answer_is_asked_for():
    begun = []
    answers = ordered_map(begun.append, range(3), 2)
    assert (begun, threading.active_count()) == ([], len(threading.enumerate()))
    answers.close()
    assert begun == []


def test_no_thread_is_no_way_to_work():
    with pytest.raises(ValueError, match="max_workers"):
        list(ordered_map(abs, [1], 0))


def test_examples():
    assert doctest.testmod(module).failed == 0


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
    assert begun == [0, 1, 2], "item 3 was waiting"


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
    assert begun == [0, 1, 2]


@pytest.mark.parametrize("n_threads", [1, 3])
def test_exactly_twice_as_many_items_as_threads_are_taken_ahead(n_threads: int) -> None:
    taken = []
    answers = ordered_map(lambda n: n, (taken.append(n) or n for n in range(100)), n_threads)
    for n in range(20):
        next(answers)
        assert len(taken) == 2 * n_threads + n
    answers.close()
